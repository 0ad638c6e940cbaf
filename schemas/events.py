"""What became of a send: the one event that the ledger is made of."""

from __future__ import annotations

from typing import Annotated

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
    provider: str = ""
    provider_message_id: str = ""
    occurred_at: Time
    machine: bool = False
    """A scanner or a privacy proxy did it: recorded, but not engagement."""
    source: str
    """Who says so: `router`, `sender`, `twilio`, `sendgrid`, `tracker`, `planner`."""
