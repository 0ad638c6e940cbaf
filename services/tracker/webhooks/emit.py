"""The last step of every callback: on Kafka, or not answered with success."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from aiohttp import web
from aiokafka.errors import KafkaError
from clickhouse_connect.driver.exceptions import ClickHouseError

from services.runtime import metrics
from services.runtime.clock import utc_now
from services.runtime.fail_points import fail_point
from services.tracker.core.callbacks import Parsed
from services.tracker.core.rows import CALLBACK_COLUMNS
from services.tracker.publish import Publisher
from services.tracker.store import Store

log = structlog.get_logger("webhooks")
PATIENCE_S: Final = 10.0
"""Providers wait 10 to 15 s for an answer and then repeat."""


class Emitter:
    def __init__(self, publisher: Publisher, store: Store, refresh_campaigns: Callable[[], Awaitable[None]]) -> None:
        self.publisher, self.store, self.refresh_campaigns = publisher, store, refresh_campaigns

    async def emit(self, provider: str, parse: Callable[[], Parsed]) -> web.Response:
        """204 when every event is acked and every unknown word is kept; 503 else, so that the provider repeats."""
        parsed = parse()
        try:
            async with asyncio.timeout(PATIENCE_S):
                if parsed.missing_campaigns:
                    await self.refresh_campaigns()
                    parsed = parse()
                fail_point("tracker.callback-parsed")
                await self.publisher.events(parsed.events)
                fail_point("tracker.callback-published")
                await self._keep(provider, parsed)
        except (KafkaError, ClickHouseError, OSError, TimeoutError) as error:
            return unavailable(provider, error)
        _count(provider, parsed)
        return web.Response(status=204)

    async def _keep(self, provider: str, parsed: Parsed) -> None:
        if not parsed.unknown:
            return
        now_ms = round(utc_now().timestamp() * 1000)
        rows = [(provider, told.kind[:40], told.reason, told.body, now_ms) for told in parsed.unknown]
        await self.store.insert("provider_callbacks", CALLBACK_COLUMNS, rows)
        log.warning("callbacks not understood", provider=provider, reasons=sorted({t.reason for t in parsed.unknown}))


def unavailable(provider: str, error: BaseException) -> web.Response:
    log.warning("callback not taken: the provider will repeat it", provider=provider, error=repr(error))
    metrics.callbacks.labels(provider, "unavailable").inc()
    return web.Response(status=503, headers={"Retry-After": "5"}, text="try again")


def forged(provider: str) -> web.Response:
    metrics.callbacks.labels(provider, "forged").inc()
    return web.Response(status=403, text="the signature is not the provider's")


def malformed(provider: str) -> web.Response:
    metrics.callbacks.labels(provider, "malformed").inc()
    return web.Response(status=400, text="not what this webhook takes")


def _count(provider: str, parsed: Parsed) -> None:
    total = parsed.counted.total()
    for result, count in (
        ("event", len(parsed.events)),
        ("unknown", len(parsed.unknown)),
        ("progress", total - len(parsed.events) - len(parsed.unknown)),
    ):
        if count > 0:
            metrics.callbacks.labels(provider, result).inc(count)
