"""New campaigns: from a definition, or as the copy of another."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from schemas import Campaign, CampaignRecord, CampaignStatus, Channel, Command, TemplateUse
from schemas.base import CampaignId
from services.domain.campaigns import record_of
from services.planner.core.decisions import Accepted, Decision, reject


def draft(
    campaign: Campaign,
    campaign_id: CampaignId,
    previous: CampaignRecord | None,
    command: Command,
    now: datetime,
    templates: Mapping[Channel, TemplateUse] | None = None,
) -> Decision:
    """`campaign.apply`: make a Draft, or replace one. `templates`: where its contents are from, if not its own."""
    if previous and previous.status is not CampaignStatus.DRAFT:
        return reject(
            "id", "wrong_status",
            f"campaign '{campaign_id}' is {previous.status.value}: only a draft can be replaced; edit it, or clone it",
        )  # fmt: skip
    if previous and previous.brand != campaign.brand:
        return reject("id", "taken", f"the id '{campaign_id}' is taken: choose another")
    changes: dict[str, object] = {"templates": templates or {}, "last_command_id": command.command_id}
    if previous:
        changes |= {"epoch": previous.epoch, "created_at": previous.created_at}
    return Accepted(record_of(campaign, campaign_id, now).model_copy(update=changes))


def clone(record: CampaignRecord, clone_id: CampaignId, command: Command, now: datetime) -> CampaignRecord:
    """Settings, content, audience filter and budget; not schedule, people or results."""
    return CampaignRecord(
        campaign_id=clone_id,
        brand=record.brand,
        name=f"{record.name} (copy)",
        description=record.description,
        kind=record.kind,
        status=CampaignStatus.DRAFT,
        epoch=0,
        body=record.body,
        content=record.content,
        templates=record.templates,
        send_without=record.send_without,
        steps=record.steps,
        filter=record.filter,
        budget=record.budget,
        limits=record.limits,
        tracking=record.tracking,
        priority=record.priority,
        created_at=now,
        updated_at=now,
        last_command_id=command.command_id,
    )
