"""What the planner keeps on its compacted topics: campaigns as they stand, and how far each step has come."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from schemas.audience import AudienceFilter
from schemas.base import AccountKey, BrandKey, CampaignKey, Channel, Identifier, Time, Wire
from schemas.campaign import Budget, OnlyIf, Schedule, Tracking
from schemas.content import Body, Content
from schemas.forecast import Forecast
from schemas.limits import Limits
from schemas.registries import DEFAULT_OPT_IN


class CampaignStatus(StrEnum):
    DRAFT = "draft"
    SCHEDULED = "scheduled"
    ACTIVE = "active"
    PAUSED = "paused"
    COMPLETED = "completed"
    CANCELLED = "cancelled"


class TemplateUse(Wire):
    template_id: Identifier
    version: int


class StepRecord(Wire):
    """A step with everything filled in: its account and its own content."""

    channel: Channel
    account: AccountKey
    only_if: OnlyIf = "always"
    after_s: Annotated[int, Field(ge=0)] = 0
    content: Content
    """Holds exactly this channel's content."""


class FrozenAudience(Wire):
    snapshot_id: str
    count: Annotated[int, Field(ge=0)]


class Approval(Wire):
    """A second person's word on a campaign whose money its brand lets nobody spend alone."""

    requested_by: str
    """Who launched it, or changed it while it ran."""
    requested_at: Time
    approved_by: str = ""
    approved_at: Time | None = None
    """None: it is waited for, and nothing is sent."""


class CampaignRecord(Wire):
    """On `campaigns`. Holds nobody's personal data."""

    campaign_id: CampaignKey
    brand: BrandKey
    name: str
    description: str = ""
    kind: str = "marketing"
    status: CampaignStatus
    epoch: Annotated[int, Field(ge=0)]
    """Rises at each launch, pause, resume, cancel, and edit of content, budget or limits."""
    body: Body = Body()
    content: Content = Content()
    templates: dict[Channel, TemplateUse] = {}
    """Where the contents of these channels are from."""
    send_without: list[str] = []
    """Placeholders that may be left empty."""
    steps: list[StepRecord]
    filter: AudienceFilter | None = None
    """None: the people were listed in the campaign, and are stored with the frozen audience."""
    audience: FrozenAudience | None = None
    """None until it is frozen: at launch, or at once for a list of people."""
    budget: Budget | None = None
    schedule: Schedule | None = None
    limits: Limits = Limits()
    tracking: Tracking = Tracking()
    """With the brand's filled in where the campaign says nothing."""
    needs_opt_in: list[Channel] = list(DEFAULT_OPT_IN)
    """Channels of the brand on which silence is a no."""
    zone: str = "UTC"
    """Of people of whom no zone is known: the schedule's, else the brand's."""
    priority: int = 5
    created_at: Time
    updated_at: Time
    launched_at: Time | None = None
    approval: Approval | None = None
    forecast: Forecast | None = None
    """What it was to come to, as the planner saw it at the launch."""
    owed: list[Literal["over_budget", "dead_letter"]] = []
    """Sends given up for these reasons are tried once more. Kept until Completed, so that no crash forgets it."""
    reopened_at: Time | None = None
    """When a raised budget took it back from Completed, the last time."""
    ended_at: Time | None = None
    last_command_id: str = ""


class PageRange(Wire):
    """Ordinals `first`..`last` whose requests may be on the topic."""

    first: int
    last: int
    reserved_micros: int = 0


class StepProgress(Wire):
    """On `campaign-progress`, key `campaign/step`."""

    campaign_id: CampaignKey
    step: int
    epoch: int
    cursor: int = 0
    """The next ordinal to expand; all below it have been asked for at least once."""
    page: PageRange | None = None
    """Reserved and maybe emitted: after a crash it is emitted again."""
    highest_reserve_micros: int = 0
    """The most that was ever set aside for one message."""
    due_at: Time | None = None
    expanded_at: Time | None = None
    """When everybody had been asked for: the cursor at the end, and nobody held any more."""
    held: Annotated[int, Field(ge=0)] = 0
    """People who wait for their hour, as the last look found."""
    opens_at: Time | None = None
    """When the next of them may be asked for."""
    held_until: Time | None = None
    """When the last of them may."""
    updated_at: Time
