"""Waiting for a part to answer. None of these has a time limit of its own: the caller sets it."""

from __future__ import annotations

import asyncio

import httpx
from aiokafka.errors import KafkaError

from services.runtime.kafka import make_admin
from services.runtime.settings import Settings

INTERVAL_SECONDS = 0.1
REQUEST_TIMEOUT_MS = 5_000
"""A broker that dies or begins just then may leave a request without an answer: ask again soon."""


async def wait_for_url(url: str) -> None:
    """Until the URL answers 200."""
    async with httpx.AsyncClient(timeout=5.0, trust_env=False) as client:
        while True:
            try:
                if (await client.get(url)).status_code == httpx.codes.OK:
                    return
            except httpx.HTTPError:
                pass
            await asyncio.sleep(INTERVAL_SECONDS)


async def wait_for_kafka(settings: Settings) -> None:
    """Until the broker answers a metadata request with itself in it: a listening socket is not yet a ready broker."""
    host, port = settings.kafka_bootstrap.split(",")[0].rsplit(":", 1)
    while not await _listens(host, int(port)):  # noqa: ASYNC110  (another process: there is no event)
        await asyncio.sleep(INTERVAL_SECONDS)
    while not await _has_broker(settings):  # noqa: ASYNC110
        await asyncio.sleep(INTERVAL_SECONDS)


async def _listens(host: str, port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection(host, port)
    except OSError:
        return False
    writer.close()
    return True


async def _has_broker(settings: Settings) -> bool:
    admin = make_admin(settings, request_timeout_ms=REQUEST_TIMEOUT_MS)
    try:
        await admin.start()
        return bool((await admin.describe_cluster())["brokers"])
    except (KafkaError, OSError):
        return False
    finally:
        await admin.close()
