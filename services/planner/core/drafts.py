"""New campaigns: from a definition, or as the copy of another."""

from __future__ import annotations

from datetime import datetime

from schemas import Campaign, CampaignRecord, CampaignStatus, Channel, Command, Content, FrozenAudience, StepRecord
from schemas.base import DEFAULT_ACCOUNT, CampaignId
from services.planner.core.decisions import Accepted, Decision, reject


def step_records(campaign: Campaign) -> list[StepRecord]:
    """Each step with its account and its own content, the step's before the campaign's."""
    return [
        StepRecord(
            channel=step.channel,
            account=step.account or campaign.accounts.get(step.channel, DEFAULT_ACCOUNT),
            only_if=step.only_if,
            after_s=int(step.after.total_seconds()),
            content=only_channel(step.channel, step.content, campaign.content),
        )
        for step in campaign.resolved_steps
    ]


def only_channel(channel: Channel, *contents: Content | None) -> Content:
    """The first of these that says something on the channel, and nothing else of it."""
    for content in contents:
        if content is not None and (own := getattr(content, channel.value)) is not None:
            return Content(**{channel.value: own})
    return Content()


def draft(
    campaign: Campaign,
    campaign_id: CampaignId,
    previous: CampaignRecord | None,
    command: Command,
    now: datetime,
    audience: FrozenAudience | None,
) -> Decision:
    """`campaign.apply`: make a Draft, or replace one. `audience` is that of a list of people, stored already."""
    if previous and previous.status is not CampaignStatus.DRAFT:
        return reject(
            "id", "wrong_status",
            f"campaign '{campaign_id}' is {previous.status.value}: only a draft can be replaced; edit it, or clone it",
        )  # fmt: skip
    if previous and previous.brand != campaign.brand:
        return reject("id", "taken", f"the id '{campaign_id}' is taken: choose another")
    return Accepted(
        CampaignRecord(
            campaign_id=campaign_id,
            brand=campaign.brand,
            name=campaign.name,
            description=campaign.description,
            kind=campaign.kind,
            status=CampaignStatus.DRAFT,
            epoch=previous.epoch if previous else 0,
            body=campaign.body,
            content=campaign.content,
            steps=step_records(campaign),
            filter=campaign.audience.filter,
            audience=audience,
            budget=campaign.budget,
            schedule=campaign.schedule,
            limits=campaign.limits,
            tracking=campaign.tracking,
            priority=campaign.priority,
            created_at=previous.created_at if previous else now,
            updated_at=now,
            last_command_id=command.command_id,
        )
    )


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
