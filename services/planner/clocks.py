"""Wakes people when their hour comes, and tells who is held until when."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from schemas import CampaignRecord
from services.planner.core.due import due_at
from services.planner.core.hours import StepHours, may_hold
from services.planner.core.progress import step_expanded, with_held
from services.planner.core.sweep import StepFindings
from services.planner.owner import PartitionOwner
from services.planner.shared import Shared


class Clocks:
    def __init__(self, shared: Shared) -> None:
        self.shared = shared

    async def look(self, owner: PartitionOwner, now: datetime) -> None:
        """When somebody's hour has come, a sweep is to look for whoever was passed over."""
        for record in owner.state.running():
            if record.audience is None or not may_hold(record):
                continue
            await self.shared.hours.learn(record)
            steps = owner.state.progress.get(record.campaign_id, {})
            for number in range(1, len(record.steps) + 1):
                due = due_at(record, number, steps)
                if due is None or due > now:
                    continue
                hours = self.shared.step_hours(record, number, due, now)
                if self.shared.hours.turned(record, number, hours):
                    owner.disturbed.add(record.campaign_id)
                    if hours is not None and owner.progress_of(record.campaign_id, number).cursor == 0:
                        await self._tell_planned(owner, record, number, hours, now)

    async def of(
        self, owner: PartitionOwner, record: CampaignRecord, numbers: Iterable[int], now: datetime
    ) -> dict[int, StepHours]:
        """Of these steps, those of which people may be held now."""
        await self.shared.hours.learn(record)
        steps = owner.state.progress.get(record.campaign_id, {})
        dues = {number: due_at(record, number, steps) for number in numbers}
        found = {number: self.shared.step_hours(record, number, due, now) for number, due in dues.items() if due}
        return {number: hours for number, hours in found.items() if hours is not None}

    async def _tell_planned(
        self, owner: PartitionOwner, record: CampaignRecord, number: int, hours: StepHours, now: datetime
    ) -> None:
        """Before the first page; from then on the sweep counts them."""
        groups = self.shared.hours.groups(record) or {}
        held = sum(people for group, people in groups.items() if group not in hours.open)
        await owner.amend(record.campaign_id, number, lambda p: with_held(p, held, hours, now))

    async def tell_found(
        self,
        owner: PartitionOwner,
        record: CampaignRecord,
        number: int,
        cursor: int,
        found: StepFindings,
        hours: StepHours,
        now: datetime,
    ) -> None:
        """What a sweep found below `cursor`. A step is expanded when nobody is left who was passed over."""
        progress = owner.progress_of(record.campaign_id, number)
        if not cursor or progress.expanded_at is not None or record.audience is None:
            return
        if cursor >= record.audience.count and not found.silent_count:
            await owner.amend(record.campaign_id, number, lambda p: step_expanded(p, now))
            self.shared.wake.set()
            return
        held = found.silent_count - len(found.silent)
        await owner.amend(record.campaign_id, number, lambda p: with_held(p, held, hours, now))
