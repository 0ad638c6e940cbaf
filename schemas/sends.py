"""One message on its way: asked for by the planner, routed by the router, taken back or sent by a sender."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from schemas.base import DEFAULT_ACCOUNT, AccountKey, CampaignKey, Channel, RecipientKey, SendKey, Time, Wire
from schemas.people import AttributeValue

UNKNOWN_ORDINAL = 4294967295
"""In place of `ord` where it is not known: such an event is in the ledger and in no count."""


class SendRequested(Wire):
    send_id: SendKey
    campaign_id: CampaignKey
    step: Annotated[int, Field(ge=1)]
    recipient: RecipientKey
    ord: Annotated[int, Field(ge=0, le=UNKNOWN_ORDINAL)]
    attempt: Annotated[int, Field(ge=1)]
    epoch: Annotated[int, Field(ge=1)]
    reopen: bool = False
    channel: Channel
    account: AccountKey = DEFAULT_ACCOUNT
    address: str
    data: dict[str, AttributeValue] = {}
    """The attributes that the content uses."""
    duplicate: bool = False
    """Another person of this audience has the same address on this channel."""
    opt_in: bool = False
    """The campaign's own list says that this person agreed; counts only where nothing is recorded."""
    missing: list[str] = []
    """Placeholders without a default for which this person has no value."""
    reserved_micros: Annotated[int, Field(ge=0)] = 0
    not_before: Time | None = None
    expires_at: Time
    zone: str = "UTC"
    """The person's own; quiet hours go by it."""
    timing: str = ""
    """Why now, in words, where it was held for an hour: `held until 09:00 Asia/Kolkata (quiet hours)`."""


class SendMessage(SendRequested):
    """As it is on `send-<channel>[-<account>]`."""

    request_offset: Annotated[int, Field(ge=0)]
    """Offset of the request on send-requested: a message at or below the greatest one seen is a replay."""
    routed_at: Time
    detail: str = ""


class SendRecall(Wire):
    send_id: SendKey
    attempt: Annotated[int, Field(ge=1)]
    recipient: RecipientKey
    at: Time
