"""Sends whose fate nobody told us: when the provider is asked, and what the account's policy decides in the end."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec

from schemas import Status
from services.domain.messages import DeliveryEvent, event_for, send_id_of

Policy = Literal["assume_sent", "resend"]
SOURCE: Final = "tracker"
ASSUMED: Final = "assumed"
RESEND: Final = "resend"


class UncertainSend(msgspec.Struct, frozen=True):
    """`at`: when it was said that nobody knows."""

    campaign_id: str
    step: int
    recipient: str
    channel: str
    ord: int
    attempt: int
    account: str
    at: datetime

    @property
    def send_id(self) -> str:
        return send_id_of(self.campaign_id, self.step, self.recipient)

    @property
    def key(self) -> tuple[str, int]:
        return self.send_id, self.attempt


def asks_due(send: UncertainSend, now: datetime, after: tuple[timedelta, ...]) -> int:
    """How often the provider should have been asked by now."""
    return sum(now >= send.at + delay for delay in after)


def settle(send: UncertainSend, policy: Policy, now: datetime, deadline: timedelta) -> DeliveryEvent | None:
    """The event that ends the doubt; None before the deadline. Whatever is learnt later outranks an assumption's word
    or, as a provider's callback, everything. Of the cost it says nothing: the reserve stays."""
    if now < send.at + deadline:
        return None
    status, reason = (Status.ACCEPTED, ASSUMED) if policy == "assume_sent" else (Status.FAILED_RETRYABLE, RESEND)
    minutes = int(deadline.total_seconds() // 60)
    detail = f"no word from the provider in {minutes} minutes; the account's policy is {policy}"
    return event_for(
        send, status.value, source=SOURCE, occurred_at=send.at + deadline, reason=reason, detail=detail
    )  # fmt: skip
