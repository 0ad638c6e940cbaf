"""From a campaign as its author wrote it to its record: a draft of which nothing is decided yet."""

from __future__ import annotations

from datetime import datetime

from schemas import Campaign, CampaignRecord, CampaignStatus, Channel, Content, StepRecord
from schemas.base import DEFAULT_ACCOUNT, CampaignId


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


def record_of(campaign: Campaign, campaign_id: CampaignId, now: datetime) -> CampaignRecord:
    """Without people who are listed in it: those are stored with the frozen audience."""
    return CampaignRecord(
        campaign_id=campaign_id,
        brand=campaign.brand,
        name=campaign.name,
        description=campaign.description,
        kind=campaign.kind,
        status=CampaignStatus.DRAFT,
        epoch=0,
        body=campaign.body,
        content=campaign.content,
        send_without=campaign.send_without,
        steps=step_records(campaign),
        filter=campaign.audience.filter,
        budget=campaign.budget,
        schedule=campaign.schedule,
        limits=campaign.limits,
        tracking=campaign.tracking,
        priority=campaign.priority,
        created_at=now,
        updated_at=now,
    )
