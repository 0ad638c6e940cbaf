"""Quiet hours: when nobody is to be disturbed, by the clock where the person is."""

from __future__ import annotations

from bisect import bisect_right
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Final, NamedTuple

from schemas import Limits
from services.domain.schedule.zones import local, moments

LOOK: Final = timedelta(days=3)
"""To either side of a day, for the turns around it: some places have skipped a whole day."""
JUST_BEFORE: Final = timedelta(microseconds=1)


class Quiet(NamedTuple):
    """From `start` until before `end`, over midnight where that is the earlier one. Not the same time twice."""

    start: time
    end: time


class Window(NamedTuple):
    """Hours of one kind, quiet or not, in UTC: from `since` until before `until`; None: not within days."""

    quiet: bool
    since: datetime | None
    until: datetime | None


def quiet_of(kind: str, limits: Limits) -> Quiet | None:
    """The quiet hours that a campaign keeps. None for a transactional one, and where both ends are the same time."""
    hours = limits.quiet_hours
    if kind == "transactional" or hours is None or hours.from_ == hours.to:
        return None
    return Quiet(hours.from_, hours.to)


def is_quiet(quiet: Quiet, zone: str, at: datetime) -> bool:
    now = local(zone, at).time()
    if quiet.start < quiet.end:
        return quiet.start <= now < quiet.end
    return now >= quiet.start or now < quiet.end


def window(quiet: Quiet | None, zone: str, at: datetime) -> Window:
    """The hours, quiet or not, that `at` lies in."""
    if quiet is None:
        return Window(False, None, None)
    turns = _turns(quiet, zone, local(zone, at).date())
    index = bisect_right(turns, at)
    since = turns[index - 1] if index else None
    until = turns[index] if index < len(turns) else None
    return Window(is_quiet(quiet, zone, at), since, until)


def next_opening(quiet: Quiet | None, zone: str, at: datetime) -> datetime:
    """The first moment from `at` on that is not quiet."""
    while (now := window(quiet, zone, at)).quiet and now.until is not None:
        at = now.until
    return at


@lru_cache(maxsize=8192)
def _turns(quiet: Quiet, zone: str, day: date) -> list[datetime]:
    """When it turns quiet or stops being so, for some days around `day`."""
    found = moments(zone, quiet, day - LOOK, day + LOOK)
    return [at for at in found if is_quiet(quiet, zone, at) != is_quiet(quiet, zone, at - JUST_BEFORE)]
