"""What a trace tells of a campaign: one span from its launch to its end, whoever owned it in between."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from schemas import CampaignRecord, FieldError
from services.domain.tracing import SpanIds, campaign_span_ids

CAMPAIGN_SPAN = "marketing.send_campaign"
PAGE_SPAN = "campaign.expand_page"
Attributes = dict[str, str | int | list[str]]


@dataclass(frozen=True)
class Reached:
    """Messages of one channel when the campaign ended; deliveries that are told later are in the ledger."""

    sent: int = 0
    delivered: int = 0
    failed: int = 0


class CampaignRefusedError(Exception):
    """A launch that was refused, with each field and what to do."""

    def __init__(self, errors: Sequence[FieldError]) -> None:
        super().__init__("; ".join(f"{error.field}: {error.message}" for error in errors))


class ChannelFailedError(Exception):
    """Of a channel nothing left, and something failed."""

    def __init__(self, channels: Sequence[str]) -> None:
        super().__init__(f"nothing was sent by {', '.join(channels)}: every message that was tried failed")


def span_ids(record: CampaignRecord) -> SpanIds | None:
    """None for a campaign that was never launched."""
    if record.launched_at is None:
        return None
    return campaign_span_ids(record.campaign_id, record.launched_at, record.reopened_at or record.launched_at)


def channels_of(record: CampaignRecord) -> list[str]:
    return list(dict.fromkeys(step.channel.value for step in record.steps))


def attributes_of(record: CampaignRecord, reached: Mapping[str, Reached]) -> Attributes:
    """At its end. `reached` lacks channels of which ClickHouse knows nothing."""
    found: Attributes = {
        "campaign.id": record.campaign_id,
        "campaign.name": record.name,
        "campaign.channels": channels_of(record),
        "campaign.recipients": record.audience.count if record.audience else 0,
        "campaign.brand": record.brand,
        "campaign.status": record.status.value,
    }
    for channel in channels_of(record):
        counts = reached.get(channel, Reached())
        found |= {
            f"campaign.{channel}.sent": counts.sent,
            f"campaign.{channel}.delivered": counts.delivered,
            f"campaign.{channel}.failed": counts.failed,
        }
    return found


def failure_of(reached: Mapping[str, Reached]) -> ChannelFailedError | None:
    failing = sorted(channel for channel, counts in reached.items() if counts.failed and not counts.sent)
    return ChannelFailedError(failing) if failing else None
