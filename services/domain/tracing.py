"""Where the spans of a campaign hang: ids that everybody can work out, so that none has to be kept or passed around."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final, NamedTuple

TRACEPARENT: Final = "traceparent"
"""The header, on a Kafka record as in HTTP (W3C Trace Context)."""
SAMPLED: Final = 0x01
"""The flag of a traceparent whose spans are wanted."""

Headers = Iterable[tuple[str, bytes]]


class SpanIds(NamedTuple):
    trace_id: int
    """128 bits."""
    span_id: int
    """64 bits."""


def campaign_span_ids(campaign_id: str, launched_at: datetime, began_at: datetime) -> SpanIds:
    """One trace from the launch on; a span from `began_at`, which is the launch or when a raised budget reopened it."""
    trace = _digest(campaign_id, _as_written(launched_at))
    return SpanIds(_not_zero(trace[:16]), _not_zero(_digest(trace.hex(), _as_written(began_at))[:8]))


def refusal_span_ids(command_id: str) -> SpanIds:
    """Of a launch that was refused: a trace of its own."""
    digest = _digest("refused", command_id)
    return SpanIds(_not_zero(digest[:16]), _not_zero(digest[16:24]))


def trace_headers(headers: Headers) -> tuple[tuple[str, bytes], ...]:
    """What travels on from a record to those that come of it: empty where nobody traces."""
    return tuple(header for header in headers if header[0] == TRACEPARENT and header[1])


def is_sampled(headers: Headers) -> bool:
    """Whether spans of this message are wanted. False for anything that is no traceparent."""
    for name, value in headers:
        if name == TRACEPARENT:
            try:
                return bool(int(value.split(b"-")[3], 16) & SAMPLED)
            except (IndexError, ValueError):
                return False
    return False


def picked(number: int, share: float) -> bool:
    """Whether the `number`-th of 0, 1, 2... is among the `share` of them: evenly spread, the first always, if any."""
    return -(-number * share // 1) != -(-(number + 1) * share // 1) if share > 0 else False


def _as_written(moment: datetime) -> str:
    """As whoever reads the campaign from its topic knows it: milliseconds, in UTC."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")


def _digest(*parts: str) -> bytes:
    return hashlib.sha256("\n".join(parts).encode()).digest()


def _not_zero(raw: bytes) -> int:
    """Zero means "no id"."""
    return int.from_bytes(raw, "big") or 1
