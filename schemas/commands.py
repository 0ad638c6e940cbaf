"""What one may ask of the planner, and what it answers."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import Field

from schemas.base import DEFAULT_BRAND, BrandKey, CampaignKey, Identifier, Time, Wire
from schemas.campaign import Budget, Campaign
from schemas.content import Body, Content
from schemas.limits import Limits


class CommandType(StrEnum):
    APPLY = "campaign.apply"
    SEND = "campaign.send"
    LAUNCH = "campaign.launch"
    PAUSE = "campaign.pause"
    RESUME = "campaign.resume"
    EDIT = "campaign.edit"
    BUDGET = "campaign.budget"
    APPROVE = "campaign.approve"
    CANCEL = "campaign.cancel"
    CLONE = "campaign.clone"
    REOPEN = "campaign.reopen"
    """Try again the sends that ended as dead letters, each as a new attempt."""


class Command(Wire):
    type: CommandType
    command_id: Identifier
    brand: BrandKey = DEFAULT_BRAND
    at: Time | None = None
    campaign_id: CampaignKey | None = None
    """Which campaign; `campaign.apply` and `campaign.send` take it from the campaign itself."""
    expected_epoch: Annotated[int, Field(ge=0)] | None = None
    """Reject the command if the campaign has moved on since."""
    campaign: Campaign | None = None
    body: Body | None = None
    """`campaign.edit`: the new body."""
    content: Content | None = None
    """`campaign.edit`: the new content."""
    limits: Limits | None = None
    """`campaign.edit`: the new limits."""
    budget: Budget | None = None
    """`campaign.budget` and `campaign.edit`: the new budget."""
    clone_id: CampaignKey | None = None
    """`campaign.clone`: the id of the copy; made as a ULID where it is not given."""
    operator: str = ""
    """Who asked, for the audit log."""


class CommandEnvelope(Wire):
    """As much of a command as is needed to answer it when the rest is wrong."""

    type: str
    command_id: Identifier
    brand: BrandKey = DEFAULT_BRAND
    campaign_id: str | None = None
    campaign: dict[str, Any] | None = None


class FieldError(Wire):
    field: str
    """Path in the campaign file, such as `content.sms.text`."""
    problem: str
    """One word for machines, such as `unknown_placeholder`."""
    message: str
    """What is wrong and what to do, for people."""


class CommandResult(Wire):
    command_id: Identifier
    type: str
    status: Literal["accepted", "rejected"]
    campaign_id: str
    epoch: int = 0
    at: Time
    errors: list[FieldError] = []
    waiting_for: Literal["", "approval"] = ""
    """Accepted, and not carried out yet: a second person has to approve the campaign first."""
