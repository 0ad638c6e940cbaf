"""What became of a send: the one event that the ledger is made of."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from schemas.base import AccountKey, CampaignKey, Channel, RecipientKey, SendKey, Time, Wire
from schemas.sends import UNKNOWN_ORDINAL
from schemas.status import Status


class DeliveryEvent(Wire):
    event_id: str
    """`<send_id>/<attempt>/<status>/<source>`: the same event has the same id, however often it is told."""
    send_id: SendKey
    campaign_id: CampaignKey
    step: Annotated[int, Field(ge=1)]
    recipient: RecipientKey
    ord: Annotated[int, Field(ge=0, le=UNKNOWN_ORDINAL)]
    attempt: Annotated[int, Field(ge=1)]
    channel: Channel
    account: AccountKey
    status: Status
    reason: str = ""
    detail: str = ""
    cost_micros: int = 0
    cost_basis: Literal["", "reserve", "card", "waived", "price"] = ""
    """What this event knows of the cost of its attempt, from the least to the surest: nothing, at most the reserve, by
    the rate card, free of charge because it failed, the price that the provider told. The surest one counts."""
    provider: str = ""
    provider_message_id: str = ""
    occurred_at: Time
    machine: bool = False
    """A scanner or a privacy proxy did it: recorded, but not engagement."""
    source: str
    """Who says so: `router`, `sender`, `twilio`, `sendgrid`, `tracker`, `planner`; `ask` (found when the provider was
    asked), `price` (what the provider charged), `operator` (somebody who knows better)."""
