"""What many campaigns came to, in few questions: those that have ended are hardly ever asked for again."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from schemas import CampaignRecord
from services.console.core.stats import STAGES, Findings
from services.console.hub import Hub
from services.console.lately import Behind
from services.console.queries import stats as queries
from services.runtime.clock import boot_seconds

ENDED_AGE_S: Final = 60.0
"""What was found of a campaign that has ended may be so old: late callbacks alone still change it."""


@dataclass(frozen=True)
class Sum:
    """Of one campaign."""

    spent_micros: int = 0
    reached: Mapping[int, Mapping[str, int]] = field(default_factory=dict)
    """Step -> stage -> sends."""
    channels: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    """(sent, delivered)"""


@dataclass(frozen=True)
class _Kept:
    record: CampaignRecord
    found: Sum
    at_s: float


class Sums:
    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self._ended: dict[str, _Kept] = {}
        self._behind = Behind()

    async def of(self, records: Iterable[CampaignRecord]) -> dict[str, Sum]:
        """By campaign; of those that were launched. Raises `Problem` 503."""
        launched = [record for record in records if record.launched_at]
        unknown = [record for record in launched if not self._knows(record)]
        found = await self._ask(unknown)
        now = boot_seconds()
        for record in unknown:
            if record.ended_at:
                self._ended[record.campaign_id] = _Kept(record, found[record.campaign_id], now)
        old = [kept.record for kept in self._ended.values() if now - kept.at_s > ENDED_AGE_S]
        if old and not self._behind.busy:
            self._behind.begin(self._renew(old))
        return {r.campaign_id: found[r.campaign_id] if r.campaign_id in found else self._ended[r.campaign_id].found
                for r in launched}  # fmt: skip

    async def standing(self, records: Iterable[CampaignRecord]) -> dict[str, list[tuple[int, str, str, int]]]:
        """(step, status, reason, sends) of each campaign, as `Findings` has it. Raises `Problem` 503."""
        ids = [record.campaign_id for record in records]
        found: dict[str, list[tuple[int, str, str, int]]] = {campaign: [] for campaign in ids}
        if ids:
            for campaign, step, status, reason, sends in await self.hub.tuples(queries.STANDING_OF, campaigns=ids):
                found[campaign].append((step, status, reason, sends))
        return found

    def _knows(self, record: CampaignRecord) -> bool:
        kept = self._ended.get(record.campaign_id)
        return kept is not None and kept.record == record

    async def _renew(self, records: list[CampaignRecord]) -> None:
        found = await self._ask(records)
        now = boot_seconds()
        for record in records:
            if self._knows(record):
                self._ended[record.campaign_id] = _Kept(record, found[record.campaign_id], now)

    async def _ask(self, records: list[CampaignRecord]) -> dict[str, Sum]:
        ids = [record.campaign_id for record in records]
        if not ids:
            return {}
        spent, reached = await asyncio.gather(
            self.hub.tuples(queries.SPENT_BY_CAMPAIGN, campaigns=ids), self.hub.rows(queries.REACHED_OF, campaigns=ids)
        )
        micros = {row[0]: int(row[1]) for row in spent}
        steps: dict[str, dict[int, dict[str, int]]] = {campaign: {} for campaign in ids}
        channels: dict[str, dict[str, tuple[int, int]]] = {campaign: {} for campaign in ids}
        for row in reached:
            campaign, channel = row["campaign_id"], row["channel"]
            steps[campaign][row["step"]] = {stage: row[stage] for stage in STAGES}
            sent, delivered = channels[campaign].get(channel, (0, 0))
            channels[campaign][channel] = (sent + row["sent"], delivered + row["delivered"])
        return {campaign: Sum(micros.get(campaign, 0), steps[campaign], channels[campaign]) for campaign in ids}


def findings_of(found: Sum, standing: list[tuple[int, str, str, int]]) -> Findings:
    return Findings(standing=standing, reached=found.reached, spent_micros=found.spent_micros)
