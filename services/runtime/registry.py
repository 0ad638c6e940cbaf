"""A compacted topic held in memory: read whole, without a group, by every process that needs it."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import Generic, TypeVar

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError
from pydantic import ValidationError

from services.runtime.clock import boot_seconds, utc_now
from services.runtime.endings import raise_if_cancelled
from services.runtime.kafka import make_consumer
from services.runtime.settings import Settings

log = structlog.get_logger("registry")
T = TypeVar("T")


class Registry(Generic[T]):
    """`items` by key. Everything that was on the topic at `fresh_at` (boot seconds) has been applied."""

    def __init__(
        self,
        settings: Settings,
        topic: str,
        decode: Callable[[bytes], T],
        on_change: Callable[[str, T | None], None] | None = None,
        *,
        recent_s: float | None = None,
    ) -> None:
        """`recent_s`: read only the records of that many last seconds, and keep none: each is given to `on_change`."""
        self.recent_s = recent_s
        self.settings, self.topic, self.decode, self.on_change = settings, topic, decode, on_change
        self.items: dict[str, T] = {}
        self.fresh_at = -math.inf
        self.changed = asyncio.Event()
        self._lock = asyncio.Lock()
        self._consumer: AIOKafkaConsumer | None = None
        self._partitions: list[TopicPartition] = []

    async def start(self) -> None:
        """Read the whole topic."""
        self._consumer = make_consumer(self.settings, auto_offset_reset="earliest", fetch_max_wait_ms=50)
        await self._consumer.start()
        numbers = await self._wait_for_topic(self._consumer)
        self._partitions = [TopicPartition(self.topic, number) for number in sorted(numbers)]
        self._consumer.assign(self._partitions)
        # Fetched only while there is something to read. A fetch that waits for news at the broker also holds up the
        # question for the ends, which goes by the same connection; and it costs the broker work all day.
        self._consumer.pause(*self._partitions)
        if self.recent_s is not None:
            await self._seek_recent(self._consumer, self.recent_s)
        await self.catch_up()

    async def stop(self) -> None:
        if self._consumer:
            await self._consumer.stop()

    async def follow(self, interval_s: float = 0.15) -> None:
        """Keep up until cancelled. A broker that does not answer makes the knowledge older, and nothing else."""
        while True:
            try:
                await self.catch_up()
            except KafkaError as error:
                log.warning("cannot read a registry", topic=self.topic, error=repr(error))
            await asyncio.sleep(interval_s)

    async def catch_up(self) -> None:
        """To where the topic ends now: what is unknown after this was not written before it. Raises `KafkaError`, never
        in place of a cancellation."""
        consumer = self._consumer
        assert consumer is not None, "start() comes first"
        async with self._lock:
            asked = boot_seconds()  # before the question: a slow answer must make the knowledge older
            try:
                await self._read_to_end(consumer)
            except KafkaError:
                raise_if_cancelled()
                raise
            self.fresh_at = asked

    async def _read_to_end(self, consumer: AIOKafkaConsumer) -> None:
        ends = await consumer.end_offsets(self._partitions)
        if behind := [tp for tp, end in ends.items() if await consumer.position(tp) < end]:
            await self._read_to(consumer, {tp: ends[tp] for tp in behind})

    async def _read_to(self, consumer: AIOKafkaConsumer, ends: dict[TopicPartition, int]) -> None:
        consumer.resume(*ends)
        try:
            while any([await consumer.position(tp) < end for tp, end in ends.items()]):
                for records in (await consumer.getmany(timeout_ms=50)).values():
                    for record in records:
                        self._apply(record.key, record.value)
        finally:
            consumer.pause(*ends)

    async def _seek_recent(self, consumer: AIOKafkaConsumer, seconds: float) -> None:
        since = int((utc_now().timestamp() - seconds) * 1000)
        found = await consumer.offsets_for_times(dict.fromkeys(self._partitions, since))
        ends = await consumer.end_offsets(self._partitions)
        for partition in self._partitions:
            at = found.get(partition)
            consumer.seek(partition, at.offset if at else ends[partition])

    def _apply(self, key: bytes | None, value: bytes | None) -> None:
        name = (key or b"").decode(errors="replace")
        if value is None:
            self.items.pop(name, None)
            item = None
        else:
            try:
                item = self.decode(value)
            except (ValidationError, ValueError) as error:
                log.error("unreadable record in a registry", topic=self.topic, key=name, error=str(error))
                return
            if self.recent_s is None:
                self.items[name] = item
        if self.on_change:
            self.on_change(name, item)
        self.changed.set()

    async def _wait_for_topic(self, consumer: AIOKafkaConsumer) -> set[int]:
        while not (numbers := consumer.partitions_for_topic(self.topic)):
            await consumer._client.force_metadata_update()  # topics() refreshes only what it knows of
            await consumer.topics()
            if numbers := consumer.partitions_for_topic(self.topic):
                break
            log.warning("waiting for a topic: run `peal topics apply`", topic=self.topic)
            await asyncio.sleep(1)
        return set(numbers)
