"""What a provider's callback comes to, and how the two providers' parsers share it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

import msgspec

from schemas import UNKNOWN_ORDINAL, CampaignRecord
from services.domain.messages import DeliveryEvent, event_id

LAST_ATTEMPT: Final = 65_535
"""What the ledger has room for."""
FindCampaign = Callable[[str], CampaignRecord | None]


class Unknown(msgspec.Struct, frozen=True):
    """A callback that we cannot translate. Kept as it came, for whoever extends the tables."""

    kind: str
    reason: str
    body: str


class Parsed(msgspec.Struct):
    events: list[DeliveryEvent] = []
    unknown: list[Unknown] = []
    counted: Counter[str] = msgspec.field(default_factory=Counter)
    """The provider's word -> how often; those that make no event too."""
    missing_campaigns: set[str] = set()
    """Named by a send id and not known here: maybe not yet."""


class SendName(msgspec.Struct, frozen=True):
    """Which attempt of which send a callback speaks of."""

    send_id: str
    attempt: int
    ord: int


def send_name(send_id: str, attempt: str, ordinal: str) -> SendName | None:
    """None where it is not one of ours."""
    parts, number, place = send_id.split("/"), _number(attempt), _number(ordinal)
    if len(parts) != 3 or not all(parts) or _number(parts[1]) < 1 or not 1 <= number <= LAST_ATTEMPT:
        return None
    return SendName(send_id, number, place if 0 <= place < UNKNOWN_ORDINAL else UNKNOWN_ORDINAL)


def _number(text: str) -> int:
    """-1 where it is none that we count with: ASCII digits, and not so many that Python refuses to read them."""
    return int(text) if len(text) <= 10 and text.isascii() and text.isdecimal() else -1


def callback_event(
    name: SendName,
    find: FindCampaign,
    status: str,
    reason: str,
    *,
    detail: str,
    account: str,
    provider: str,
    provider_message_id: str,
    occurred_at: datetime,
    machine: bool = False,
) -> DeliveryEvent | None:
    """None where the campaign or its step is not known: then nobody can say whose recipient it is."""
    campaign_id, step_text, contact = name.send_id.split("/")
    campaign, step = find(campaign_id), int(step_text)
    if campaign is None or not 1 <= step <= len(campaign.steps):
        return None
    return DeliveryEvent(
        event_id=event_id(name.send_id, name.attempt, status, provider),
        send_id=name.send_id,
        campaign_id=campaign_id,
        step=step,
        recipient=f"{campaign.brand}/{contact}",
        ord=name.ord,
        attempt=name.attempt,
        channel=campaign.steps[step - 1].channel.value,
        account=account or campaign.steps[step - 1].account,
        status=status,
        reason=reason,
        detail=detail[:500],
        provider=provider,
        provider_message_id=provider_message_id,
        occurred_at=occurred_at,
        machine=machine,
        source=provider,
    )


def text_of(fields: Mapping[str, object], name: str) -> str:
    value = fields.get(name, "")
    return value if isinstance(value, str) else "" if value is None else str(value)
