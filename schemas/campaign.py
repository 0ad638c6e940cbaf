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

from schemas.base import (
    DEFAULT_BRAND,
    TEST_PREFIX,
    AccountKey,
    BrandKey,
    CampaignKey,
    Channel,
    ContactKey,
    Duration,
    Identifier,
    Wire,
    is_test,
)


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


class AttributeTest(Wire):
    """What an attribute must be; all that is given must hold."""

    at_least: float | None = None
    at_most: float | None = None
    exists: bool | None = None
    """Whether the person has it at all."""

    @model_validator(mode="after")
    def _something(self) -> AttributeTest:
        if self.at_least is None and self.at_most is None and self.exists is None:
            raise ValueError("give at_least, at_most or exists")
        return self


DEEPEST_FILTER = 5
"""Levels of `any`, `all` and `not` within each other."""
LARGEST_FILTER = 1_000
"""Values and filters in one audience filter, all levels together."""
LIST_PATTERN = r"^[A-Za-z0-9 ._~@+-]{1,64}$"
ListName = Annotated[str, StringConstraints(pattern=LIST_PATTERN, strip_whitespace=True)]
"""Of an uploaded list of contacts."""


class AudienceFilter(Wire):
    """Everything that is given must hold; in a list of values, one of them."""

    role: Literal["customer", "partner", "all"] | None = None
    cities: list[str] = []
    active_within_days: Annotated[int, Field(ge=1, le=3660)] | None = None
    pincodes: list[str] = []
    attributes: dict[str, str | int | float | bool | list[str] | AttributeTest] = {}
    """A value, one of several values, or a test."""
    lists: list[ListName] = []
    """People on at least one of these uploaded lists."""
    not_in_campaigns: list[CampaignKey] = []
    """Without the people of these campaigns: those whom they had chosen by the time this one chooses its own."""
    not_reached_by: list[CampaignKey] = []
    """Without the people to whom one of these campaigns has delivered something by then."""
    all: list[AudienceFilter] = []
    any: list[AudienceFilter] = []
    """At least one of them must hold."""
    not_: AudienceFilter | None = Field(default=None, alias="not")
    """Must not hold."""

    @model_validator(mode="before")
    @classmethod
    def _bounded(cls, value: object) -> object:
        """Before anything within is looked at, however deep it goes."""
        level, size = [value], 0
        for _ in range(DEEPEST_FILTER):
            level = [part for outer in level for part in _within(outer)]
            if not level:
                return value
            size += len(level)
            if size > LARGEST_FILTER:
                break
        else:
            raise PydanticCustomError("too_deep", f"the filter goes over {DEEPEST_FILTER} levels deep: flatten it")
        raise PydanticCustomError("too_large", f"more than {LARGEST_FILTER} filters in one: use a list instead")

    @model_validator(mode="after")
    def _bounded_values(self) -> AudienceFilter:
        if self.size > LARGEST_FILTER:
            raise PydanticCustomError(
                "too_large", f"the filter holds more than {LARGEST_FILTER} values: put the people on a list instead"
            )
        return self

    @property
    def size(self) -> int:
        """Values and filters in it."""
        values = (*self.cities, *self.pincodes, *self.lists, *self.not_in_campaigns, *self.not_reached_by)
        own = len(values) + sum(len(v) if isinstance(v, list) else 1 for v in self.attributes.values())
        return own + sum(1 + part.size for part in (*self.all, *self.any, *([self.not_] if self.not_ else [])))


def _within(value: object) -> list[object]:
    """The filters directly within one, before it is known whether it is a filter at all."""
    if isinstance(value, AudienceFilter):
        value = value.model_dump(by_alias=True)
    if not isinstance(value, dict):
        return []
    found: list[object] = []
    for name in ("any", "all"):
        if isinstance(parts := value.get(name), list):
            found += parts
    found += [part for name in ("not", "not_") if (part := value.get(name)) is not None]
    return found


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


def _wall_time(value: object) -> object:
    """YAML reads an unquoted 21:00 as the number 1260."""
    if isinstance(value, int | float):
        raise ValueError(f'{value} is not a time of day: write it in quotes, such as "21:00"')
    return value


def _whole_minute(value: time) -> time:
    if value.tzinfo is not None:
        raise ValueError("a time of day has no zone: it is each person's own; write it as 21:00")
    if value.second or value.microsecond:
        raise ValueError("quiet hours begin and end at a full minute: write them as 21:00")
    return value


WallTime = Annotated[time, BeforeValidator(_wall_time), AfterValidator(_whole_minute)]
LEAST_OPEN = timedelta(hours=1)
LONGEST_CAP = timedelta(days=30)
"""A campaign's sends are remembered for so long after it has ended."""


class QuietHours(Wire):
    """By the clock of each person's own zone. Over midnight where `from` is the later one; the same time: none."""

    from_: WallTime = Field(alias="from")
    to: WallTime

    @model_validator(mode="after")
    def _leaves_some(self) -> QuietHours:
        day = datetime(2000, 1, 1)
        open_for = datetime.combine(day, self.from_) - datetime.combine(day, self.to)
        if timedelta(0) < open_for % timedelta(days=1) < LEAST_OPEN:
            raise ValueError("quiet hours leave less than an hour of the day: make them shorter")
        return self


def _cap_window(value: timedelta) -> timedelta:
    if not timedelta(0) < value <= LONGEST_CAP:
        raise ValueError("a cap looks back over more than nothing and at most 30d: write it such as 24h, 7d or 30d")
    return value


class Cap(Wire):
    """At most so many messages to a person in any stretch of time so long, over all campaigns of the brand."""

    messages: Annotated[int, Field(ge=1)]
    per: Annotated[Duration, AfterValidator(_cap_window)]
    channel: Channel | None = None
    """Counts this channel's messages alone, and caps them alone. Absent: all channels together."""


class Limits(Wire):
    quiet_hours: QuietHours | None = None
    caps: list[Cap] = []
    expires_after: Duration = timedelta(days=7)


Utm = Annotated[str, StringConstraints(max_length=100)]


class Tracking(Wire):
    """What becomes of the links in messages."""

    links: bool = True
    """Whether they lead by `/r/...`, so that clicks are recorded. If not, they stay exactly as they were written."""
    utm_source: Utm | None = None
    """Added to the target where it has none of its own; `""` adds none. Absent: the brand, or `peal`."""
    utm_medium: Utm | None = None
    """Absent: the channel."""
    utm_campaign: Utm | None = None
    """Absent: the campaign's id."""


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
    templates: dict[Channel, Identifier] = {}
    """Contents from the brand's library, in place of those in `content`. What a template says when the campaign is
    applied stays, whatever becomes of the template."""
    send_without: list[Annotated[str, StringConstraints(min_length=1, max_length=200)]] = []
    """Placeholders without default that may be left empty: who lacks them gets the message all the same."""
    accounts: dict[Channel, AccountKey] = {}
    tracking: Tracking = Tracking()
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

    @model_validator(mode="after")
    def _tests_are_small(self) -> Campaign:
        if self.id is None or not is_test(self.id):
            return self
        people = self.audience.recipients or []
        if len(people) != 1 or not is_test(people[0].id):
            raise ValueError(
                f"ids that begin with '{TEST_PREFIX}' are for test sends: choose another, or list one recipient whose "
                f"id begins so too"
            )
        if self.schedule is not None or any(step.only_if != "always" for step in self.resolved_steps):
            raise ValueError("a test send goes out at once, on all its channels: leave schedule and only_if out")
        return self

    @property
    def resolved_steps(self) -> list[Step]:
        """The steps, made from `channels` where those are given."""
        return self.steps or [Step(channel=channel) for channel in self.channels]
