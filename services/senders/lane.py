"""One partition of one account, for the life of one assignment. No intent is left standing over a wait."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from services.runtime import metrics
from services.runtime.clock import boot_seconds
from services.runtime.errors import StopProcessError, exit_fatally
from services.runtime.fail_points import fail_point
from services.senders.backlog import Backlog
from services.senders.calls import Caller
from services.senders.committer import Committer, LostError
from services.senders.core.doorstep import Do
from services.senders.core.groups import Group, Sizes, take
from services.senders.core.outcomes import Outcome
from services.senders.core.progress import Position, behind, over, recovered
from services.senders.items import Item
from services.senders.reader import Reader
from services.senders.reporting import POISON_REASON
from services.senders.workplace import Workplace

MOST_REPLAYS = 10_000
SHORTEST_NAP_S, LONGEST_NAP_S = 0.01, 0.05
log = structlog.get_logger("lane")


class Lane:
    def __init__(self, place: Workplace, consumer: Any, committer: Committer, partition: int, sizes: Sizes) -> None:
        self.place, self.committer, self.p = place, committer, partition
        self.caller: Caller = place.caller
        self.consumer, self.tp = consumer, TopicPartition(place.topic, partition)
        self.backlog = Backlog(place, Reader(consumer, self.tp), sizes)
        self.position, self.replays = Position(), 0
        self.uncommitted = self.stopping = False
        self.nap = SHORTEST_NAP_S

    async def run(self) -> None:
        try:
            await self._recover()
            while not self.stopping:
                await self._step()
            await self._rest()
        except (LostError, KafkaError) as error:
            log.warning("a partition is lost", topic=self.tp.topic, partition=self.p, error=repr(error))
            self.place.broken.set()
        except StopProcessError as error:
            exit_fatally(str(error))

    @property
    def next(self) -> int:
        return self.position.next

    @property
    def seen(self) -> int:
        return self.position.seen

    @property
    def waiting(self) -> int:
        """Messages of this partition that are not over."""
        end = self.consumer.highwater(self.tp)
        return max(0, end - self.next) if end is not None else len(self.backlog)

    async def _recover(self) -> None:
        """Never calls: what may have been called is uncertain, what was being returned is returned again."""
        committed, mark = await self.committer.read(self.p)
        self.position = Position(committed, mark.seen)
        self.consumer.seek(self.tp, self.next)
        if mark.do is None:
            return
        while self.next + len(self.backlog) <= mark.through:
            if self.stopping:
                return  # the next owner finds the same intent
            await self.backlog.fetch(self.position)
            await asyncio.sleep(SHORTEST_NAP_S)
        # Refused unless what was read is still ours to end.
        await self.committer.commit(self.p, self.next, mark)
        fail_point("sender.recovery-committed")
        left = [item for item in self.backlog.items if item.offset <= mark.through]
        do, everything = mark.do, Sizes(len(left), len(left))
        log.warning("recovers", topic=self.tp.topic, partition=self.p, count=len(left), do=do.value)
        while self.next <= mark.through:
            left = [item for item in left if item.offset >= self.next]
            group = take(left, self.next, self.seen, everything, lambda _: do)
            self._restore(group)
            await self._settle(group, recovered(group))
        fail_point("sender.recovery-told")
        await self._rest()

    def _restore(self, group: Group[Item]) -> None:
        for item in group.work:
            item.reason = "recovered"
            if item.message is not None:
                item.cost_micros = item.message.reserved_micros  # what it really cost is not known any more

    async def _step(self) -> None:
        await self.backlog.fill(self.position)
        await self.backlog.prepare()
        group = self.backlog.take(self.position)
        if group.through < self.next or (group.do is Do.CALL and self.place.pace.closed):
            await self._rest()
            await asyncio.sleep(self.nap)
            self.nap = min(self.nap * 1.5, LONGEST_NAP_S)
            return
        self.nap = SHORTEST_NAP_S
        if group.do is None:
            return await self._settle(group, [])
        if group.do is Do.CALL:
            held = await self._hold(group)
            if held is None:
                return
            group = held
        declared_at = boot_seconds()
        self.uncommitted = True  # one commit ends the last group and declares this one
        await self.committer.commit(self.p, self.next, self.position.intent(group))
        fail_point("sender.intent-committed")
        outcomes: list[Outcome] = []
        if group.do is Do.CALL:
            outcomes = await self.caller.call(group.work, declared_at + self.place.lease_s, lambda: self.stopping)
            fail_point("sender.calls-made")
        await self._settle(group, outcomes)

    async def _hold(self, group: Group[Item]) -> Group[Item] | None:
        """Wait for the rate, and look again: time has passed. None: there is nothing to call any more."""
        pace, n = self.place.pace, len(group.work)
        if not pace.try_hold(n):
            await self._rest()
            if not await pace.hold(n, lambda: not self.stopping):
                return None
        group = self.backlog.take(self.position, n)
        called = len(group.work) if group.do is Do.CALL else 0
        pace.release(n - called)
        return group if called else None

    async def _settle(self, group: Group[Item], outcomes: Sequence[Outcome]) -> None:
        """Publish, then move on. The commit comes with the next intent or at rest, whichever is first."""
        n = over(group, outcomes)
        if n and group.do is not None:
            work = group.work[:n]
            await self.place.reporter.report(self.p, group.do, work, outcomes[:n])
            fail_point("sender.events-acked")
            self.replays = 0
        stop = self._watch(group.work[:n])
        before, self.position = self.next, behind(self.position, group, n)
        self.uncommitted = True
        self.backlog.drop(self.position)
        if not group.work:
            self._count_replays(self.next - before)
        if stop:  # what was bad is put aside: a new start goes on behind it
            await self._rest()
            raise stop

    def _watch(self, done: Sequence[Item]) -> StopProcessError | None:
        """Count what could be read and what could not; says whether that is too much."""
        if all(item.message is not None for item in done):
            self.place.watch.good(len(done))
            return None
        stop = None
        for item in done:
            if item.message is not None:
                self.place.watch.good()
                continue
            try:
                self.place.watch.poisoned(POISON_REASON)
            except StopProcessError as error:
                stop = error
        return stop

    def _count_replays(self, count: int) -> None:
        self.replays += count
        metrics.replays_skipped.labels(*self.caller.labels).inc(count)
        if self.replays > MOST_REPLAYS:
            exit_fatally(
                f"{self.tp.topic}-{self.p}: more than {MOST_REPLAYS} repeats in a row: was send-requested made anew? "
                "Run `peal repair`"
            )

    async def _rest(self) -> None:
        """To be called before any wait: what is over is committed, what is not started is retracted."""
        if self.uncommitted:
            await self.committer.commit(self.p, self.next, self.position.rest())
            self.uncommitted = False
