"""A person's record made again from what the ledger and the consents say."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from schemas.status import RANK, Status
from schemas.topics import SEND_REQUESTED
from services.domain.eligibility import CampaignRules, Event, Record, conditions, observe
from services.domain.eligibility.record import SOURCES


def fold(record: Record, events: Iterable[Event], campaigns: Mapping[str, CampaignRules]) -> None:
    """Put in all that is known; `queued`, which no event says, counts as one. Any order, and twice, is the same."""
    for event in events:
        observe(record, event)
    for send_id, send in record.sends.items():
        campaign_id, step, _ = send_id.split("/", 2)
        campaign = campaigns.get(campaign_id)
        if send.state == RANK[Status.QUEUED] and campaign is not None and int(step) <= len(campaign.steps):
            send.only_if, send.head = conditions(campaign.steps, int(step))


def forget_offsets(record: Record, anew: Collection[str]) -> None:
    """`anew`: topics that were made anew. Their offsets begin at 0 again, and the old ones are no sign of a repeat."""
    for index, topic in enumerate(SOURCES):
        if topic in anew:
            record.applied[index] = -1
    if SEND_REQUESTED in anew:
        for send in record.sends.values():
            send.request = -1
