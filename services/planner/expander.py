"""Turns due steps into requests: never more than the accounts can send soon, highest priority first, in turn."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial

import structlog
from clickhouse_connect.driver.exceptions import ClickHouseError

from schemas import CampaignRecord, CampaignStatus, FrozenAudience
from schemas.topics import CONTACT_CHANGES, ROUTER_GROUP, SEND_REQUESTED, TRACKER_GROUP, send_topic
from services.domain.schedule import begins_at
from services.planner.clocks import Clocks
from services.planner.core import lifecycle
from services.planner.core.credit import AccountRef, Outstanding, Want, account_credit, share
from services.planner.core.due import due_at, expires_at
from services.planner.core.hours import StepHours
from services.planner.core.requests import StepPlan
from services.planner.core.sweep import passed
from services.planner.emitter import PlanCache
from services.planner.owner import PartitionOwner, is_running
from services.planner.pages import PageWriter
from services.planner.shared import Shared
from services.planner.tracing import page_span
from services.runtime import metrics
from services.runtime.clock import utc_now
from services.runtime.fail_points import fail_point

log = structlog.get_logger("planner")
IDLE_S = 0.2
LEAST_SHARE = 5
"""A page waits until a fifth of an account's credit is free: many small pages cost more than they hurry."""


class Expander:
    def __init__(self, shared: Shared, owners: Callable[[], Iterable[PartitionOwner]]) -> None:
        self.shared, self.owners = shared, owners
        self.plans, self.outstanding, self.turn = PlanCache(), Outstanding(), 0
        self.pages, self.clocks = PageWriter(shared, self.plans), Clocks(shared)

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                busy = await self._round(utc_now(), stop)
            except (ClickHouseError, OSError, TimeoutError) as error:
                log.warning("clickhouse does not answer: pages wait", error=repr(error))
                busy = False
            if not busy:
                self.shared.wake.clear()
                try:
                    async with asyncio.timeout(IDLE_S):
                        await self.shared.wake.wait()
                except TimeoutError:
                    pass

    async def _round(self, now: datetime, stop: asyncio.Event) -> bool:
        """Whether a page went out."""
        for owner in self._ready():
            await self._start_scheduled(owner, now)
            await self._freeze(owner, now)
            await self.clocks.look(owner, now)
        self.shared.hours.keep({record.campaign_id for owner in self._ready() for record in owner.state.running()})
        wants = {want.step: (owner, want) for owner in self._ready() for want in self._wants(owner, now)}
        if not wants:
            return False
        credit = await self._credit({want.account for _, want in wants.values()})
        self.turn += 1
        grants = share([want for _, want in wants.values()], credit, self.shared.settings.page_size, self.turn)
        busy = False
        for step, count in grants:
            owner, want = wants[step]
            if stop.is_set() or owner.stopping:
                break
            if count >= min(want.count, self._least(want.account), self.shared.settings.page_size):
                busy |= await self._expand(owner, want, count)
        return busy

    def _ready(self) -> list[PartitionOwner]:
        return [owner for owner in self.owners() if owner.ready]

    async def _start_scheduled(self, owner: PartitionOwner, now: datetime) -> None:
        for record in list(owner.state.campaigns.values()):
            if record.status is CampaignStatus.SCHEDULED and record.schedule and begins_at(record.schedule) <= now:
                await owner.change(
                    record.campaign_id,
                    lambda r: lifecycle.start_scheduled(r, now) if r.status is CampaignStatus.SCHEDULED else None,
                )

    async def _freeze(self, owner: PartitionOwner, now: datetime) -> None:
        """Once the tracker has merged the contacts that were there at launch."""
        for record in owner.state.running():
            if record.audience is not None:
                continue
            ends = await self.shared.offsets.ends([CONTACT_CHANGES])
            while not passed(await self.shared.offsets.committed(TRACKER_GROUP), ends):
                if owner.stopping:
                    return
                await asyncio.sleep(0.1)
            audience = await self.shared.audiences.freeze(record, now)
            fail_point("planner.audience-frozen")
            frozen = await owner.change(record.campaign_id, partial(_with_audience, audience))
            if frozen:
                log.info("audience frozen", campaign=record.campaign_id, people=audience.count)

    def _wants(self, owner: PartitionOwner, now: datetime) -> Iterable[Want]:
        for record in owner.state.running():
            if not is_running(record) or record.audience is None:
                continue
            if record.campaign_id in owner.short_of_money or (
                record.budget is not None and record.campaign_id not in owner.books
            ):
                continue  # until the next barrier has told how much is left
            steps = owner.state.progress.get(record.campaign_id, {})
            for number, step in enumerate(record.steps, start=1):
                due = due_at(record, number, steps)
                if due is None or due > now:
                    continue
                progress = steps.get(number)
                pending = owner.pending.get((record.campaign_id, number))
                hours = self.shared.step_hours(record, number, due, now)
                if hours is not None and not hours.open:
                    pending = deque(again for again in pending or () if again.reopen)
                    owner.pending[record.campaign_id, number] = pending  # the rest is found again when its hour comes
                    if not pending:
                        continue
                count = len(pending) if pending else record.audience.count - (progress.cursor if progress else 0)
                at_end = progress is not None and progress.expanded_at is not None
                if count or not (at_end or hours):
                    ref = (step.channel.value, step.account)
                    yield Want((record.campaign_id, number), ref, record.priority, max(count, 1))

    async def _credit(self, accounts: set[AccountRef]) -> dict[AccountRef, int]:
        """Messages that may still be asked for.

        The router's commits are read before the topics' ends: what it has passed by then is in the lag.
        """
        offsets = self.shared.offsets
        committed = await offsets.committed(ROUTER_GROUP)
        self.outstanding.passed({p: n for (topic, p), n in committed.items() if topic == SEND_REQUESTED})
        waiting = self.outstanding.by_account()
        credit = {}
        for ref in accounts:
            account = self.shared.accounts.find(*ref)
            if account is None:
                continue
            most = account_credit(account.rate_per_s, offsets.partitions, self.shared.settings.credit_horizon_s)
            lag = await offsets.lag(send_topic(*ref), self.shared.group_of(account))
            credit[ref] = most - lag - waiting.get(ref, 0)
        return credit

    def _least(self, ref: AccountRef) -> int:
        account = self.shared.accounts.find(*ref)
        rate = account.rate_per_s if account else 1.0
        horizon = self.shared.settings.credit_horizon_s
        return max(1, account_credit(rate, self.shared.offsets.partitions, horizon) // LEAST_SHARE)

    async def _expand(self, owner: PartitionOwner, want: Want, count: int) -> bool:
        campaign_id, number = want.step
        record = owner.state.campaigns[campaign_id]
        account = self.shared.accounts.find(*want.account)
        if not is_running(record) or account is None:
            return False
        now = utc_now()
        due = due_at(record, number, owner.state.progress.get(campaign_id, {})) or now
        plan = self.plans.plan(record, number, expires_at(record, due))
        hours = self.shared.step_hours(record, number, due, now)
        with metrics.planner_page_seconds.time(), page_span(record, number, count):
            emitted = await self._write(owner, record, plan, count, now, hours)
        if emitted is None:
            owner.short_of_money.add(campaign_id)  # a barrier may free some, or show that there is none
            return False
        if emitted:
            ends = await self.shared.offsets.ends([SEND_REQUESTED])
            self.outstanding.emitted(want.account, emitted, {p: end for (_, p), end in ends.items()})
        return True

    async def _write(
        self,
        owner: PartitionOwner,
        record: CampaignRecord,
        plan: StepPlan,
        count: int,
        now: datetime,
        hours: StepHours | None,
    ) -> int | None:
        """How many requests went out; None where money is short."""
        pending = owner.pending.get((record.campaign_id, plan.step))
        if not pending:
            return await self.pages.first(owner, record, plan, count, now, hours)
        sends = [pending[i] for i in range(min(count, len(pending)))]
        found = await self.pages.again(owner, record, plan, sends, hours)
        if found is None:
            return None
        for _ in range(found[0]):
            pending.popleft()
        return found[1]


def _with_audience(audience: FrozenAudience, record: CampaignRecord) -> CampaignRecord | None:
    return record.model_copy(update={"audience": audience}) if record.audience is None else None
