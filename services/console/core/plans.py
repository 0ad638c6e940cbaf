"""What a campaign was to come to, beside what it came to."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel

from schemas import CampaignRecord, FieldError, Forecast
from schemas.base import Time
from services.console.core.figures import Stats


class Plan(BaseModel):
    """A dry run: nothing is stored, and nobody is asked for."""

    campaign_id: str
    sound: bool
    """Whether it could be launched."""
    errors: list[FieldError]
    """What is wrong, each with the field and the remedy, as the planner would say it."""
    needs_approval: bool
    """A second person of the brand would have to approve it."""
    forecast: Forecast


class StepOutcome(BaseModel):
    step: int
    channel: str
    planned: int
    suppressed: int
    suppressed_by_reason: dict[str, int]
    sent: int
    delivered: int
    failed: int
    bounced: int
    open: int
    spent_micros: int


class Outcome(BaseModel):
    status: str
    people: int
    settled: int
    open: int
    spent_micros: int
    launched_at: Time | None
    finished_at: Time | None
    """None: it goes on."""
    steps: list[StepOutcome]


class Comparison(BaseModel):
    campaign_id: str
    forecast: Forecast | None
    """As it stood at the launch; before it, as it stands now. None: none was made."""
    outcome: Outcome | None
    """None: it was never launched."""


def outcome_of(record: CampaignRecord, stats: Stats, spent: Mapping[int, int]) -> Outcome:
    """`spent`: micros by step."""
    return Outcome(
        status=stats.status,
        people=stats.audience,
        settled=stats.settled,
        open=stats.open,
        spent_micros=stats.spent_micros,
        launched_at=record.launched_at,
        finished_at=record.ended_at,
        steps=[
            StepOutcome(**step.model_dump(include=set(StepOutcome.model_fields)), spent_micros=spent.get(step.step, 0))
            for step in stats.by_step
        ],
    )
