"""When a message to a person is due: at one moment for all, at a time on their own clock, or at their best hour."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from typing import Final

from schemas.campaign import Schedule
from services.domain.schedule.quiet import Quiet, next_opening
from services.domain.schedule.zones import at_wall, local, moments

EARLIEST: Final = timedelta(hours=14)
"""How far the clocks of Kiritimati are ahead of UTC: nobody's are further."""
NO_HOUR: Final = -1
"""In place of a best hour: none is known."""


def begins_at(schedule: Schedule) -> datetime:
    """The moment at which the first message of a campaign may be due, whoever it is for; in UTC."""
    if schedule.mode == "local":
        return wall_of(schedule).replace(tzinfo=UTC) - EARLIEST
    return schedule.moment


def wall_of(schedule: Schedule) -> datetime:
    """The time as it was written, without its zone: what everybody's own clock is to show."""
    return schedule.at.replace(tzinfo=None)


def local_opening(zone: str, wall: datetime, due: datetime) -> datetime:
    """When the clocks of `zone` show `wall`; at once where that is over by the time that it is due."""
    return max(at_wall(zone, wall), due)


def best_opening(zone: str, hour: int, due: datetime) -> datetime:
    """The first moment from `due` on at which the clocks of `zone` show this hour; at once where none is known."""
    now = local(zone, due)
    if hour == NO_HOUR or now.hour == hour:
        return due
    today = now.date()
    found = moments(zone, [time(hour)], today, today + timedelta(days=3))
    return next((at for at in found if at >= due and local(zone, at).hour == hour), due)


def first_opening(
    zone: str, due: datetime, quiet: Quiet | None, *, wall: datetime | None = None, hour: int = NO_HOUR
) -> datetime:
    """The first moment at which a message that is due may leave. `wall`: at that time on the person's own clock;
    `hour`: at that hour of it."""
    at = local_opening(zone, wall, due) if wall is not None else best_opening(zone, hour, due)
    return next_opening(quiet, zone, at)
