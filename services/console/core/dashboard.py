"""The figures of the dashboard, from the campaigns and what they cost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from pydantic import BaseModel

from schemas import CampaignRecord, CampaignStatus
from services.console.core.figures import Counts, Stats
from services.console.core.stats import MICROS

FAILING_SHARE = 0.2
FAILING_LEAST = 20
"""Failures below this number say nothing of a channel."""
SPOKEN = {"email": "email", "sms": "SMS", "whatsapp": "WhatsApp", "push": "push", "social": "social"}
"""Channels as a sentence names them."""
BUDGETED = frozenset({CampaignStatus.ACTIVE, CampaignStatus.PAUSED, CampaignStatus.COMPLETED})


class ChannelSum(BaseModel):
    sent: int
    delivered: int


class Attention(BaseModel):
    kind: str
    campaign_id: str
    channel: str
    message: str


class Dashboard(BaseModel):
    active: int
    drafts: int
    completed: int
    total_reach: int
    """The frozen audiences of active campaigns, summed."""
    budget_utilization: float | None
    """Spent / budget over active, paused and completed campaigns that have one; None: none has."""
    budget_micros: int
    spent_micros: int
    by_status: dict[str, int]
    by_channel: dict[str, ChannelSum]
    needs_attention: list[Attention]


def dashboard(
    records: Iterable[CampaignRecord],
    spent: Mapping[str, int],
    by_channel: Mapping[str, tuple[int, int]],
    running: Iterable[tuple[CampaignRecord, Stats]],
) -> Dashboard:
    """`spent`: micros by campaign; `by_channel`: (sent, delivered); `running`: active and paused ones, with figures."""
    records = list(records)
    by_status = Counter(record.status for record in records)
    budgeted = [record for record in records if record.budget and record.status in BUDGETED]
    budget = sum(int(record.budget.total * MICROS) for record in budgeted if record.budget)
    used = sum(spent.get(record.campaign_id, 0) for record in budgeted)
    return Dashboard(
        active=by_status[CampaignStatus.ACTIVE],
        drafts=by_status[CampaignStatus.DRAFT],
        completed=by_status[CampaignStatus.COMPLETED],
        total_reach=sum(
            record.audience.count for record in records if record.audience and record.status is CampaignStatus.ACTIVE
        ),
        budget_utilization=round(used / budget, 4) if budget else None,
        budget_micros=budget,
        spent_micros=used,
        by_status={status.value: by_status[status] for status in CampaignStatus},
        by_channel={
            channel: ChannelSum(sent=sent, delivered=delivered) for channel, (sent, delivered) in by_channel.items()
        },
        needs_attention=[item for record, stats in running for item in attention(record, stats)],
    )


def failing(counts: Counts) -> bool:
    """So many of a channel's messages fail that somebody must look."""
    failed, tried = counts.failed + counts.bounced, counts.settled - counts.suppressed
    return failed >= FAILING_LEAST and failed >= FAILING_SHARE * tried


def attention(record: CampaignRecord, stats: Stats) -> list[Attention]:
    """What somebody should look at: a channel that fails, sends of unknown fate, a pause that holds messages back."""
    found = []
    if record.status is CampaignStatus.PAUSED:
        message = f"it is paused, and {stats.open:,} messages wait" if stats.open else "it is paused"
        found.append(Attention(kind="paused", campaign_id=record.campaign_id, channel="", message=message))
    for channel, counts in stats.by_channel.items():
        failed, tried = counts.failed + counts.bounced, counts.settled - counts.suppressed
        if failing(counts):
            message = f"{failed:,} of {tried:,} {SPOKEN[channel]} messages failed or bounced"
            found.append(Attention(kind="failing", campaign_id=record.campaign_id, channel=channel, message=message))
        if counts.uncertain:
            message = f"of {counts.uncertain:,} {SPOKEN[channel]} messages it is not known whether they left"
            found.append(Attention(kind="uncertain", campaign_id=record.campaign_id, channel=channel, message=message))
    return found
