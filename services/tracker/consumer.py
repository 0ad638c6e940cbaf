"""From Kafka to ClickHouse: collect a batch, put it there whole, do what follows from it, then commit its offsets."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from services.runtime import metrics
from services.runtime.clock import utc_now
from services.runtime.dead_letters import PoisonWatch
from services.runtime.endings import raise_if_cancelled
from services.runtime.erased import ErasedPeople
from services.runtime.errors import StopProcessError
from services.runtime.fail_points import fail_point
from services.runtime.partitions import partitions_for
from services.tracker.core.batch import Batch, Rules, add_records
from services.tracker.core.masking import mask
from services.tracker.core.rows import (
    AUDIT_COLUMNS,
    CONSENT_COLUMNS,
    ENGAGEMENT_COLUMNS,
    INBOUND_COLUMNS,
    LEDGER_COLUMNS,
)
from services.tracker.effects import Effects
from services.tracker.erasing import Erasing
from services.tracker.people import People
from services.tracker.publish import Publisher
from services.tracker.settings import TrackerSettings
from services.tracker.source import Source
from services.tracker.store import Store

log = structlog.get_logger("tracker")

_IDLE_S: Final = 0.02
_POLLED: Final = 5_000
"""Records decoded at a stretch: some 20 ms in which the process answers nobody."""


class Intake:
    """A batch that comes again, whole or in part, changes nothing."""

    def __init__(
        self,
        settings: TrackerSettings,
        source: Source,
        store: Store,
        people: People,
        effects: Effects,
        publisher: Publisher,
        erased: ErasedPeople,
        erasing: Erasing,
    ) -> None:
        self.settings, self.source, self.store, self.people = settings, source, store, people
        self.effects, self.publisher, self.erased, self.erasing = effects, publisher, erased, erasing
        self.rules = Rules(lambda keys: partitions_for(keys, publisher.partitions), settings.phone_region)
        self._watches: dict[str, PoisonWatch] = {}
        self._stop: StopProcessError | None = None
        """So much is bad that a producer must be broken: the process ends behind the batch under way."""

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set; the batch under way is finished first, within the drain's time."""
        try:
            while not stop.is_set():
                turn = asyncio.create_task(self._one_turn(stop))
                await self._finish(turn, stop)
        finally:
            await self.source.stop()

    async def _finish(self, turn: asyncio.Task[None], stop: asyncio.Event) -> None:
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({turn, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not turn.done():
                await asyncio.wait({turn}, timeout=self.settings.drain_s)
            if not turn.done():
                turn.cancel()
                await asyncio.gather(turn, return_exceptions=True)
                log.warning("stopped without the batch under way: nothing of it is committed, so it comes again")
            elif not turn.cancelled():
                turn.result()
        finally:
            stopping.cancel()
            if not turn.done():
                turn.cancel()
                await asyncio.gather(turn, return_exceptions=True)

    async def _one_turn(self, stop: asyncio.Event) -> None:
        """Batch after batch as long as there are any; the next one is collected while ClickHouse takes this one."""
        async with self.source.turn:
            batch, ends = await self._collect(stop, None)
            while batch.records:
                putting = asyncio.create_task(self._put(batch))
                try:
                    following = await self._collect(stop, putting)
                    await putting
                finally:
                    putting.cancel()
                fail_point("tracker.batch-put")
                await self.source.commit(ends)
                await self.source.tell_lag()
                batch, ends = following
        if self._stop:
            raise self._stop  # what was bad is put aside: a new start goes on behind it
        await self.source.tell_lag()
        await asyncio.sleep(_IDLE_S)

    async def _collect(
        self, stop: asyncio.Event, putting: asyncio.Task[None] | None
    ) -> tuple[Batch, dict[TopicPartition, int]]:
        """Until it is full, or its time is over and ClickHouse is free; nothing more before a stop or a rebalance.

        Polls without waiting: a poll that waits is caught by a rebalance.
        """
        batch, ends = Batch(), dict[TopicPartition, int]()
        began = time.monotonic()
        most = self.settings.tracker_batch_rows
        while batch.records < most and self.source.assigned and not (stop.is_set() or self._stop):
            found = await self.source.poll(min(_POLLED, most - batch.records))
            now_ms = round(utc_now().timestamp() * 1000)
            for tp, records in found.items():
                refused = add_records(batch, tp.topic, records, self.rules, now_ms)
                self._watch(tp.topic, batch, len(records) - refused, refused)
                ends[tp] = records[-1].offset + 1
            free = putting is None or putting.done()
            if not found and free and (not batch.records or time.monotonic() - began >= self.settings.tracker_batch_s):
                break
            await asyncio.sleep(0 if found else _IDLE_S)
        return batch, ends

    async def _put(self, batch: Batch) -> None:
        """Everything that the batch means, acknowledged. Failed half-way, it is done again from the start."""
        fail_point("tracker.batch-collected")
        await self.erased.refresh()
        for topic, count in mask(batch, self.erased).items():
            metrics.erased_kept_out.labels(topic).inc(count)
        async with asyncio.TaskGroup() as group:
            group.create_task(self.store.insert("delivery_events", LEDGER_COLUMNS, batch.ledger))
            group.create_task(self.store.insert("consents", CONSENT_COLUMNS, batch.consents))
            group.create_task(self.store.insert("engagements", ENGAGEMENT_COLUMNS, batch.engagements))
            group.create_task(self.store.insert("inbound_messages", INBOUND_COLUMNS, batch.inbound))
            group.create_task(self.store.insert("audit_log", AUDIT_COLUMNS, batch.audit))
            group.create_task(self.people.apply(batch.changes))
            group.create_task(self.erasing.ask(batch.erasures))
        fail_point("tracker.batch-inserted")
        for (field, reason), count in batch.problems.items():
            metrics.contact_fields_refused.labels(field, reason).inc(count)
        await self._until_acked(lambda: self.publisher.refusals(batch.refused))
        await self._until_acked(lambda: self.publisher.set_right(batch.misplaced))
        for topic, count in Counter(one.record.topic for one in batch.misplaced).items():
            log.warning("records in a wrong partition are set right", topic=topic, records=count)
        await self._until_acked(lambda: self.effects.apply(batch))

    async def _until_acked(self, publish: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await publish()
                return
            except KafkaError as error:
                raise_if_cancelled()
                log.warning("cannot publish, trying again", error=repr(error))
                await asyncio.sleep(0.5)

    def _watch(self, topic: str, batch: Batch, good: int, refused: int) -> None:
        watch = self._watches.setdefault(topic, PoisonWatch(topic))
        if good:
            watch.good(good)
        for refusal in batch.refused[len(batch.refused) - refused :]:
            log.warning(
                "refused", topic=topic, partition=refusal.record.partition, offset=refusal.record.offset,
                reason=refusal.reason, detail=refusal.detail[:200],
            )  # fmt: skip
            try:
                watch.poisoned(refusal.reason)
            except StopProcessError as error:
                self._stop = error
