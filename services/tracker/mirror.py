"""Campaigns in ClickHouse: what views need to say names, brands and sizes of audiences."""

from __future__ import annotations

import asyncio
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from schemas import CampaignRecord
from services.tracker.core.rows import Row, milliseconds
from services.tracker.store import Store

COLUMNS: Final = (
    "campaign_id", "brand", "name", "kind", "status", "epoch", "steps", "snapshot_id", "audience", "currency",
    "budget_micros", "created_at", "launched_at", "ended_at", "updated_at",
)  # fmt: skip
INTERVAL_S: Final = 0.5


def campaign_row(record: CampaignRecord) -> Row:
    budget = record.budget
    return (
        record.campaign_id, record.brand, record.name, record.kind, record.status.value, record.epoch,
        len(record.steps), record.audience.snapshot_id if record.audience else "",
        record.audience.count if record.audience else 0, budget.currency if budget else "",
        int(budget.total * Decimal(1_000_000)) if budget else 0, milliseconds(record.created_at),
        _optional(record.launched_at), _optional(record.ended_at), milliseconds(record.updated_at),
    )  # fmt: skip


def _optional(moment: datetime | None) -> Any:
    return None if moment is None else milliseconds(moment)


class CampaignMirror:
    """Every instance writes every campaign: equal rows replace each other."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self._changed: dict[str, CampaignRecord] = {}

    def note(self, campaign_id: str, record: CampaignRecord | None) -> None:
        if record is not None:
            self._changed[campaign_id] = record

    async def run(self) -> None:
        while True:
            await asyncio.sleep(INTERVAL_S)
            await self.flush()

    async def flush(self) -> None:
        changed, self._changed = self._changed, {}
        await self.store.insert("campaigns", COLUMNS, [campaign_row(record) for record in changed.values()])
