"""The figures of campaigns, asked for at most once in a while however many people watch."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

from schemas import CampaignRecord, CampaignStatus
from services.console.core.figures import Stats
from services.console.core.rates import RateMeter, from_minutes
from services.console.core.stats import STAGES, Findings, assemble
from services.console.hub import Hub
from services.console.lately import Lately
from services.console.queries import stats as queries
from services.console.queries.acts import LAST_CALL
from services.console.sends import utc
from services.runtime.clock import boot_seconds

METERS: Final = 500
"""Campaigns whose pace is remembered."""


class StatsDesk:
    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self._figures = Lately[Stats](hub.settings.stats_age_s)
        self._meter = lru_cache(METERS)(lambda _campaign_id: RateMeter())

    async def lately(self, record: CampaignRecord) -> Stats:
        """For a page that is told at once what has changed since: as below, or somewhat older."""
        return await self._figures.lately(record.campaign_id, lambda: self._ask(record), of=record)

    async def stats(self, record: CampaignRecord) -> Stats:
        """At most `stats_age_s` old, and never older than the record. Raises `Problem` 503."""
        return await self._figures.fresh(record.campaign_id, lambda: self._ask(record), of=record)

    async def _ask(self, record: CampaignRecord) -> Stats:
        hub, campaign, at_s = self.hub, record.campaign_id, boot_seconds()
        meter = self._meter(campaign)
        spending = asyncio.create_task(hub.tuples(queries.SPENT, campaign=campaign))
        if record.ended_at is None:  # what is spent first: so no message is both spent and reserved
            await asyncio.wait({spending})
        spent, recent_rate, figures, last_call_at = await asyncio.gather(
            spending, self._recent_rate(record, meter.per_second(at_s)),
            hub.rows(queries.STANDING_AND_REACHED, campaign=campaign, steps=[]), self._last_call(record),
        )  # fmt: skip
        findings = Findings(
            standing=[(row["step"], row["status"], row["reason"], row["sends"]) for row in figures],
            reached={row["step"]: {stage: row[stage] for stage in STAGES} for row in figures},
            spent_micros=spent[0][0] if spent else 0,
            last_call_at=last_call_at,
        )
        meter.add(at_s, sum(stages["sent"] for stages in findings.reached.values()))
        rate = meter.per_second(at_s)
        return assemble(record, hub.progress_of(record), findings, recent_rate if rate is None else rate, hub.now())

    async def _last_call(self, record: CampaignRecord) -> datetime | None:
        """The proof of a pause; None: it is not paused, or nothing has left."""
        if record.status is not CampaignStatus.PAUSED or record.launched_at is None:
            return None
        row = (await self.hub.rows(LAST_CALL, campaign=record.campaign_id))[0]
        return utc(row["at"]) if row["calls"] else None

    async def _recent_rate(self, record: CampaignRecord, measured: float | None) -> float:
        """By the ledger's minutes, where nobody has watched the campaign for a while."""
        if record.status is not CampaignStatus.ACTIVE or measured is not None:
            return measured or 0.0
        now = self.hub.now()
        since = now.replace(second=0, microsecond=0, tzinfo=None) - timedelta(minutes=1)
        rows = await self.hub.tuples(queries.RECENT_MINUTES, campaign=record.campaign_id, since=since)
        return from_minutes({row[0]: row[1] for row in rows}, record.launched_at, now)
