"""OpenTelemetry. Off unless an endpoint is set: its packages are not even imported, and no message carries a header.

Where it is on, campaigns and pages are always told, and a share of the messages.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import structlog

from services.runtime.settings import Settings

if TYPE_CHECKING:
    from services.runtime.spans import Spans

_spans: Spans | None = None


def spans() -> Spans | None:
    """Where spans are made; None: nobody wants any."""
    return _spans


def use_spans(made: Spans | None) -> None:
    """For this process; tests give one that keeps them in memory."""
    global _spans
    _spans = made


def start_telemetry(service: str, settings: Settings) -> None:
    if not settings.otlp_endpoint:
        return
    from services.runtime.spans import Spans, otlp_processor  # here, so that who does not use it does not pay for it

    use_spans(Spans(service, otlp_processor(settings.otlp_endpoint), settings.trace_share))
    structlog.get_logger(service).info("spans go to", endpoint=settings.otlp_endpoint)


async def stop_telemetry() -> None:
    """Sends what is waiting; a collector that does not answer is given up on within seconds."""
    made = spans()
    use_spans(None)
    if made is not None:
        await asyncio.to_thread(made.close)
