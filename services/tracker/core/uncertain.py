"""Sends whose fate nobody told us: the account's policy decides after a deadline."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, Literal

import msgspec

from schemas import Status
from services.domain.messages import DeliveryEvent, event_id

Policy = Literal["assume_sent", "resend"]
SOURCE: Final = "tracker"
ASSUMED: Final = "assumed"
RESEND: Final = "resend"


class UncertainSend(msgspec.Struct, frozen=True):
    campaign_id: str
    step: int
    recipient: str
    channel: str
    ord: int
    attempt: int
    account: str
    at: datetime


def settle(send: UncertainSend, policy: Policy, now: datetime, deadline: timedelta) -> DeliveryEvent | None:
    """The event that ends the doubt; None before the deadline. Whatever is learnt later outranks an assumption's word
    or, as a provider's callback, everything."""
    if now < send.at + deadline:
        return None
    status, reason = (Status.ACCEPTED, ASSUMED) if policy == "assume_sent" else (Status.FAILED_RETRYABLE, RESEND)
    contact = send.recipient[send.recipient.index("/") + 1 :]
    send_id = f"{send.campaign_id}/{send.step}/{contact}"
    minutes = int(deadline.total_seconds() // 60)
    return DeliveryEvent(
        event_id=event_id(send_id, send.attempt, status.value, SOURCE),
        send_id=send_id,
        campaign_id=send.campaign_id,
        step=send.step,
        recipient=send.recipient,
        ord=send.ord,
        attempt=send.attempt,
        channel=send.channel,
        account=send.account,
        status=status.value,
        reason=reason,
        detail=f"no word from the provider in {minutes} minutes; the account's policy is {policy}",
        occurred_at=send.at + deadline,
        source=SOURCE,
    )
