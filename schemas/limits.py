"""What holds messages back: quiet hours, frequency caps, and when a message is too old."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from schemas.base import Channel, Duration, Wire


def _wall_time(value: object) -> object:
    """YAML reads an unquoted 21:00 as the number 1260."""
    if isinstance(value, int | float):
        raise ValueError(f'{value} is not a time of day: write it in quotes, such as "21:00"')
    return value


def _whole_minute(value: time) -> time:
    if value.tzinfo is not None:
        raise ValueError("a time of day has no zone: it is each person's own; write it as 21:00")
    if value.second or value.microsecond:
        raise ValueError("quiet hours begin and end at a full minute: write them as 21:00")
    return value


WallTime = Annotated[time, BeforeValidator(_wall_time), AfterValidator(_whole_minute)]
LEAST_OPEN = timedelta(hours=1)
LONGEST_CAP = timedelta(days=30)
"""A campaign's sends are remembered for so long after it has ended."""


class QuietHours(Wire):
    """By the clock of each person's own zone. Over midnight where `from` is the later one; the same time: none."""

    from_: WallTime = Field(alias="from")
    to: WallTime

    @model_validator(mode="after")
    def _leaves_some(self) -> QuietHours:
        day = datetime(2000, 1, 1)
        open_for = datetime.combine(day, self.from_) - datetime.combine(day, self.to)
        if timedelta(0) < open_for % timedelta(days=1) < LEAST_OPEN:
            raise ValueError("quiet hours leave less than an hour of the day: make them shorter")
        return self


def _cap_window(value: timedelta) -> timedelta:
    if not timedelta(0) < value <= LONGEST_CAP:
        raise ValueError("a cap looks back over more than nothing and at most 30d: write it such as 24h, 7d or 30d")
    return value


class Cap(Wire):
    """At most so many messages to a person in any stretch of time so long, over all campaigns of the brand."""

    messages: Annotated[int, Field(ge=1)]
    per: Annotated[Duration, AfterValidator(_cap_window)]
    channel: Channel | None = None
    """Counts this channel's messages alone, and caps them alone. Absent: all channels together."""


class Limits(Wire):
    quiet_hours: QuietHours | None = None
    caps: list[Cap] = []
    expires_after: Duration = timedelta(days=7)
