"""Wall clocks: what people's clocks show, and when. Times that a zone's clocks skip or show twice included."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

SECOND = timedelta(seconds=1)


@lru_cache(maxsize=1024)
def zone_of(name: str) -> ZoneInfo:
    """UTC for a name that nobody knows: what came with a contact may be anything."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def local(zone: str, at: datetime) -> datetime:
    """What the clocks of `zone` show at a moment."""
    return at.astimezone(zone_of(zone))


def at_wall(zone: str, wall: datetime) -> datetime:
    """The moment, in UTC, at which the clocks of `zone` show `wall` (a time without zone): the first one where they
    show it twice. A time that they skip is taken as if they did not: 02:30 becomes 03:30."""
    return wall.replace(tzinfo=zone_of(zone), fold=0).astimezone(UTC)


def moments(zone: str, walls: Iterable[time], first: date, last: date) -> list[datetime]:
    """Every moment, in UTC and in order, at which the clocks of `zone` may pass one of these times on the days from
    `first` to `last`, and every moment at which they are put forward or back in between."""
    tz, days = zone_of(zone), (last - first).days
    passed = {
        datetime.combine(first + timedelta(days=day), wall, tzinfo=tz).replace(fold=fold).astimezone(UTC)
        for day in range(days + 1)
        for wall in (*walls, time(0))
        for fold in (0, 1)
    }
    ordered = sorted(passed)
    return sorted({*ordered, *(put for pair in pairwise(ordered) if (put := _put_between(tz, *pair)) is not None)})


def _put_between(tz: ZoneInfo, before: datetime, after: datetime) -> datetime | None:
    """The moment in between from which the clocks are ahead or behind of what they were."""
    offset = before.astimezone(tz).utcoffset()
    if after.astimezone(tz).utcoffset() == offset:
        return None
    while after - before > SECOND:
        middle = before + (after - before) // 2
        middle -= timedelta(microseconds=middle.microsecond)
        if middle <= before:
            break
        if middle.astimezone(tz).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after
