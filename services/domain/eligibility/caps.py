"""How many messages a person may get in a stretch of time: rolling windows over all campaigns of the brand.

A person's record is the brand's own, so the sends in it are all that counts. What a send counts for is decided by
where it stands: what was given back, suppressed or failed gives its place to the next one.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple

from schemas.base import format_duration, parse_duration
from schemas.status import EVIDENCE, RANK, Status
from services.domain.eligibility.record import CampaignRules, CapRules, Record, Send

_MAY_HAVE_GONE: Final = frozenset(RANK[status] for status in (Status.QUEUED, Status.UNCERTAIN, Status.ACCEPTED))


class Taken(NamedTuple):
    """How much of a cap is used up, and by what: the number of messages, and the last of them."""

    cap: CapRules
    used: int
    last: Send | None

    @property
    def full(self) -> bool:
        return self.used >= self.cap.messages

    def brief(self, more: int = 0) -> str:
        """`1/3 in 7d`; with `more` messages on top."""
        channel = f"{self.cap.channel} " if self.cap.channel else ""
        return f"{self.used + more}/{self.cap.messages} {channel}in {format_duration(span(self.cap.per))}"

    def words(self) -> str:
        channel = f"{self.cap.channel} " if self.cap.channel else ""
        noun = "message" if self.cap.messages == 1 else "messages"
        found = f"{self.used} of {self.cap.messages} {channel}{noun} in {in_words(span(self.cap.per))}"
        if self.last is None:
            return found
        at = datetime.fromtimestamp(self.last.at / 1000, UTC)
        return f"{found}, the last {at:%Y-%m-%d %H:%M} UTC by {self.last.channel}"


def taken_of(record: Record, campaign: CampaignRules, channel: str, now: datetime) -> list[Taken]:
    """Each of the campaign's caps that a message on this channel falls under, and how much of it is used up. Nothing
    for a transactional campaign."""
    if campaign.kind == "transactional":
        return []
    return [_taken(record, cap, now) for cap in campaign.limits.caps if cap.channel is None or cap.channel == channel]


def _taken(record: Record, cap: CapRules, now: datetime) -> Taken:
    since = (now - span(cap.per)).timestamp() * 1000
    counted = [
        send for send in record.sends.values()
        if send.at > since and counts(send) and (cap.channel is None or send.channel == cap.channel)
    ]  # fmt: skip
    return Taken(cap, len(counted), max(counted, key=lambda send: send.at, default=None))


def counts(send: Send) -> bool:
    """Whether it went out or may have."""
    return not send.transactional and (send.state in _MAY_HAVE_GONE or send.state >= EVIDENCE)


@lru_cache(maxsize=256)
def span(per: str) -> timedelta:
    """Of a cap, as it is on the wire: `7d`."""
    return parse_duration(per)


def in_words(length: timedelta) -> str:
    """`7 days`, `1 hour`."""
    text = format_duration(length)
    number, unit = int(text[:-1]), {"s": "second", "m": "minute", "h": "hour", "d": "day"}[text[-1]]
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"
