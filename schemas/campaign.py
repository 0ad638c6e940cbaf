"""A campaign as its author writes it: one schema for the YAML file, the REST body and the `campaign` in a command."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from decimal import Decimal
from typing import Annotated, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from schemas.base import DEFAULT_BRAND, AccountKey, BrandKey, CampaignKey, Channel, ContactKey, Duration, Wire


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"'{name}' is not a time zone: write an IANA name such as Asia/Kolkata or UTC") from None
    return name


Zone = Annotated[str, AfterValidator(_zone)]
Money = Annotated[Decimal, Field(ge=0, max_digits=15, decimal_places=6)]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Share = Annotated[str, StringConstraints(pattern=r"^\d+(\.\d+)?%?$")]
"""Of the budget: `40%`, or an amount."""


class Body(Wire):
    text: str = ""
    link: str | None = None


class EmailContent(Wire):
    subject: str = ""
    preheader: str = ""
    html: str = ""
    mjml: str = ""
    text: str = ""
    """Plain text; made from the HTML where it is empty."""

    @model_validator(mode="after")
    def _one_source(self) -> EmailContent:
        if self.html and self.mjml:
            raise ValueError("html and mjml are both given: keep one of them")
        return self


class SmsContent(Wire):
    text: str


class WhatsappContent(Wire):
    template: str | None = None
    """Twilio's ContentSid, HX..."""
    variables: dict[str, str] = {}
    text: str | None = None
    """Free text: only inside the 24 hours after the person wrote."""

    @model_validator(mode="after")
    def _something(self) -> WhatsappContent:
        if (self.template is None) == (self.text is None):
            raise ValueError("give either template (with variables) or text")
        return self


class PushContent(Wire):
    title: str
    message: str = ""
    link: str | None = None
    image: str | None = None


class SocialContent(Wire):
    text: str
    link: str | None = None
    media: list[str] = []


class Content(Wire):
    email: EmailContent | None = None
    sms: SmsContent | None = None
    whatsapp: WhatsappContent | None = None
    push: PushContent | None = None
    social: SocialContent | None = None


OnlyIf = Literal["always", "not_engaged", "not_delivered"]


class Step(Wire):
    channel: Channel
    only_if: OnlyIf = "always"
    after: Duration = timedelta(0)
    """From the end of the preceding step's expansion; for the first: from launch."""
    account: AccountKey | None = None
    content: Content | None = None
    """Overrides the campaign's content for this step alone."""


class AudienceFilter(Wire):
    role: Literal["customer", "partner", "all"] | None = None
    cities: list[str] = []
    active_within_days: Annotated[int, Field(ge=1, le=3660)] | None = None
    pincodes: list[str] = []
    attributes: dict[str, str | int | float | bool | list[str]] = {}


class InlineRecipient(Wire):
    id: ContactKey
    name: str = ""
    email: str = ""
    phone: str = ""
    zone: Zone | None = None
    attributes: dict[str, str | int | float | bool | None] = {}
    opt_in: list[Channel] = []
    """Channels to which the person has agreed; counts only where nothing is recorded."""


class Audience(Wire):
    filter: AudienceFilter | None = None
    recipients: list[InlineRecipient] | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Audience:
        if (self.filter is None) == (self.recipients is None):
            raise ValueError("give either filter or recipients")
        if self.recipients is not None:
            seen: set[str] = set()
            for recipient in self.recipients:
                if recipient.id in seen:
                    raise ValueError(f"recipient '{recipient.id}' is in the list twice: keep one of them")
                seen.add(recipient.id)
        return self


class Budget(Wire):
    total: Money
    currency: Currency = "USD"
    allocation: dict[Channel, Share] = {}


def _local_time(value: object) -> object:
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            raise ValueError(f"'{value}' is not a time: write it as 2026-12-01T10:00") from None
    return value


class Schedule(Wire):
    at: Annotated[datetime, BeforeValidator(_local_time)]
    zone: Annotated[Zone | None, Field(validate_default=True)] = None
    mode: Literal["fixed", "local", "best_time"] = "fixed"

    @field_validator("zone")
    @classmethod
    def _zoned(cls, zone: str | None, info: ValidationInfo) -> str | None:
        at = info.data.get("at")
        if zone is None and at is not None and at.tzinfo is None:
            raise PydanticCustomError(
                "no_zone", "the time has no zone: add zone, such as Asia/Kolkata, or an offset, such as +05:30"
            )
        return zone

    @property
    def moment(self) -> datetime:
        """The moment in UTC at which the campaign is due."""
        at = self.at if self.at.tzinfo else self.at.replace(tzinfo=ZoneInfo(self.zone or "UTC"))
        return at.astimezone(ZoneInfo("UTC"))


class QuietHours(Wire):
    from_: time = Field(alias="from")
    to: time


class Cap(Wire):
    messages: Annotated[int, Field(ge=1)]
    per: Duration


class Limits(Wire):
    quiet_hours: QuietHours | None = None
    caps: list[Cap] = []
    expires_after: Duration = timedelta(days=7)


class Campaign(Wire):
    id: CampaignKey | None = None
    """Made as a ULID where it is not given."""
    brand: BrandKey = DEFAULT_BRAND
    name: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    description: str = ""
    kind: Literal["marketing", "transactional"] = "marketing"
    body: Body = Body()
    content: Content = Content()
    channels: list[Channel] = []
    steps: list[Step] = []
    audience: Audience
    budget: Budget | None = None
    schedule: Schedule | None = None
    limits: Limits = Limits()
    accounts: dict[Channel, AccountKey] = {}
    priority: Annotated[int, Field(ge=0, le=9)] = 5
    """Whose turn it is when several campaigns want the same account: 9 before 0."""

    @model_validator(mode="after")
    def _steps_or_channels(self) -> Campaign:
        if bool(self.channels) == bool(self.steps):
            raise ValueError("give either channels (all at once) or steps")
        if len(set(self.channels)) != len(self.channels):
            raise ValueError("a channel is named twice: keep one of them, or write steps")
        if self.steps and self.steps[0].only_if != "always":
            raise ValueError("the first step follows nothing: its only_if must be always")
        return self

    @property
    def resolved_steps(self) -> list[Step]:
        """The steps, made from `channels` where those are given."""
        return self.steps or [Step(channel=channel) for channel in self.channels]
