"""What became of a call, message by message; and the event that says so."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import msgspec

from services.domain.messages import DeliveryEvent, SendMessage, event_for
from services.senders.core.doorstep import Do

SOURCE = "sender"


class Accepted(msgspec.Struct, frozen=True, gc=False):
    """The provider has taken it."""

    provider_message_id: str


class Failed(msgspec.Struct, frozen=True, gc=False):
    """It will never go out: `reason` by the provider's table."""

    reason: str
    detail: str = ""


class Retryable(msgspec.Struct, frozen=True, gc=False):
    """It did not go out, and may later: the sweep tries again after a pause."""

    reason: str
    detail: str = ""


class Uncertain(msgspec.Struct, frozen=True, gc=False):
    """It left, and nobody said whether it was taken. Never sent again by itself."""

    reason: str
    detail: str = ""


class Refused(msgspec.Struct, frozen=True, gc=False):
    """It never left this process, or the provider's answer means "not processed"."""

    wait: float
    """Seconds until it may be tried again; 0: the doorstep said no, so not within this group."""
    reason: str = "throttled"
    closes: bool = False
    """The whole account has to wait, such as after a 429."""
    detail: str = ""


Outcome = Accepted | Failed | Retryable | Uncertain | Refused | None
"""None: not started."""


def spent(outcomes: Sequence[Outcome]) -> int:
    """How many leading messages are over.

    Behind the last one that the provider took or may have taken, or that is settled, none was processed: that tail is
    retracted and comes again as if untouched, also where the answer was 429.
    """
    over = (i + 1 for i, o in enumerate(outcomes) if isinstance(o, Accepted | Failed | Retryable | Uncertain))
    return max(over, default=0)


def event_of(
    message: SendMessage, do: Do, outcome: Outcome, *, reason: str, cost_micros: int, free_failure: bool, provider: str,
    now: datetime,
) -> DeliveryEvent:  # fmt: skip
    """`reason`: why the doorstep returned it. `free_failure`: on the rate card a failed message costs nothing."""
    status, detail, provider_message_id, cost, basis = "recalled", "", "", 0, ""
    if do is Do.CALL:
        basis = "card" if message.reserved_micros or cost_micros else ""
        match outcome:
            case Accepted(provider_message_id=provider_message_id):
                status, reason, cost = "accepted", "", cost_micros
            case Failed(reason=reason, detail=detail):
                status, cost = "failed", 0 if free_failure else cost_micros
            case Retryable(reason=reason, detail=detail):
                status, cost = "failed_retryable", 0 if free_failure else cost_micros
            case Uncertain(reason=reason, detail=detail):
                status, cost, basis = "uncertain", cost_micros, basis and "reserve"
            case Refused(reason=reason, detail=detail):
                pass
            case None:
                reason = "not_started"
    return event_for(
        message, status, source=SOURCE, occurred_at=now, reason=reason, detail=detail, cost_micros=cost,
        cost_basis=basis, provider=provider, provider_message_id=provider_message_id,
    )  # fmt: skip
