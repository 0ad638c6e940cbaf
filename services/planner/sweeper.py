"""The one mechanism behind recovery, resume and retry: ask what is left, behind a barrier, and expand it again."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from clickhouse_connect.driver.exceptions import ClickHouseError

from schemas import CampaignRecord, CampaignStatus, Suppression
from schemas.topics import DELIVERY_EVENTS
from services.domain.eligibility import DEAD_LETTER
from services.domain.messages import DeliveryEvent, SendAttempt, encode_json, event_for
from services.planner.barrier import Barrier
from services.planner.clocks import Clocks
from services.planner.core import lifecycle
from services.planner.core.budget import Books
from services.planner.core.requests import Member
from services.planner.core.sweep import RetryableSend, StepFindings, again, finished
from services.planner.findings import find, spent_by_step
from services.planner.owner import PartitionOwner, is_running
from services.planner.shared import Shared
from services.runtime import metrics
from services.runtime.clock import utc_now
from services.runtime.fail_points import fail_point
from services.runtime.kafka import Record, send_batches

log = structlog.get_logger("planner")
SLOWEST_END_S = 15.0


@dataclass
class Candidate:
    """A campaign to sweep, with its cursors as they stood before the barrier."""

    owner: PartitionOwner
    record: CampaignRecord
    cursors: dict[int, int]
    at_end: bool
    books: Books
    reopen: bool
    """Whether sends that found no money may find some now."""
    replay: bool
    """Whether sends that ended as dead letters are to be tried again."""


class Sweeper:
    def __init__(self, shared: Shared, owners: Callable[[], Iterable[PartitionOwner]]) -> None:
        self.shared, self.owners = shared, owners
        self.barrier, self.clocks = Barrier(shared), Clocks(shared)
        self.swept_at: dict[str, datetime] = {}
        self.pause_s: dict[str, float] = {}
        """How long to leave a campaign alone that is at its end: grows while nothing changes."""
        self.found: dict[str, int] = {}
        """How many sends the last sweep of a campaign asked for again. As many once more: they are held, such as
        fallbacks for messages in doubt, and asking faster would not help them."""

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            try:
                candidates = self._candidates(utc_now())
                if candidates and await self.barrier.wait(stop):
                    for candidate in candidates:
                        await self._sweep(candidate, utc_now())
            except (ClickHouseError, OSError, TimeoutError) as error:
                log.warning("clickhouse does not answer: the sweep waits", error=repr(error))
            await asyncio.sleep(0.2)

    def _candidates(self, now: datetime) -> list[Candidate]:
        found = []
        for owner in self.owners():
            for record in owner.state.running() if owner.ready else ():
                if not is_running(record) or record.audience is None:
                    continue
                steps = owner.state.progress.get(record.campaign_id, {})
                cursors = {number: progress.cursor for number, progress in steps.items()}
                at_end = all(
                    (progress := steps.get(number)) and progress.expanded_at is not None
                    for number in range(1, len(record.steps) + 1)
                )
                passed_over = any(
                    progress.cursor >= record.audience.count and progress.expanded_at is None
                    for progress in steps.values()
                )
                if self._due(record, at_end or passed_over, owner, now):
                    owner.disturbed.discard(record.campaign_id)
                    books = owner.books.get(record.campaign_id) or Books()
                    books.begin_barrier()
                    owed = () if record.campaign_id in owner.repaid else record.owed
                    reopen, replay = Suppression.OVER_BUDGET in owed, DEAD_LETTER in owed
                    found.append(Candidate(owner, record, cursors, at_end, books, reopen, replay))
        return found

    def _due(self, record: CampaignRecord, at_end: bool, owner: PartitionOwner, now: datetime) -> bool:
        campaign_id = record.campaign_id
        if campaign_id in owner.short_of_money:
            return self._pause_over(campaign_id, now, self.shared.settings.end_interval_s)
        if owner.has_pending(record):
            return False  # what the last sweep found is still going out
        if campaign_id in owner.disturbed:
            return True
        settings = self.shared.settings
        if at_end:
            return self._pause_over(campaign_id, now, self.pause_s.get(campaign_id, settings.end_interval_s))
        self.swept_at.setdefault(campaign_id, now)
        return self._pause_over(campaign_id, now, settings.sweep_interval_s)

    def _pause_over(self, campaign_id: str, now: datetime, seconds: float) -> bool:
        swept = self.swept_at.get(campaign_id)
        return swept is None or now - swept >= timedelta(seconds=seconds)

    async def _sweep(self, candidate: Candidate, now: datetime) -> None:
        owner, record = candidate.owner, candidate.record
        campaign_id = record.campaign_id
        findings: dict[int, StepFindings] = {}
        hours = await self.clocks.of(owner, record, candidate.cursors, now)
        for number, cursor in candidate.cursors.items():
            step_hours = hours.get(number)
            groups = None if step_hours is None or step_hours.everybody else step_hours.open
            findings[number] = await find(
                self.shared.clickhouse, record, number, cursor, groups=groups,
                reopen=candidate.reopen, replay=candidate.replay,
            )  # fmt: skip
        spent = await spent_by_step(self.shared.clickhouse, campaign_id)
        if owner.stopping or owner.state.campaigns.get(campaign_id) is not record:
            owner.disturbed.add(campaign_id)  # a command came in between: what was found may be no longer so
            return
        self._keep_books(candidate, findings, spent)
        for number, step_hours in hours.items():
            await self.clocks.tell_found(
                owner, record, number, candidate.cursors[number], findings[number], step_hours, now
            )
        if owner.has_pending(record):  # money was short, and is told anew: what was found before goes on
            self.swept_at[campaign_id] = now
            self.shared.wake.set()
            return
        found = 0
        for number, step in findings.items():
            expand, give_up = again(step, now)
            found += len(expand)
            if expand:
                owner.pending[campaign_id, number] = deque(expand)
                metrics.sweep_found.labels("silent").inc(len(step.silent))
                metrics.sweep_found.labels("recalled").inc(len(step.recalled))
                self.shared.wake.set()
            if give_up:
                await self._give_up(record, number, give_up, now)
        self.swept_at[campaign_id] = now
        slower = min(self.pause_s.get(campaign_id, self.shared.settings.end_interval_s) * 1.5, SLOWEST_END_S)
        changed = bool(found) and found != self.found.get(campaign_id)
        self.pause_s[campaign_id] = self.shared.settings.end_interval_s if changed else slower
        self.found[campaign_id] = found
        if found:
            fail_point("planner.sweep-found")
            log.info("sweep", campaign=campaign_id, again=found)
        assert record.audience is not None, "only frozen campaigns are swept"
        ends = [(cursor, record.audience.count) for cursor in candidate.cursors.values()]
        if candidate.at_end and finished(ends, findings.values()):
            await self._complete(owner, record, now)

    @staticmethod
    def _keep_books(candidate: Candidate, findings: dict[int, StepFindings], spent: Counter[int]) -> None:
        """Behind the barrier: what is spent, and what may still be spent by sends that are under way."""
        owner, campaign_id, books = candidate.owner, candidate.record.campaign_id, candidate.books
        highest = {number: owner.progress_of(campaign_id, number).highest_reserve_micros for number in findings}
        books.end_barrier(spent, Counter({n: found.queued_count * highest[n] for n, found in findings.items()}))
        owner.books[campaign_id] = books
        owner.short_of_money.discard(campaign_id)
        if (candidate.reopen or candidate.replay) and not owner.has_pending(candidate.record):
            owner.repaid.add(campaign_id)

    async def _complete(self, owner: PartitionOwner, record: CampaignRecord, now: datetime) -> None:
        fail_point("planner.completing")
        done = await owner.change(
            record.campaign_id,
            lambda r: (
                lifecycle.complete(r, now) if r.status is CampaignStatus.ACTIVE and r.epoch == record.epoch else None
            ),
        )
        if done:
            log.info("campaign completed", campaign=record.campaign_id)
            self.shared.tracer.ended(done)

    async def _give_up(self, record: CampaignRecord, number: int, sends: list[RetryableSend], now: datetime) -> None:
        """Five retryable failures are enough: `failed(exhausted)` for that attempt."""
        members = {m.ord: m for m in await self.shared.audiences.listed(record, [s.ord for s in sends], False)}
        for send in sends:
            if member := members.get(send.ord):
                event = exhausted(record, number, send, member, now)
                records: list[Record] = [(member.recipient.encode(), encode_json(event), [])]
                await send_batches(self.shared.producer, DELIVERY_EVENTS, member.partition, records)


def exhausted(record: CampaignRecord, number: int, send: RetryableSend, member: Member, now: datetime) -> DeliveryEvent:
    step = record.steps[number - 1]
    attempt = SendAttempt(
        campaign_id=record.campaign_id, step=number, recipient=member.recipient, ord=send.ord, attempt=send.attempt,
        channel=step.channel.value, account=step.account,
    )  # fmt: skip
    tries = f"{send.failures} tries failed"
    return event_for(attempt, "failed", source="planner", occurred_at=now, reason="exhausted", detail=tries)
