"""The second person's word on a campaign that may cost more than its brand lets one person spend.

Whoever launches it asks; somebody else approves, and it goes on as it was asked to. What is approved is the campaign as
it stood: another text or budget voids the word.
"""

from __future__ import annotations

from datetime import datetime

from schemas import Approval, Brand, CampaignRecord, CampaignStatus, Command, CommandType
from schemas.audit import UPSTREAM
from services.domain.brands import needs_approval, waits_for_approval
from services.planner.core.decisions import Rejected, reject

GOING = frozenset({CampaignStatus.ACTIVE, CampaignStatus.SCHEDULED})


def is_approved(record: CampaignRecord) -> bool:
    return record.approval is not None and record.approval.approved_at is not None


def voids(command: Command) -> bool:
    """Whether another word is needed after this command."""
    if command.type is CommandType.EDIT:
        return any(part is not None for part in (command.body, command.content, command.budget))
    return command.type is CommandType.BUDGET


def held_for_approval(
    before: CampaignRecord, after: CampaignRecord, command: Command, brand: Brand, now: datetime
) -> CampaignRecord:
    """What a command makes of a campaign, as far as one person may decide it.

    A draft that would be launched stays one. One that was launched before is paused until somebody has approved what
    has become of it.
    """
    if voids(command):
        after = after.model_copy(update={"approval": None})
    if after.status not in GOING or is_approved(after) or not needs_approval(after, brand):
        return after
    asked = after.approval or Approval(requested_by=command.operator or UPSTREAM, requested_at=now)
    if before.status is CampaignStatus.DRAFT:
        same = {"updated_at": now, "last_command_id": command.command_id, "approval": asked}
        return before.model_copy(update=same)
    stopped = {"status": CampaignStatus.PAUSED, "launched_at": before.launched_at, "ended_at": None, "approval": asked}
    return after.model_copy(update=stopped)


def refusal(record: CampaignRecord, command: Command) -> Rejected | None:
    """Why this command's operator cannot approve the campaign; None: they can."""
    if record.approval is None or not waits_for_approval(record):
        message = f"campaign '{record.campaign_id}' waits for nobody's approval: launch it"
        return reject("campaign_id", "nothing_to_approve", message)
    if not command.operator:
        return reject("operator", "missing", "an approval needs a name: say who approves it")
    if command.operator == record.approval.requested_by:
        message = f"'{command.operator}' asked for it: somebody else of the brand must approve"
        return reject("operator", "same_person", message)
    return None


def approved(record: CampaignRecord, command: Command, now: datetime) -> Approval:
    assert record.approval is not None, "`refusal` has seen to it"
    return record.approval.model_copy(update={"approved_by": command.operator, "approved_at": now})
