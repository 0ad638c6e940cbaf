"""When a step of a campaign may begin, and until when its messages are worth sending."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from schemas import CampaignRecord, StepProgress, StepRecord


def together(step: StepRecord) -> bool:
    """A step that follows at once and unconditionally goes out beside the one before it, not after its expansion."""
    return step.only_if == "always" and step.after_s == 0


def due_at(record: CampaignRecord, number: int, progress: Mapping[int, StepProgress]) -> datetime | None:
    """The moment from which step `number` (1, 2, ...) may be expanded; None while that is not known."""
    if record.launched_at is None:
        return None
    step = record.steps[number - 1]
    if number == 1:
        return record.launched_at + timedelta(seconds=step.after_s)
    if together(step):
        return due_at(record, number - 1, progress)
    before = progress.get(number - 1)
    if before is None or before.expanded_at is None:
        return None
    return before.expanded_at + timedelta(seconds=step.after_s)


def expires_at(record: CampaignRecord, due: datetime) -> datetime:
    """After this a message of a step that was due then is dropped as `expired`."""
    return due + record.limits.expires_after
