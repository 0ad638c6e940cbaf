"""Reads dead-letter topics, without a group: nothing is ever taken from them but by retention."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from schemas.topics import dead_letter_topic, load_topics
from services.console.core.letters import Again, Letter, source_of, visible
from services.console.hub import Hub
from services.console.problems import Problem, not_found
from services.console.security import Identity
from services.runtime.kafka import make_consumer

log = structlog.get_logger("console")
Place = tuple[str, int, int]
"""(topic, partition, offset on its dead-letter topic)"""
Span = tuple[int, int]
"""The first offset that a partition holds, and the one behind its last."""
MOST_LOOKED_AT = 20_000
"""Letters that one request goes through: a page may hold fewer than was asked for, and still say where to go on."""


class LetterBox:
    def __init__(self, hub: Hub, caller: Identity) -> None:
        self.hub, self.caller = hub, caller

    async def page(self, topic: str, after: Place | None, limit: int) -> tuple[list[Letter], Place | None]:
        """Letters in the order of topic, partition and offset, from behind `after`; and the last one where there may be
        more. Raises `Problem` 503, and 404 for a topic without dead letters."""
        letters: list[Letter] = []
        looked_at = 0
        async with self._consumer() as consumer:
            for tp, (low, end) in (await self._held(consumer, await self._partitions(consumer, topic))).items():
                here = (source_of(tp.topic), tp.partition)
                if after is not None and here < after[:2]:
                    continue
                start = after[2] + 1 if after is not None and here == after[:2] else 0
                async for letter in self._letters(consumer, tp, max(start, low), end):
                    looked_at += 1
                    if self._visible(letter):
                        letters.append(letter)
                    if len(letters) == limit or looked_at == MOST_LOOKED_AT:
                        return letters, (letter.topic, letter.partition, letter.offset)
        return letters, None

    async def one(self, topic: str, partition: int, offset: int) -> Letter:
        """Raises `Problem` 404, also for another brand's; 503."""
        source = source_of(topic)
        async with self._consumer() as consumer:
            tp = TopicPartition(dead_letter_topic(source), partition)
            if tp in await self._partitions(consumer, source):
                for low, end in (await self._held(consumer, [tp])).values():
                    async for letter in self._letters(consumer, tp, max(offset, low), end, most=1):
                        if letter.offset == offset and self._visible(letter):
                            return letter
        raise not_found("dead letter", f"{source}/{partition}/{offset}")

    async def produce(self, again: Again) -> None:
        """Acked when this returns. The key says the partition. Raises `Problem` 503."""
        try:
            await self.hub.producer.send_and_wait(again.topic, again.value, again.key, headers=list(again.headers))
        except KafkaError as error:
            raise Problem(503, "kafka_unavailable", "Kafka does not take it now: repeat the request") from error

    def _visible(self, letter: Letter) -> bool:
        return visible(letter, self.caller.brand, self.caller.installation)

    async def _partitions(self, consumer: AIOKafkaConsumer, topic: str) -> list[TopicPartition]:
        suffix = dead_letter_topic("")
        names = sorted(name for name in await consumer.topics() if name.endswith(suffix))
        if topic:
            names = [name for name in names if name == dead_letter_topic(source_of(topic))]
            if not names:
                raise not_found("topic with dead letters", topic)
        names.sort(key=source_of)
        return [TopicPartition(name, number) for name in names for number in range(load_topics().partitions)]

    @staticmethod
    async def _held(consumer: AIOKafkaConsumer, partitions: list[TopicPartition]) -> dict[TopicPartition, Span]:
        """Those that hold anything. All are asked for at once, for each question takes the broker its time."""
        consumer.assign(partitions)  # else the client learns of their leaders topic by topic, a pause between each
        consumer.pause(*partitions)
        lows, ends = await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
        return {tp: (lows[tp], ends[tp]) for tp in partitions if lows[tp] < ends[tp]}

    @staticmethod
    async def _letters(
        consumer: AIOKafkaConsumer, tp: TopicPartition, start: int, end: int, most: int | None = None
    ) -> AsyncIterator[Letter]:
        if start >= end:
            return
        consumer.assign([tp])
        consumer.seek(tp, start)
        while await consumer.position(tp) < end:
            for record in (await consumer.getmany(tp, timeout_ms=200, max_records=most or 500)).get(tp, ()):
                yield letter_of(record)
            if most is not None and await consumer.position(tp) > start:
                return

    @asynccontextmanager
    async def _consumer(self) -> AsyncIterator[AIOKafkaConsumer]:
        consumer = make_consumer(self.hub.settings, isolation_level="read_committed", fetch_max_wait_ms=20)
        try:
            await consumer.start()
            yield consumer
        except KafkaError as error:
            log.error("dead letters cannot be read", error=repr(error))
            raise Problem(503, "kafka_unavailable", "Kafka does not answer: try again shortly") from error
        finally:
            await consumer.stop()


def letter_of(record: Any) -> Letter:
    at = datetime.fromtimestamp(0, UTC) + timedelta(milliseconds=record.timestamp)
    return Letter(
        source_of(record.topic), record.partition, record.offset, at, record.key, record.value, tuple(record.headers)
    )
