"""The campaigns of a brand as one list: those that there are, and those that are still being written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from schemas import CampaignRecord, CampaignStatus, Draft
from schemas.base import CampaignId
from services.console.core.drafts import channels_of, name_of


@dataclass(frozen=True)
class Entry:
    campaign_id: CampaignId
    name: str
    """Empty: it has none yet."""
    status: CampaignStatus
    channels: tuple[str, ...]
    created_at: datetime
    record: CampaignRecord | None
    draft: Draft | None
    """What is written and not in the record."""

    def holds(self, text: str) -> bool:
        """Whether its name or id has this part, in lower case."""
        return text in self.name.lower() or text in self.campaign_id.lower()


def entries(records: Iterable[CampaignRecord], drafts: Iterable[Draft]) -> list[Entry]:
    """Each campaign once, the newest first; a draft of one that was sent meanwhile is passed over."""
    written = {draft.draft_id: draft for draft in drafts}
    found = [_of_record(record, written.pop(record.campaign_id, None)) for record in records]
    found += [_of_draft(draft, None) for draft in written.values()]
    return sorted(found, key=lambda entry: (entry.created_at, entry.campaign_id), reverse=True)


def _of_record(record: CampaignRecord, draft: Draft | None) -> Entry:
    if draft is not None and record.status is CampaignStatus.DRAFT:
        return _of_draft(draft, record)
    channels = tuple(dict.fromkeys(step.channel.value for step in record.steps))
    return Entry(record.campaign_id, record.name, record.status, channels, record.created_at, record, None)


def _of_draft(draft: Draft, record: CampaignRecord | None) -> Entry:
    return Entry(
        draft.draft_id, name_of(draft.sheet), CampaignStatus.DRAFT,
        tuple(channel.value for channel in channels_of(draft.sheet)),
        record.created_at if record else draft.created_at, record, draft,
    )  # fmt: skip
