"""Who of a step may be asked for now. People of one zone and one best hour are alike: a group.

To hold a message is not to ask for it yet. Whoever is held stays silent; the sweep finds them when their hour comes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Final, NamedTuple

from schemas import CampaignRecord
from services.domain.schedule import (
    NO_HOUR,
    Quiet,
    best_opening,
    local,
    local_opening,
    next_opening,
    quiet_of,
    wall_of,
    window,
)
from services.planner.core.due import together

LONGEST_AHEAD: Final = timedelta(minutes=30)
"""Quiet hours leave at least an hour of the day."""


class Group(NamedTuple):
    zone: str
    """Empty: the campaign's."""
    hour: int = NO_HOUR
    """In which its people open most."""


@dataclass(frozen=True, slots=True)
class Timing:
    """By what the people of a step are held."""

    due: datetime
    expires_after: timedelta
    zone: str
    """Of people who have none of their own."""
    quiet: Quiet | None = None
    wall: datetime | None = None
    """What everybody's own clock is to show."""
    best: bool = False
    """Everybody at their best hour."""
    ahead: timedelta = timedelta(0)
    """From asking for a message to its leaving: so long before quiet hours nobody is asked for any more."""


@dataclass(frozen=True, slots=True)
class GroupHours:
    open: bool
    """Whether its people may be asked for."""
    changes_at: datetime | None
    """When that is over; None: never."""
    expires_at: datetime
    timing: str
    """Why now, in words; empty where they were held by nothing."""


def may_hold(record: CampaignRecord) -> bool:
    """Whether anybody is ever held in one of its steps."""
    by_schedule = record.schedule is not None and record.schedule.mode != "fixed"
    return by_schedule or quiet_of(record.kind, record.limits) is not None


def timing_of(record: CampaignRecord, number: int, due: datetime, ahead: timedelta = timedelta(0)) -> Timing | None:
    """None where nobody is ever held."""
    quiet, schedule = quiet_of(record.kind, record.limits), record.schedule
    mode = schedule.mode if schedule else "fixed"
    wall = None
    if schedule and mode == "local" and _with_the_first(record, number):
        wall = wall_of(schedule) + timedelta(seconds=record.steps[0].after_s)
    if quiet is None and wall is None and mode != "best_time":
        return None
    expires_after = record.limits.expires_after
    return Timing(
        due, expires_after, zone_of_campaign(record), quiet, wall, mode == "best_time", min(ahead, LONGEST_AHEAD)
    )


def zone_of_campaign(record: CampaignRecord) -> str:
    return (record.schedule.zone if record.schedule else None) or record.zone


def _with_the_first(record: CampaignRecord, number: int) -> bool:
    """Later steps are due so long after the whole of the one before."""
    return all(together(step) for step in record.steps[1:number])


def group_hours(timing: Timing, group: Group, now: datetime) -> GroupHours:
    """How it is with a group now.

    At its expiry it is asked for, whatever the hour: the router says that it is too late, and nothing leaves.
    """
    zone = group.zone or timing.zone
    first = _first(timing, zone, group.hour)
    expires_at = first + timing.expires_after
    if now >= expires_at:
        return GroupHours(True, None, expires_at, "")
    at = max(first, now)
    hours = window(timing.quiet, zone, at)
    closing = hours.until is not None and not hours.quiet and now >= hours.until - timing.ahead
    if hours.quiet or first > now or closing:
        opens_at = next_opening(timing.quiet, zone, hours.until if closing and hours.until else at)
        return GroupHours(False, min(opens_at, expires_at), expires_at, "")
    until = hours.until - timing.ahead if hours.until is not None else None
    changes_at = min(until, expires_at) if until is not None else expires_at
    return GroupHours(True, changes_at, expires_at, _words(timing, zone, group.hour, first, hours.since))


def _first(timing: Timing, zone: str, hour: int) -> datetime:
    """When its people are due by the schedule; quiet hours are another matter."""
    if timing.wall is not None:
        return local_opening(zone, timing.wall, timing.due)
    return best_opening(zone, hour, timing.due) if timing.best else timing.due


def _words(timing: Timing, zone: str, hour: int, first: datetime, since: datetime | None) -> str:
    """`%s` stands where a person's own figures belong."""
    words = []
    if timing.wall is not None and first > timing.due:
        words.append(f"{timing.wall:%H:%M} {zone}, by the person's own clock")
    if timing.best and hour != NO_HOUR:
        words.append(f"{hour:02}:00 {zone}, %s")
    if since is not None and since > first:
        words.append(f"held until {local(zone, since):%H:%M} {zone} (quiet hours)")
    return "; ".join(words)


def in_person(timing: str, best_opens: int, opens: int) -> str:
    """The words of a group, for one of its people, who opened so many of their `opens` messages in their best hour."""
    if "%s" not in timing:
        return timing
    figures = f"when this person opened {best_opens} of {opens} messages" if opens else "the best hour of the brand"
    return timing.replace("%s", figures)


@dataclass(frozen=True)
class StepHours:
    """How it is with all groups of a step."""

    timing: Timing
    groups: Mapping[Group, GroupHours]
    now: datetime

    @classmethod
    def at(cls, timing: Timing, groups: Iterable[Group], now: datetime) -> StepHours:
        return cls(timing, {group: group_hours(timing, group, now) for group in groups}, now)

    @cached_property
    def open(self) -> frozenset[Group]:
        return frozenset(group for group, hours in self.groups.items() if hours.open)

    @cached_property
    def everybody(self) -> bool:
        """Whether all may be asked for."""
        return bool(self.groups) and len(self.open) == len(self.groups)

    @cached_property
    def changes_at(self) -> datetime | None:
        """When this is no longer so."""
        return min((hours.changes_at for hours in self.groups.values() if hours.changes_at is not None), default=None)

    @cached_property
    def opens_at(self) -> datetime | None:
        """When the next of those who are held may be asked for."""
        return min(self._openings, default=None)

    @cached_property
    def held_until(self) -> datetime | None:
        """When the last of them may."""
        return max(self._openings, default=None)

    @property
    def _openings(self) -> list[datetime]:
        return [hours.changes_at for hours in self.groups.values() if not hours.open and hours.changes_at is not None]

    def of(self, group: Group) -> GroupHours:
        """Of a group that nobody has told of, too."""
        return self.groups.get(group) or group_hours(self.timing, group, self.now)
