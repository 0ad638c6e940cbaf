"""Where a consumer group stands in a partition, and whether it can go on from there."""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

NONE = -1
"""In place of an offset that is not there."""


class Trouble(StrEnum):
    MISSING = "missing"
    """No offset is committed."""
    OUTRUN = "outrun"
    """Retention has removed what was yet to be read."""
    BEYOND = "beyond"
    """The topic ends before the committed offset: somebody made it anew."""
    FOREIGN = "foreign"
    """What was committed with the offset is not a sender's."""
    REPEATS = "repeats"
    """All new messages look like repeats: send-requested was made anew."""
    EMPTY_STATE = "empty_state"
    """The router has read, and what it knew of the people is gone."""


class Place(NamedTuple):
    group: str
    topic: str
    partition: int
    committed: int
    """Next offset to read; `NONE`: nothing is committed."""
    metadata: str
    """What was committed with it."""
    low: int
    """The oldest offset that the log holds."""
    high: int
    """The offset behind its last record."""

    @property
    def name(self) -> str:
        return f"{self.topic}/{self.partition}"


def trouble_of(place: Place) -> Trouble | None:
    """Why reading on would skip or repeat something; None: it would not."""
    if place.committed < 0:
        return Trouble.MISSING
    if place.committed < place.low:
        return Trouble.OUTRUN
    return Trouble.BEYOND if place.committed > place.high else None


def sentence(place: Place, trouble: Trouble) -> str:
    """For a log's last line, with the remedy."""
    match trouble:
        case Trouble.MISSING:
            return (
                f"group {place.group} has no committed offset for {place.name}: run `peal topics apply` if this is a "
                "new installation or account, else `peal repair`"
            )
        case Trouble.OUTRUN:
            return (
                f"group {place.group}: offset {place.committed} was committed for {place.name}, but retention has "
                f"removed everything below {place.low}: run `peal repair`"
            )
        case Trouble.BEYOND:
            return (
                f"group {place.group}: offset {place.committed} was committed for {place.name}, but the topic ends at "
                f"{place.high}: somebody made it anew. Run `peal repair`"
            )
        case Trouble.FOREIGN:
            return (
                f"group {place.group}: the offset of {place.name} was committed by another program: end whatever else "
                "uses this group, then run `peal repair`"
            )
        case Trouble.REPEATS:
            return (
                f"{place.name}: every new message looks like a repeat, for send-requested was made anew: run "
                "`peal repair`"
            )
        case Trouble.EMPTY_STATE:
            return (
                f"{place.name} is read up to {place.committed}, but the changelog of the people is empty: who opted "
                "out and what was sent would be forgotten. Run `peal repair`, which rebuilds it from the ledger"
            )
