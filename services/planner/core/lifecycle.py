"""The life of a campaign: what each command makes of it, or why it may not.

Draft -> (Scheduled ->) Active <-> Paused -> Completed; Cancelled from any but Completed.
"""

from __future__ import annotations

from datetime import datetime

from schemas import CampaignRecord, CampaignStatus, Channel, Command, CommandType, Suppression
from schemas.base import CampaignId
from services.domain.campaigns import only_channel
from services.domain.eligibility import DEAD_LETTER
from services.domain.schedule import begins_at
from services.planner.core.approval import approved, refusal
from services.planner.core.decisions import Accepted, Decision, Rejected, reject
from services.planner.core.drafts import clone

ALLOWED: dict[CommandType, frozenset[CampaignStatus]] = {
    CommandType.LAUNCH: frozenset({CampaignStatus.DRAFT}),
    CommandType.PAUSE: frozenset({CampaignStatus.ACTIVE, CampaignStatus.SCHEDULED}),
    CommandType.RESUME: frozenset({CampaignStatus.PAUSED}),
    CommandType.CANCEL: frozenset(CampaignStatus) - {CampaignStatus.COMPLETED, CampaignStatus.CANCELLED},
    CommandType.EDIT: frozenset(CampaignStatus) - {CampaignStatus.COMPLETED, CampaignStatus.CANCELLED},
    CommandType.BUDGET: frozenset(CampaignStatus) - {CampaignStatus.CANCELLED},
    CommandType.APPROVE: frozenset({CampaignStatus.DRAFT, CampaignStatus.PAUSED}),
    CommandType.CLONE: frozenset(CampaignStatus),
    CommandType.REOPEN: frozenset({CampaignStatus.ACTIVE, CampaignStatus.COMPLETED}),
}


def steer(
    record: CampaignRecord | None, command: Command, now: datetime, clone_id: CampaignId | None = None
) -> Decision:
    """Every command but apply, on the campaign as it stands."""
    if record is None or record.brand != command.brand:
        return reject("campaign_id", "unknown_campaign", f"there is no campaign '{command.campaign_id}'")
    if problem := wrong_epoch(record, command):
        return problem
    if record.status not in ALLOWED[command.type]:
        return reject("campaign_id", "wrong_status", _wrong_status(record, command))
    if command.type is CommandType.APPROVE and (problem := refusal(record, command)):
        return problem
    changes: dict[str, object] = {
        "updated_at": now, "last_command_id": command.command_id, "owed": owed(record, command)
    }  # fmt: skip
    if command.type is CommandType.REOPEN and record.status is CampaignStatus.ACTIVE:
        return Accepted(record.model_copy(update=changes))  # what is under way is as good as before
    match command.type:
        case CommandType.CLONE:
            assert clone_id is not None, "the caller makes the id"
            return Accepted(clone(record, clone_id, command, now))
        case CommandType.LAUNCH:
            changes |= launch(record, now)
        case CommandType.PAUSE:
            changes |= {"status": CampaignStatus.PAUSED}
        case CommandType.RESUME:
            changes |= go_on(record, now)
        case CommandType.APPROVE:
            changes |= go_on(record, now) | {"approval": approved(record, command, now)}
        case CommandType.CANCEL:
            changes |= {"status": CampaignStatus.CANCELLED, "ended_at": now}
        case CommandType.EDIT:
            changes |= edit(record, command)
        case CommandType.BUDGET:
            changes |= {"budget": command.budget}
            if record.status is CampaignStatus.COMPLETED:  # somebody may have been left out for want of money
                changes |= reopen(now)
        case CommandType.REOPEN:
            changes |= reopen(now)
    return Accepted(record.model_copy(update=changes | {"epoch": record.epoch + 1}))


def owed(record: CampaignRecord, command: Command) -> list[str]:
    """A new budget may pay for those who were left out; a reopening is for those whose message could not be read."""
    found: set[str] = set(record.owed)
    if command.budget is not None:
        found.add(Suppression.OVER_BUDGET.value)
    if command.type is CommandType.REOPEN:
        found.add(DEAD_LETTER)
    return sorted(found)


def reopen(now: datetime) -> dict[str, object]:
    """A campaign that had ended goes on."""
    return {"status": CampaignStatus.ACTIVE, "ended_at": None, "reopened_at": now}


def launch(record: CampaignRecord, now: datetime) -> dict[str, object]:
    """Active at once, or Scheduled where the schedule's time is still to come."""
    if record.schedule and begins_at(record.schedule) > now:
        return {"status": CampaignStatus.SCHEDULED}
    return {"status": CampaignStatus.ACTIVE, "launched_at": now}


def go_on(record: CampaignRecord, now: datetime) -> dict[str, object]:
    """From where it was when it was held back."""
    return launch(record, now) if record.launched_at is None else {"status": CampaignStatus.ACTIVE}


def start_scheduled(record: CampaignRecord, now: datetime) -> CampaignRecord:
    """Its time has come."""
    return record.model_copy(
        update={"status": CampaignStatus.ACTIVE, "launched_at": now, "updated_at": now, "epoch": record.epoch + 1}
    )


def complete(record: CampaignRecord, now: datetime) -> CampaignRecord:
    """Everything is settled. The epoch stays: no message is left that it could turn back."""
    return record.model_copy(
        update={"status": CampaignStatus.COMPLETED, "ended_at": now, "updated_at": now, "owed": []}
    )


def edit(record: CampaignRecord, command: Command) -> dict[str, object]:
    """The new body, content, limits and budget; what the command leaves out stays."""
    content, templates = record.content, record.templates
    steps = record.steps
    if command.content is not None:
        new = {name: value for name in Channel if (value := getattr(command.content, name)) is not None}
        content = record.content.model_copy(update={name.value: value for name, value in new.items()})
        templates = {channel: use for channel, use in templates.items() if channel not in new}
        steps = [
            step.model_copy(update={"content": only_channel(step.channel, command.content)})
            if step.channel in new
            else step
            for step in record.steps
        ]
    return {
        "body": command.body or record.body,
        "content": content,
        "templates": templates,
        "steps": steps,
        "limits": command.limits or record.limits,
        "budget": command.budget or record.budget,
    }


def wrong_epoch(record: CampaignRecord | None, command: Command) -> Rejected | None:
    current = record.epoch if record else 0
    if command.expected_epoch is None or command.expected_epoch == current:
        return None
    return reject(
        "expected_epoch", "wrong_epoch",
        f"the campaign has moved on: it is at epoch {current}, not {command.expected_epoch}; look at it again first",
    )  # fmt: skip


def _wrong_status(record: CampaignRecord, command: Command) -> str:
    verb = command.type.value.partition(".")[2]
    allowed = ", ".join(sorted(status.value for status in ALLOWED[command.type]))
    return f"campaign '{record.campaign_id}' is {record.status.value}: {verb} needs one that is {allowed}"
