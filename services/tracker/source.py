"""The tracker's seat in its consumer group: polls, commits and rebalances, and nothing of what records mean."""

from __future__ import annotations

import asyncio
import re
import time
from collections import Counter
from typing import Final

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import CommitFailedError, KafkaError, NoOffsetForPartitionError, OffsetOutOfRangeError
from aiokafka.structs import OffsetAndMetadata

from schemas.topics import (
    AUDIT_LOG,
    CONSENTS,
    CONTACT_CHANGES,
    DELIVERY_EVENTS,
    ENGAGEMENTS,
    INBOUND_MESSAGES,
    SEND_TOPIC_PATTERN,
    TRACKER_GROUP,
)
from services.runtime import metrics
from services.runtime.clock import boot_seconds
from services.runtime.errors import StopProcessError
from services.runtime.kafka import make_consumer
from services.runtime.settings import Settings
from services.tracker.core.batch import KafkaRecord

log = structlog.get_logger("tracker")

FIXED: Final = (DELIVERY_EVENTS, CONTACT_CHANGES, CONSENTS, ENGAGEMENTS, INBOUND_MESSAGES, AUDIT_LOG)
PATTERN: Final = "|".join([f"^{re.escape(topic)}$" for topic in FIXED] + [SEND_TOPIC_PATTERN])
_PATIENCE_S: Final = 10.0
_LAG_S: Final = 2.0


class Source(ConsumerRebalanceListener):  # type: ignore[misc]
    """`turn` is held while records are worked on. A rebalance waits for it; should it not wait long enough, the records
    come again to the next owner."""

    def __init__(self, settings: Settings) -> None:
        self.assigned = False
        self.turn = asyncio.Lock()
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

    async def stop(self) -> None:
        await self.consumer.stop()

    def owns(self, topic: str, partition: int = 0) -> bool:
        return TopicPartition(topic, partition) in self.consumer.assignment()

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        self.assigned = False
        async with self.turn:
            if revoked:
                log.info("partitions given back", count=len(revoked))

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        self.assigned = True
        log.info("partitions taken", count=len(assigned), topics=sorted({tp.topic for tp in assigned}))

    async def poll(self, most: int) -> dict[TopicPartition, list[KafkaRecord]]:
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
        if (known := await self.consumer.committed(tp)) is not None:  # asks anew; what was told first is remembered
            self.consumer.seek(tp, known)
            return
        self._without_offset_since = self._without_offset_since or boot_seconds()
        if boot_seconds() - self._without_offset_since > _PATIENCE_S:
            raise StopProcessError(
                f"group {TRACKER_GROUP} has no offset for {tp.topic}/{tp.partition}: run `peal topics apply`; "
                "if it had one before, run `peal repair`"
            )
        log.warning("no offset", topic=tp.topic, partition=tp.partition)
        await asyncio.sleep(0.5)

    async def commit(self, ends: dict[TopicPartition, int]) -> None:
        owned = self.consumer.assignment()
        offsets = {tp: OffsetAndMetadata(end, "") for tp, end in ends.items() if tp in owned}
        try:
            if offsets:
                await self.consumer.commit(offsets)
        except CommitFailedError:
            log.info("the group has moved on: these records come again, which changes nothing")
        except KafkaError as error:
            log.warning("cannot commit; the next batch will", error=repr(error))

    async def tell_lag(self) -> None:
        if time.monotonic() - self._lag_told < _LAG_S or not self.assigned:
            return
        self._lag_told = time.monotonic()
        lags = Counter[str]()
        for tp in self.consumer.assignment():
            if (mark := self.consumer.highwater(tp)) is not None:
                lags[tp.topic] += max(0, mark - await self.consumer.position(tp))
        metrics.consumer_lag.clear()  # of topics that are another instance's now
        for topic, lag in lags.items():
            metrics.consumer_lag.labels(topic).set(lag)
