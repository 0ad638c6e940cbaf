"""A campaign as its author writes it: one schema for the YAML file, the REST body and the `campaign` in a command."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import (
    BeforeValidator,
    Field,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from schemas.audience import Audience
from schemas.base import (
    DEFAULT_BRAND,
    TEST_PREFIX,
    AccountKey,
    BrandKey,
    CampaignKey,
    Channel,
    Duration,
    Identifier,
    Wire,
    Zone,
    is_test,
)
from schemas.content import Body, Content
from schemas.limits import Limits

Money = Annotated[Decimal, Field(ge=0, max_digits=15, decimal_places=6)]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Share = Annotated[str, StringConstraints(pattern=r"^\d+(\.\d+)?%?$")]
"""Of the budget: `40%`, or an amount."""
OnlyIf = Literal["always", "not_engaged", "not_delivered"]


class Step(Wire):
    channel: Channel
    only_if: OnlyIf = "always"
    after: Duration = timedelta(0)
    """From the end of the preceding step's expansion; for the first: from launch."""
    account: AccountKey | None = None
    content: Content | None = None
    """Overrides the campaign's content for this step alone."""


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
