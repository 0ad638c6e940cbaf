"""The figures of the dashboard, asked for at most once in a while however many people watch."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from schemas import CampaignRecord, CampaignStatus
from services.console.core.dashboard import Dashboard, dashboard
from services.console.hub import Hub
from services.console.live import StatsDesk
from services.console.queries import stats as queries
from services.console.security import Identity
from services.runtime.clock import boot_seconds

WATCHED = 20
"""Active and paused campaigns whose channels are looked at, the newest."""
LOOKED_AT = frozenset({CampaignStatus.ACTIVE, CampaignStatus.PAUSED})


@dataclass
class Latest:
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    figures: Dashboard | None = None
    at_s: float = 0.0
    of: list[CampaignRecord] = field(default_factory=list)


class Overview:
    def __init__(self, hub: Hub, desk: StatsDesk) -> None:
        self.hub, self.desk = hub, desk
        self._latest: dict[str, Latest] = {}

    async def figures(self, identity: Identity) -> Dashboard:
        """The brand's; at most `stats_age_s` old, and never older than its campaigns' records. Raises `Problem` 503."""
        latest = self._latest.setdefault(identity.brand, Latest())
        async with latest.lock:
            records = self.hub.campaigns_of(identity)
            age = boot_seconds() - latest.at_s
            if latest.figures is None or latest.of != records or age > self.hub.settings.stats_age_s:
                latest.at_s = boot_seconds()
                latest.figures, latest.of = await self._ask(records), records
            return latest.figures

    async def _ask(self, records: list[CampaignRecord]) -> Dashboard:
        ids = [record.campaign_id for record in records if record.launched_at]
        looked_at = [record for record in records if record.status in LOOKED_AT][:WATCHED]
        spent, channels, stats = await asyncio.gather(
            self.hub.tuples(queries.SPENT_BY_CAMPAIGN, campaigns=ids),
            self.hub.tuples(queries.REACHED_BY_CHANNEL, campaigns=ids),
            asyncio.gather(*(self.desk.stats(record) for record in looked_at)),
        )
        return dashboard(
            records,
            {row[0]: row[1] for row in spent},
            {row[0]: (row[1], row[2]) for row in channels},
            zip(looked_at, stats, strict=True),
        )
