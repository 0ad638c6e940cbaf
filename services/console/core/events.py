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
    """Where a page begins: at the moment `at_ms` (milliseconds since 1970), behind the event `after` of it."""

    at_ms: int
    after: str = ""


OLDEST = Place(0)
NEWEST = Place(7_258_118_400_000)
"""Later than any event."""


def behind(rows: Iterable[Event], place: Place) -> list[dict[str, Any]] | None:
    """The events of a page, and of those after it, from rows that begin with its moment; each once, of those told twice
    the first. None: where it begins is not among them."""
    found: dict[str, dict[str, Any]] = {}
    waiting = bool(place.after)
    for row in rows:
        if waiting and _milliseconds(row) != place.at_ms:
            waiting = False  # it was told once more, and that has gone meanwhile
        name = _name(row)
        if waiting:
            waiting = name != place.after
        else:
            found.setdefault(name, dict(row))
    found.pop(place.after, None)
    return None if waiting else list(found.values())


def following(shown: Sequence[Event]) -> Place:
    """Where the next page begins, in the same order, after a page that is not empty."""
    return Place(_milliseconds(shown[-1]), _name(shown[-1]))


def _name(event: Event) -> str:
    return "/".join(str(event[name]) for name in _KEY)


def _milliseconds(event: Event) -> int:
    moment: datetime = event["occurred_at"]
    return (moment.replace(tzinfo=UTC) - _EPOCH) // timedelta(milliseconds=1)
