"""From Kafka to ClickHouse: collect a batch, put it there whole, do what follows from it, then commit its offsets."""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import CommitFailedError, KafkaError, NoOffsetForPartitionError, OffsetOutOfRangeError
from aiokafka.structs import OffsetAndMetadata

from schemas.topics import (
    CONSENTS,
    CONTACT_CHANGES,
    DELIVERY_EVENTS,
    ENGAGEMENTS,
    INBOUND_MESSAGES,
    SEND_TOPIC_PATTERN,
    TRACKER_GROUP,
)
from services.runtime import metrics
from services.runtime.clock import boot_seconds, utc_now
from services.runtime.dead_letters import PoisonWatch
from services.runtime.errors import StopProcessError
from services.runtime.kafka import make_consumer, partition_of
from services.tracker.core.batch import Batch, KafkaRecord, Rules, add_records
from services.tracker.core.rows import CONSENT_COLUMNS, ENGAGEMENT_COLUMNS, INBOUND_COLUMNS, LEDGER_COLUMNS
from services.tracker.effects import Effects
from services.tracker.people import People
from services.tracker.publish import Publisher
from services.tracker.settings import TrackerSettings
from services.tracker.store import Store

log = structlog.get_logger("tracker")

FIXED: Final = (DELIVERY_EVENTS, CONTACT_CHANGES, CONSENTS, ENGAGEMENTS, INBOUND_MESSAGES)
PATTERN: Final = "|".join([f"^{re.escape(topic)}$" for topic in FIXED] + [SEND_TOPIC_PATTERN])
_IDLE_S: Final = 0.02
_POLLED: Final = 5_000
"""Records decoded at a stretch: some 20 ms in which the process answers nobody."""


_PATIENCE_S: Final = 10.0


class Intake(ConsumerRebalanceListener):  # type: ignore[misc]
    """One consumer of the tracker's group. A rebalance waits for the batch under way; should it not wait long enough,
    the batch comes again to the next owner, and changes nothing."""

    def __init__(
        self,
        settings: TrackerSettings,
        store: Store,
        people: People,
        effects: Effects,
        publisher: Publisher,
        partitions: int,
    ) -> None:
        self.settings, self.store, self.people = settings, store, people
        self.effects, self.publisher = effects, publisher
        self.rules = Rules(lambda key: partition_of(key, partitions), settings.phone_region)
        self.assigned = False
        self._watches: dict[str, PoisonWatch] = {}
        self._turn = asyncio.Lock()
        self._lag_told = 0.0
        self._without_offset_since: float | None = None
        self.consumer: AIOKafkaConsumer = make_consumer(
            settings,
            group_id=TRACKER_GROUP,
            max_partition_fetch_bytes=4 << 20,
            fetch_max_wait_ms=500,
            metadata_max_age_ms=5_000,
            max_poll_interval_ms=600_000,
            rebalance_timeout_ms=60_000,
            session_timeout_ms=10_000,
            heartbeat_interval_ms=1_000,
        )

    async def start(self) -> None:
        await self.consumer.start()
        self.consumer.subscribe(pattern=PATTERN, listener=self)

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set; the batch under way is finished first, within the drain's time."""
        try:
            while not stop.is_set():
                turn = asyncio.create_task(self._one_turn(stop))
                await self._finish(turn, stop)
        finally:
            await self.consumer.stop()

    def owns(self, topic: str, partition: int = 0) -> bool:
        return TopicPartition(topic, partition) in self.consumer.assignment()

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        self.assigned = False
        async with self._turn:
            if revoked:
                log.info("partitions given back", count=len(revoked))

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        self.assigned = True
        log.info("partitions taken", count=len(assigned), topics=sorted({tp.topic for tp in assigned}))

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
        async with self._turn:
            batch, ends = await self._collect(stop, None)
            while batch.records:
                putting = asyncio.create_task(self._put(batch))
                try:
                    following = await self._collect(stop, putting)
                    await putting
                finally:
                    putting.cancel()
                await self._commit(ends)
                await self._tell_lag()
                batch, ends = following
        await self._tell_lag()
        await asyncio.sleep(_IDLE_S)

    async def _collect(
        self, stop: asyncio.Event, putting: asyncio.Task[None] | None
    ) -> tuple[Batch, dict[TopicPartition, int]]:
        """Until it is full, or its time is over and ClickHouse is free; nothing more before a stop or a rebalance.

        Polls without waiting: a poll that waits is caught by a rebalance.
        """
        batch, ends = Batch(), dict[TopicPartition, int]()
        began = time.monotonic()
        while batch.records < self.settings.tracker_batch_rows and self.assigned and not stop.is_set():
            found = await self._poll(min(_POLLED, self.settings.tracker_batch_rows - batch.records))
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

    async def _poll(self, most: int) -> dict[TopicPartition, list[KafkaRecord]]:
        if self.consumer._subscription.reassignment_in_progress:
            return {}  # aiokafka would wait here for the assignment, and the assignment for our batch
        try:
            found: dict[TopicPartition, list[KafkaRecord]] = await self.consumer.getmany(timeout_ms=0, max_records=most)
        except NoOffsetForPartitionError as error:
            await self._begin(error.args[0])
            return {}
        except OffsetOutOfRangeError as error:
            raise StopProcessError(
                f"what the tracker has yet to read is no longer on the topic ({error.args[0]}): run `peal repair`"
            ) from error
        if found:
            self._without_offset_since = None
        return found

    async def _begin(self, tp: TopicPartition) -> None:
        """A new account's topic has no offset of ours: nobody else may commit for a group that is at work. Where the
        topic still has all that it ever had, reading from its first record cannot miss anything. A broker that has
        just come back may also say that there is no offset, and know better a moment later."""
        if tp.topic not in FIXED and (await self.consumer.beginning_offsets([tp]))[tp] == 0:
            self.consumer.seek(tp, 0)
            return
        self._without_offset_since = self._without_offset_since or boot_seconds()
        if boot_seconds() - self._without_offset_since > _PATIENCE_S:
            raise StopProcessError(
                f"group {TRACKER_GROUP} has no offset for {tp.topic}/{tp.partition}: run `peal topics apply`; "
                "if it had one before, run `peal repair`"
            )
        log.warning("no offset", topic=tp.topic, partition=tp.partition)
        await asyncio.sleep(0.5)

    async def _put(self, batch: Batch) -> None:
        """Everything that the batch means, acknowledged. Failed half-way, it is done again from the start."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self.store.insert("delivery_events", LEDGER_COLUMNS, batch.ledger))
            group.create_task(self.store.insert("consents", CONSENT_COLUMNS, batch.consents))
            group.create_task(self.store.insert("engagements", ENGAGEMENT_COLUMNS, batch.engagements))
            group.create_task(self.store.insert("inbound_messages", INBOUND_COLUMNS, batch.inbound))
            group.create_task(self.people.apply(batch.changes))
        for (field, reason), count in batch.problems.items():
            metrics.contact_fields_refused.labels(field, reason).inc(count)
        await self._until_acked(lambda: self.publisher.refusals(batch.refused))
        await self._until_acked(lambda: self.effects.apply(batch))

    async def _until_acked(self, publish: Callable[[], Awaitable[None]]) -> None:
        while True:
            try:
                await publish()
                return
            except KafkaError as error:
                log.warning("cannot publish, trying again", error=repr(error))
                await asyncio.sleep(0.5)

    async def _commit(self, ends: dict[TopicPartition, int]) -> None:
        owned = self.consumer.assignment()
        offsets = {tp: OffsetAndMetadata(end, "") for tp, end in ends.items() if tp in owned}
        try:
            if offsets:
                await self.consumer.commit(offsets)
        except CommitFailedError:
            log.info("the group has moved on: these records come again, which changes nothing")
        except KafkaError as error:
            log.warning("cannot commit; the next batch will", error=repr(error))

    def _watch(self, topic: str, batch: Batch, good: int, refused: int) -> None:
        watch = self._watches.setdefault(topic, PoisonWatch(topic))
        if good:
            watch.good(good)
        for refusal in batch.refused[len(batch.refused) - refused :]:
            log.warning(
                "refused", topic=topic, partition=refusal.record.partition, offset=refusal.record.offset,
                reason=refusal.reason, detail=refusal.detail[:200],
            )  # fmt: skip
            watch.poisoned(refusal.reason)

    async def _tell_lag(self) -> None:
        if time.monotonic() - self._lag_told < 2 or not self.assigned:
            return
        self._lag_told = time.monotonic()
        lags = Counter[str]()
        for tp in self.consumer.assignment():
            if (mark := self.consumer.highwater(tp)) is not None:
                lags[tp.topic] += max(0, mark - await self.consumer.position(tp))
        metrics.consumer_lag.clear()  # of topics that are another instance's now
        for topic, lag in lags.items():
            metrics.consumer_lag.labels(topic).set(lag)
