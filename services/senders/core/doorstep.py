"""May this message leave now? Asked before each group, and once more before each call."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from schemas import CampaignStatus
from services.domain.marks import Do as Do
from services.domain.messages import SendMessage
from services.domain.schedule import Quiet, is_quiet

CREDIT_S = 10.0
CREDIT_MESSAGES = 10
STALE_S = 60.0


class Verdict(NamedTuple):
    do: Do
    reason: str = ""


CALL = Verdict(Do.CALL)
WAIT = Verdict(Do.WAIT, "not_known")
LATE = Verdict(Do.RETURN, "lease_over")
RECALLED = Verdict(Do.RETURN, "recalled")
EXPIRED = Verdict(Do.RETURN, "expired")
STALE = Verdict(Do.RETURN, "stale")
OLD_EPOCH = Verdict(Do.RETURN, "old_epoch")
INACTIVE = Verdict(Do.RETURN, "inactive")
OVER_RESERVE = Verdict(Do.RETURN, "over_reserve")
QUIET_HOURS = Verdict(Do.RETURN, "quiet_hours")
DEAD_LETTER = Verdict(Do.RETURN, "dead_letter")


class Standing(NamedTuple):
    """What is known of a message's campaign."""

    epoch: int
    status: CampaignStatus
    quiet: Quiet | None = None
    """The quiet hours that it keeps."""


class Knowledge(NamedTuple):
    """What the doorstep goes by. Ages in seconds."""

    now: datetime
    age: float
    """Since the ends of `campaigns` and `send-recalls` were asked for to which both have been read."""
    most_age: float
    stale_after: float
    """Seconds after its routing at which a message goes back to the router, whose verdict is too old by then."""


def stale_after(rate: float, partitions: int) -> float:
    """60 s, or three times what the planner emits ahead, if that is longer."""
    return max(STALE_S, 3 * max(CREDIT_S, CREDIT_MESSAGES * partitions / rate))


def verdict(message: SendMessage, campaign: Standing | None, recalled: bool, known: Knowledge) -> Verdict:
    """To return is always safe; to call needs fresh knowledge."""
    if recalled:
        return RECALLED
    if known.now >= message.expires_at:
        return EXPIRED
    if (known.now - message.routed_at).total_seconds() > known.stale_after:
        return STALE
    if campaign is not None and message.epoch < campaign.epoch:
        return OLD_EPOCH
    if campaign is None or message.epoch > campaign.epoch or known.age >= known.most_age:
        return WAIT
    if campaign.status is not CampaignStatus.ACTIVE:
        return INACTIVE
    if campaign.quiet is not None and is_quiet(campaign.quiet, message.zone, known.now):
        return QUIET_HOURS  # the planner asks again in the morning
    return CALL
