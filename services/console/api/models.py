"""Bodies and answers that belong to REST alone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from fastapi import Header, Query
from pydantic import AfterValidator, BaseModel, Field

from schemas import AudienceFilter, Body, Budget, Channel, ContactFields, Content, Limits, Wire
from schemas.base import CampaignKey, ContactKey, Time
from schemas.limits import Cap

IdempotencyKey = Annotated[
    str | None,
    Header(alias="Idempotency-Key", max_length=200, description="a repeat with the same key gets the first answer"),
]
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


def _keepable(at: datetime) -> datetime:
    if not EARLIEST <= at < LATEST:
        raise ValueError(f"'{at.isoformat()}' cannot be kept: write a time between 1970 and 2200")
    return at


Moment = Annotated[Time, AfterValidator(_keepable)]
"""One that the ledger has room for."""
Limit = Annotated[int, Query(ge=1, le=1000, description="rows of a page")]
Cursor = Annotated[str, Query(description="`next` of the page before")]


class Steer(Wire):
    """Body of launch, pause, resume, cancel, approve and clone; may be left out."""

    expected_epoch: Annotated[int, Field(ge=0)] | None = None
    """Reject it if the campaign has moved on since."""
    clone_id: CampaignKey | None = None
    """Of the copy."""


class Edit(Wire):
    """Body of edit: what is left out stays."""

    expected_epoch: Annotated[int, Field(ge=0)] | None = None
    body: Body | None = None
    content: Content | None = None
    limits: Limits | None = None
    budget: Budget | None = None


class CampaignItem(BaseModel):
    campaign_id: str
    name: str
    status: str
    epoch: int
    channels: list[str]
    audience: int | None
    """None: not chosen yet."""
    created_at: Time
    updated_at: Time
    launched_at: Time | None
    ended_at: Time | None


class CampaignPage(BaseModel):
    items: list[CampaignItem]
    next: str | None


class SendItem(BaseModel):
    send_id: str
    recipient: str
    step: int
    channel: str
    attempt: int
    status: str
    reason: str
    account: str
    provider_message_id: str
    cost_micros: int
    at: Time | None


class SendPage(BaseModel):
    items: list[SendItem]
    next: str | None


class Ledger(BaseModel):
    recipient: str
    items: list[dict[str, Any]]
    next: str | None = None


class ConsentItem(BaseModel):
    channel: str
    purpose: str
    state: str
    reason: str
    at: Time


class ContactView(BaseModel):
    contact: str
    recipient: str
    name: str
    email: str
    phone: str
    role: str
    city: str
    pincode: str
    zone: str
    last_active_at: Time | None
    attributes: dict[str, Any]
    lists: list[str] = []
    consents: list[ConsentItem]


class ContactBody(ContactFields):
    occurred_at: Moment | None = None
    """When it was so; absent: now. The newer wins, field by field."""


class ConsentBody(Wire):
    contact: ContactKey
    channel: Channel | Literal["all"]
    state: Literal["opted_in", "opted_out"]
    purpose: str = "marketing"
    at: Moment | None = None
    """When the person said so; absent: now."""
    source: str = "api"
    proof: str = ""


class EngagementBody(Wire):
    contact: ContactKey
    kind: Annotated[str, Field(min_length=1, max_length=100)]
    """`visit`, `conversion`, ... as the upstream system calls it."""
    campaign_id: CampaignKey | None = None
    """What it is a reaction to: whoever reacted gets no reminder of that campaign."""
    at: Moment | None = None
    """When it was; absent: now."""
    value: str = "0"
    """A decimal number, such as what was bought for."""


class PreviewBody(Wire):
    filter: AudienceFilter
    channels: list[Channel] = []
    """Empty: email, SMS and WhatsApp."""
    kind: Literal["marketing", "transactional"] = "marketing"
    """A transactional campaign needs nobody's opt-in, and is outside of caps."""
    caps: list[Cap] = []
    """Frequency caps that the campaign would have; empty: the brand's."""


class ChannelReach(BaseModel):
    reachable: int
    dropped: dict[str, int]


class Preview(BaseModel):
    matched: int
    by_channel: dict[str, ChannelReach]


class ListItem(BaseModel):
    name: str
    people: int


class ContactLists(BaseModel):
    items: list[ListItem]


class AudienceNames(BaseModel):
    roles: list[str]
    cities: list[ListItem]
    """Those in which most people are."""
    lists: list[ListItem]
    attributes: list[str]
