"""The figures of a campaign, as REST gives them."""

from __future__ import annotations

from pydantic import BaseModel

from schemas.base import Time


class Counts(BaseModel):
    """Stages reached, but `queued`, `suppressed`, `failed`, `uncertain`, `recalled`, `retrying` : where sends stand."""

    planned: int = 0
    settled: int = 0
    open: int = 0
    queued: int = 0
    suppressed: int = 0
    suppressed_by_reason: dict[str, int] = {}
    sent: int = 0
    delivered: int = 0
    read: int = 0
    clicked: int = 0
    replied: int = 0
    failed: int = 0
    failed_by_reason: dict[str, int] = {}
    bounced: int = 0
    unsubscribed: int = 0
    complained: int = 0
    uncertain: int = 0
    recalled: int = 0
    retrying: int = 0
    """Stand at `failed_retryable`: they did not go out and are tried again."""
    assumed: int = 0
    """Among `sent`: the provider never said so."""
    held: int = 0
    """Among `open`: they wait for their hour, as the planner found at its last look."""


class StepCounts(Counts):
    step: int
    channel: str
    account: str
    only_if: str
    due_at: Time | None = None
    expanded: int = 0
    """People of the audience whose turn has come."""
    opens_at: Time | None = None
    """When the next of those who are held may be messaged."""


class Stats(BaseModel):
    campaign_id: str
    status: str
    epoch: int
    audience: int
    planned: int
    settled: int
    open: int
    uncertain: int
    assumed: int
    currency: str
    budget_micros: int | None
    reserved_micros: int
    spent_micros: int
    rate_per_s: float
    finish_at: Time | None
    held: int = 0
    opens_at: Time | None = None
    last_call_at: Time | None = None
    """While it is paused: when the last message left that a provider took, as the ledger has it."""
    by_channel: dict[str, Counts]
    by_step: list[StepCounts]
