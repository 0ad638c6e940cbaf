"""How it is with the hours of all steps that are due, worked out anew only when something changes."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from clickhouse_connect.driver.asyncclient import AsyncClient

from schemas import CampaignRecord
from services.planner import hour_queries
from services.planner.core.hours import Group, StepHours, may_hold, timing_of


@dataclass
class Known:
    epoch: int
    due: datetime
    hours: StepHours | None
    changes_at: datetime | None


class HoursBook:
    def __init__(self, clickhouse: AsyncClient) -> None:
        self.clickhouse = clickhouse
        self._groups: dict[str, tuple[str, dict[Group, int]]] = {}
        """Campaign -> its snapshot, and how many people are in each group."""
        self._steps: dict[tuple[str, int], Known] = {}
        self._told: dict[tuple[str, int], frozenset[Group] | None] = {}

    async def learn(self, record: CampaignRecord) -> None:
        """Who is in its audience, by zone and hour. To be called before `of`."""
        assert record.audience is not None, "not frozen yet"
        snapshot = record.audience.snapshot_id
        if not may_hold(record) or self.groups(record) is not None:
            return
        parameters = {"campaign": record.campaign_id, "snapshot": snapshot}
        rows: Sequence[Sequence[object]] = (
            await self.clickhouse.query(hour_queries.GROUPS, parameters=parameters)
        ).result_rows
        self._groups[record.campaign_id] = snapshot, {Group(str(z), int(str(h))): int(str(n)) for z, h, n in rows}

    def groups(self, record: CampaignRecord) -> dict[Group, int] | None:
        """None: not known."""
        snapshot, found = self._groups.get(record.campaign_id, ("", None))
        return found if record.audience and snapshot == record.audience.snapshot_id else None

    def keep(self, running: Collection[str]) -> None:
        """Forget all other campaigns."""
        if len(self._groups) > len(running):
            self._groups = {name: known for name, known in self._groups.items() if name in running}
            self._steps = {key: known for key, known in self._steps.items() if key[0] in running}
            self._told = {key: told for key, told in self._told.items() if key[0] in running}

    def of(
        self, record: CampaignRecord, number: int, due: datetime, ahead: timedelta, now: datetime
    ) -> StepHours | None:
        """How it is with a step now; None where nobody is ever held. While its groups are not known, all are."""
        key = record.campaign_id, number
        known = self._steps.get(key)
        same = known is not None and (known.epoch, known.due) == (record.epoch, due)
        if known and same and (known.changes_at is None or now < known.changes_at):
            return known.hours
        timing, groups = timing_of(record, number, due, ahead), self.groups(record)
        if timing is not None and groups is None:
            return StepHours.at(timing, (), now)
        hours = StepHours.at(timing, groups, now) if timing and groups else None
        self._steps[key] = Known(record.epoch, due, hours, hours.changes_at if hours else None)
        return hours

    def turned(self, record: CampaignRecord, number: int, hours: StepHours | None) -> bool:
        """Whether others may be asked for than when this was asked last."""
        key, now = (record.campaign_id, number), hours.open if hours else None
        before, self._told[key] = self._told.get(key), now
        return before != now
