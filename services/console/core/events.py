"""Pages of a person's events, of which a ledger may hold one twice until its parts have merged."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_KEY = ("campaign_id", "step", "attempt", "status", "source", "machine")
"""What makes an event one: the ledger's key, of one person."""
Event = Mapping[str, Any]


@dataclass(frozen=True)
class Place:
    """Where a page begins: at the moment `at_ms` (milliseconds since 1970), without the first `skip` events of it."""

    at_ms: int
    skip: int = 0


OLDEST = Place(0)
NEWEST = Place(7_258_118_400_000)
"""Later than any event."""


def distinct(rows: Iterable[Event]) -> list[dict[str, Any]]:
    """In their order; of those told twice the first."""
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for row in rows:
        found.setdefault(tuple(row[name] for name in _KEY), dict(row))
    return list(found.values())


def following(shown: Sequence[Event], before: Place) -> Place:
    """Where the next page begins, in the same order, after a page (not empty) that began at `before`."""
    last: datetime = shown[-1]["occurred_at"]
    at_ms = (last - _EPOCH) // timedelta(milliseconds=1)
    same = sum(event["occurred_at"] == last for event in shown)
    return Place(at_ms, same + (before.skip if at_ms == before.at_ms else 0))
