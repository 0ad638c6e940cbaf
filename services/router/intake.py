"""Fetched records on their way to the agent, and their offsets on the way back.

Faust's own path loses records: it lets some through before it seeks to the committed offsets, and acks the hole. Here
nothing is fetched before this assignment's partitions are restored and sought, a fetch is kept only while that same
assignment stands, and only what a finished round covered is committed. A rebalance waits for the running round and for
nothing else: what only lies in a buffer is not ours yet, so there is no way to a deadlock.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Sequence
from typing import Any

import faust
from aiokafka import AIOKafkaConsumer, TopicPartition

from services.router.buffers import Buffers, Share
from services.runtime.errors import exit_fatally

FETCH_WAIT_MS = 50
"""Faust asks the broker to wait for 1.5 s, for which a resumed partition would wait too."""
IDLE_S = 0.02


class Intake:
    """`first` topics are applied before the requests of `then`; see `Buffers`."""

    def __init__(self, app: faust.App, first: Iterable[str], then: str, on_ready: Callable[[], None]) -> None:
        self.app, self.first, self.then, self.on_ready = app, tuple(first), then, on_ready
        self.assignment: Any = None
        """aiokafka's object: a new one for each rebalance. Faust's own flag can fall while a second one runs."""
        self.buffers = Buffers(self.first, self.then, {})
        self.rounds_finished = 0
        self.idle, self.wake = asyncio.Event(), asyncio.Event()
        self.idle.set()

    @property
    def consumer(self) -> Any:
        return self.app.consumer

    @property
    def kafka(self) -> AIOKafkaConsumer:
        return self.consumer._thread._consumer

    async def in_thread(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Faust runs its consumer in a thread of its own, with its own loop."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self.consumer._thread.thread_loop))

    def current(self) -> bool:
        return self.assignment is not None and self.kafka._subscription.subscription.assignment is self.assignment

    def owned(self) -> bool:
        """May a round begin? Both flags fall before Faust asks us to be idle, so none begins after."""
        return (
            self.current()
            and not self.kafka._subscription.reassignment_in_progress
            and self.consumer.flow_active
            and not self.app.should_stop
        )

    def stuck(self) -> bool:
        """Is there work in hand that we may do?"""
        return not self.idle.is_set() or (self.assignment is not None and self.owned() and not self.buffers.empty())

    def lag(self) -> dict[str, int]:
        """Records of each source topic between what is done and the end, on this worker's partitions."""
        lag = Counter[str]()
        if self.current():
            for tp, done in self.buffers.done.items():
                lag[tp.topic] += max(0, (self.assignment.state_value(tp).highwater or done) - done)
        return lag

    async def begin(self, assignment: Any, committed: dict[TopicPartition, int]) -> None:
        """Start to fetch at the committed offsets, 0 included (aiokafka's own seek leaves that one out)."""
        kafka = self.kafka
        if kafka._subscription.subscription.assignment is not assignment:
            return  # rebalanced meanwhile: the next one begins anew
        for tp in assignment.tps - committed.keys():
            kafka.pause(tp)  # changelogs: restored otherwise
        for tp, offset in committed.items():
            kafka._fetcher.seek_to(tp, offset)
        kafka._fetcher._fetch_max_wait_ms = FETCH_WAIT_MS
        self.buffers = Buffers(self.first, self.then, committed)
        self.assignment = assignment
        self.on_ready()

    async def pump(self, should_stop: Callable[[], bool]) -> None:
        """In the consumer's thread. A fetch goes into the buffers in one step, so no cancellation can leave a hole."""
        try:
            while not should_stop():
                if not self.owned() or not self.buffers.waiting:
                    await asyncio.sleep(IDLE_S)
                    continue
                kafka, buffers = self.kafka, self.buffers
                with kafka._subscription.fetch_context():
                    fetched = await kafka._fetcher.fetched_records(set(buffers.waiting), timeout=0.1)
                if not self.current():  # asked now, not before the call: one that was made under the old assignment
                    continue  # returns what lies behind the new one's seek
                self._keep(kafka, self.buffers, fetched)
        except Exception as error:  # also: no offset, or an offset out of range
            exit_fatally(f"cannot fetch: {error!r}")

    def _keep(self, kafka: AIOKafkaConsumer, buffers: Buffers, fetched: dict[TopicPartition, list[Any]]) -> None:
        for tp in buffers.waiting:
            state = self.assignment.state_value(tp)
            full = buffers.extend(tp, fetched.get(tp, []), state.position)
            if state.paused != full:
                (kafka.resume if state.paused else kafka.pause)(tp)
        self.loop.call_soon_threadsafe(self.wake.set)

    async def rounds(self, size: int) -> AsyncIterator[Sequence[Share]]:
        """Yield work of all partitions together: few large sends. It is finished when the caller comes back."""
        self.loop = asyncio.get_running_loop()
        while True:
            await self.wake.wait()
            self.wake.clear()
            while self.owned() and not self.buffers.empty():
                assignment = self.assignment
                await self._set_gates()
                if assignment is not self.assignment or not self.owned():
                    break
                shares = self.buffers.take(size)
                if not shares:
                    break  # only requests behind gates in hand: the next fetch wakes us
                self.idle.clear()
                yield shares
                self.finish()
                await asyncio.sleep(0)

    def finish(self) -> None:
        """The running round is over: its offsets may be committed, and a rebalance may go on."""
        self.buffers.finish()
        self.rounds_finished += 1
        self.idle.set()

    async def commit(self) -> bool:
        """Commit what finished rounds covered. Says whether anything was committed."""
        buffers = self.buffers
        offsets = buffers.to_commit()
        if not offsets or not self.current() or not await self.consumer._commit(offsets):
            return False
        buffers.committed.update(offsets)
        return True

    async def _set_gates(self) -> None:
        """For the requests in hand now: how far must `first` be applied? As far as it reaches now."""
        ungated = {p: (self.buffers.in_hand(p), tps) for p, tps in self.buffers.ungated().items()}
        if not ungated:
            return
        assignment, buffers = self.assignment, self.buffers
        ends = await self.in_thread(self.kafka.end_offsets([tp for _, tps in ungated.values() for tp in tps]))
        if assignment is self.assignment:
            for partition, (held, tps) in ungated.items():
                buffers.set_gate(partition, held, {tp: ends[tp] for tp in tps})
