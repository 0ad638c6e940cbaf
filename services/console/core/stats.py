"""From the sizes of sets to the figures of a campaign."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from schemas import OPEN, CampaignRecord, CampaignStatus, Status, StepProgress, Suppression
from services.console.core.figures import Counts, Stats, StepCounts

MICROS = 1_000_000
STAGES = ("sent", "delivered", "read", "clicked", "replied", "bounced", "unsubscribed", "complained")


@dataclass(frozen=True)
class Findings:
    """What ClickHouse answered."""

    standing: Iterable[tuple[int, str, str, int]] = ()
    """(step, status, reason, sends)."""
    reached: Mapping[int, Mapping[str, int]] = field(default_factory=dict)
    """Step -> stage -> sends."""
    spent_micros: int = 0
    last_call_at: datetime | None = None


def assemble(
    record: CampaignRecord,
    progress: Mapping[int, StepProgress],
    findings: Findings,
    rate_per_s: float,
    now: datetime,
) -> Stats:
    """The figures; `settled` + `open` = `planned`, always. A cancelled campaign closes what is open by definition."""
    audience = record.audience.count if record.audience and record.launched_at else 0
    steps = [
        _step(record, number, audience, progress.get(number), findings) for number in range(1, len(record.steps) + 1)
    ]
    by_channel: dict[str, Counts] = {}
    for step in steps:
        by_channel[step.channel] = _sum(by_channel.get(step.channel), step)
    whole = _sum(None, *steps)
    return Stats(
        campaign_id=record.campaign_id,
        status=record.status.value,
        epoch=record.epoch,
        audience=audience,
        planned=whole.planned,
        settled=whole.settled,
        open=whole.open,
        uncertain=whole.uncertain,
        assumed=whole.assumed,
        currency=record.budget.currency if record.budget else "USD",
        budget_micros=int(record.budget.total * MICROS) if record.budget else None,
        reserved_micros=_reserved(record, progress, findings),
        spent_micros=findings.spent_micros,
        rate_per_s=round(rate_per_s, 1) if record.status is CampaignStatus.ACTIVE else 0.0,
        finish_at=_finish(record, whole, steps, progress, rate_per_s, now),
        last_call_at=findings.last_call_at,
        held=whole.held,
        opens_at=min((step.opens_at for step in steps if step.opens_at), default=None),
        by_channel=by_channel,
        by_step=steps,
    )


def _reserved(record: CampaignRecord, progress: Mapping[int, StepProgress], findings: Findings) -> int:
    """Set aside for messages that are asked for and not at their end: at most, and never beyond the budget.

    The planner sets nothing aside that the budget does not hold; this is its upper bound, each at the step's dearest.
    """
    reserved = 0
    for number, step in progress.items():
        asked = step.page.last + 1 if step.page else step.cursor
        known = sum(sends for at, _, _, sends in findings.standing if at == number)
        queued = sum(sends for at, status, _, sends in findings.standing if at == number and status == Status.QUEUED)
        reserved += (queued + max(0, asked - known - step.held)) * step.highest_reserve_micros
    if record.budget is None:
        return reserved
    return min(reserved, max(0, int(record.budget.total * MICROS) - findings.spent_micros))


def _step(
    record: CampaignRecord, number: int, planned: int, progress: StepProgress | None, findings: Findings
) -> StepCounts:
    step = record.steps[number - 1]
    now: dict[str, int] = {}
    reasons: dict[str, dict[str, int]] = {Status.SUPPRESSED: {}, Status.FAILED: {}}
    assumed = 0
    for at, status, reason, sends in findings.standing:
        if at != number:
            continue
        now[status] = now.get(status, 0) + sends
        if status in reasons:
            reasons[status][reason] = reasons[status].get(reason, 0) + sends
        if status == Status.ACCEPTED and reason == "assumed":
            assumed += sends
    settled = sum(sends for status, sends in now.items() if status not in OPEN)
    if record.status is CampaignStatus.CANCELLED and (left := planned - settled) > 0:
        now = {status: sends for status, sends in now.items() if status not in OPEN}
        now[Status.SUPPRESSED] = now.get(Status.SUPPRESSED, 0) + left
        closed = reasons[Status.SUPPRESSED]
        closed[Suppression.CAMPAIGN_CANCELLED] = closed.get(Suppression.CAMPAIGN_CANCELLED, 0) + left
        settled = planned
    stages = findings.reached.get(number, {})
    waits = progress is not None and record.status in (CampaignStatus.ACTIVE, CampaignStatus.PAUSED)
    held = min(progress.held, planned - settled) if progress and waits else 0
    return StepCounts(
        step=number,
        channel=step.channel.value,
        account=step.account,
        only_if=step.only_if,
        due_at=progress.due_at if progress else None,
        expanded=progress.cursor if progress else 0,
        planned=planned,
        settled=settled,
        open=planned - settled,
        queued=now.get(Status.QUEUED, 0),
        suppressed=now.get(Status.SUPPRESSED, 0),
        suppressed_by_reason=_descending(reasons[Status.SUPPRESSED]),
        failed=now.get(Status.FAILED, 0),
        failed_by_reason=_descending(reasons[Status.FAILED]),
        uncertain=now.get(Status.UNCERTAIN, 0),
        recalled=now.get(Status.RECALLED, 0),
        retrying=now.get(Status.FAILED_RETRYABLE, 0),
        assumed=assumed,
        held=held,
        opens_at=progress.opens_at if progress and held else None,
        **{stage: stages.get(stage, 0) for stage in STAGES},
    )


def _sum(before: Counts | None, *more: Counts) -> Counts:
    total: dict[str, Any] = before.model_dump() if before else Counts().model_dump()
    for counts in more:
        for name, value in counts.model_dump(include=set(Counts.model_fields)).items():
            if isinstance(value, dict):
                merged = dict(total[name])
                for reason, sends in value.items():
                    merged[reason] = merged.get(reason, 0) + sends
                total[name] = _descending(merged)
            else:
                total[name] += value
    return Counts(**total)


def _descending(counts: dict[str, int]) -> dict[str, int]:
    return {str(name): counts[name] for name in sorted(counts, key=lambda name: (-counts[name], name))}


def _finish(
    record: CampaignRecord,
    whole: Counts,
    steps: list[StepCounts],
    progress: Mapping[int, StepProgress],
    rate_per_s: float,
    now: datetime,
) -> datetime | None:
    """When all is likely to be settled, at the present rate, with later steps' starts and the hours of those who are
    held; the end, if it has ended."""
    if record.status in (CampaignStatus.COMPLETED, CampaignStatus.CANCELLED):
        return record.ended_at
    left = whole.open - whole.uncertain
    if record.status is not CampaignStatus.ACTIVE or left <= 0:
        return None
    holds = [step.held_until for step in progress.values() if step.held and step.held_until]
    if rate_per_s <= 0:  # with nothing under way it can only be said where all wait for their hour
        return max(holds) if holds and whole.held >= left else None
    finish = now + timedelta(seconds=left / rate_per_s)
    before = now
    for step, planned in zip(steps, record.steps, strict=True):
        begins = step.due_at or before + timedelta(seconds=planned.after_s)
        before = max(begins, now)
        if step.open:
            finish = max(finish, before + timedelta(seconds=step.open / rate_per_s))
    return max([finish, *(until + timedelta(seconds=whole.held / rate_per_s) for until in holds)])
