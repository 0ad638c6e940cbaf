"""The figures of campaigns, asked for at most once in a while however many people watch."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from schemas import CampaignRecord, CampaignStatus
from services.console.core.figures import Stats
from services.console.core.rates import RateMeter, from_minutes
from services.console.core.stats import STAGES, Findings, assemble
from services.console.hub import Hub
from services.console.queries import stats as queries
from services.console.queries.acts import LAST_CALL
from services.console.sends import utc
from services.runtime.clock import boot_seconds

LATELY_S = 10.0
REMEMBERED = 500
"""Campaigns whose last figures are kept."""


@dataclass
class Board:
    meter: RateMeter = field(default_factory=RateMeter)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    stats: Stats | None = None
    at_s: float = 0.0
    of: CampaignRecord | None = None


class StatsDesk:
    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self._boards: dict[str, Board] = {}
        self._behind: set[asyncio.Task[Stats]] = set()

    async def lately(self, record: CampaignRecord) -> Stats:
        """For a page that is told at once what has changed since: figures of at most `LATELY_S` ago are shown while
        newer ones are asked for."""
        board = self._boards.get(record.campaign_id)
        if board is None or board.stats is None or board.of != record or boot_seconds() - board.at_s > LATELY_S:
            return await self.stats(record)
        if boot_seconds() - board.at_s > self.hub.settings.stats_age_s:
            task = asyncio.create_task(self.stats(record))
            self._behind.add(task)
            task.add_done_callback(self._asked)
        return board.stats

    def _asked(self, task: asyncio.Task[Stats]) -> None:
        self._behind.discard(task)
        if not task.cancelled():
            task.exception()  # ClickHouse's silence is told of by whoever waits for an answer

    async def stats(self, record: CampaignRecord) -> Stats:
        """At most `stats_age_s` old, and never older than the record."""
        board = self._boards.setdefault(record.campaign_id, Board())
        async with board.lock:
            age = boot_seconds() - board.at_s
            if board.stats is None or board.of != record or age > self.hub.settings.stats_age_s:
                board.at_s = boot_seconds()
                board.stats, board.of = await self._ask(record, board), record
        self._boards[record.campaign_id] = self._boards.pop(record.campaign_id)
        while len(self._boards) > REMEMBERED:
            self._boards.pop(next(iter(self._boards)))
        return board.stats

    async def _ask(self, record: CampaignRecord, board: Board) -> Stats:
        hub, campaign = self.hub, record.campaign_id
        under_way = record.status in (CampaignStatus.ACTIVE, CampaignStatus.PAUSED)
        asking = hub.tuples(queries.SPENT, campaign=campaign)
        spent = await asking if under_way else None  # first: no message is both spent and reserved
        standing, reached, last_call_at, recently, late = await asyncio.gather(
            hub.tuples(queries.STANDING, campaign=campaign, steps=[]),
            hub.rows(queries.REACHED, campaign=campaign),
            self._last_call(record),
            self._recent_rate(record) if board.meter.per_second() is None else unasked(),
            unasked() if under_way else asking,
        )
        spent = spent if spent is not None else late
        findings = Findings(
            standing=[(step, status, reason, sends) for step, _channel, status, reason, sends in standing],
            reached={row["step"]: {stage: row[stage] for stage in STAGES} for row in reached},
            spent_micros=spent[0][0] if spent else 0,
            last_call_at=last_call_at,
        )
        board.meter.add(boot_seconds(), sum(stages["sent"] for stages in findings.reached.values()))
        rate = board.meter.per_second()
        if rate is None:  # nobody has watched it for a while
            rate = await self._recent_rate(record) if recently is None else recently
        return assemble(record, hub.progress_of(record), findings, rate, hub.now())

    async def _last_call(self, record: CampaignRecord) -> datetime | None:
        """The proof of a pause; None: it is not paused, or nothing has left."""
        if record.status is not CampaignStatus.PAUSED or record.launched_at is None:
            return None
        row = (await self.hub.rows(LAST_CALL, campaign=record.campaign_id))[0]
        return utc(row["at"]) if row["calls"] else None

    async def _recent_rate(self, record: CampaignRecord) -> float:
        if record.status is not CampaignStatus.ACTIVE:
            return 0.0
        now = self.hub.now()
        since = now.replace(second=0, microsecond=0, tzinfo=None) - timedelta(minutes=1)
        rows = await self.hub.tuples(queries.RECENT_MINUTES, campaign=record.campaign_id, since=since)
        return from_minutes({row[0]: row[1] for row in rows}, record.launched_at, now)


async def unasked() -> None:
    """Stands in a row of questions for one that need not be asked."""
