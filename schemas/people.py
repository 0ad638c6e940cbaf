"""People as upstream systems tell of them: what they are, what they agreed to, what they did."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from schemas.audience import ListName
from schemas.base import CampaignKey, Channel, RecipientKey, Time, Wire

AttributeValue = str | int | float | bool | None


class ContactFields(Wire):
    name: str | None = None
    email: str | None = None
    phone: str | None = None
    role: str | None = None
    city: str | None = None
    pincode: str | None = None
    zone: str | None = None
    last_active_at: Time | None = None
    attributes: dict[str, AttributeValue] = {}
    lists: list[ListName] = []
    """Uploaded lists that the person comes onto. Only `unset` or `delete` takes anybody off, never a whole record."""


class ContactChange(Wire):
    """The newer `occurred_at` wins, field by field, whatever arrives first."""

    recipient: RecipientKey
    occurred_at: Time
    set: ContactFields = ContactFields()
    unset: list[str] = []
    """Field names, `attributes.<name>` or `lists.<name>`."""
    replace: bool = False
    """The whole record: what is not in `set` is emptied."""
    delete: bool = False


class Consent(Wire):
    recipient: RecipientKey
    channel: Channel | Literal["all"]
    purpose: str = "marketing"
    state: Literal["opted_in", "opted_out"]
    at: Time
    """When the person said so: the greater wins; at a tie, the opt-out."""
    source: str = ""
    proof: str = ""
    reason: Literal["opted_out", "bounced_before", "complained_before", "erased", "forgotten"] = "opted_out"
    """Why not, when it was not the person who said so. `erased`: all about the person is to be deleted, and nothing
    lifts it again. `forgotten`: Peal's own word that it is done."""


class Engagement(Wire):
    recipient: RecipientKey
    kind: Annotated[str, Field(min_length=1)]
    """`visit`, `conversion`, ... as the upstream system calls it."""
    campaign_id: CampaignKey | None = None
    at: Time
    value: str = "0"


class InboundMessage(Wire):
    """What a person wrote to one of our numbers."""

    message_id: str
    recipient: RecipientKey | None = None
    """None: nobody known has this address."""
    channel: Channel
    account: str
    from_address: str
    to_address: str
    text: str
    at: Time
    keyword: Literal["", "stop", "start", "help"] = ""

    @model_validator(mode="after")
    def _channel(self) -> InboundMessage:
        if self.channel not in (Channel.SMS, Channel.WHATSAPP):
            raise ValueError("only SMS and WhatsApp bring replies")
        return self
