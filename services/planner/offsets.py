"""Where topics end and how far groups have come."""

from __future__ import annotations

from collections.abc import Iterable

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from schemas.topics import load_topics
from services.runtime.kafka import make_admin, make_consumer
from services.runtime.settings import Settings

Offsets = dict[tuple[str, int], int]


class OffsetReader:
    def __init__(self, settings: Settings) -> None:
        self.settings, self.partitions = settings, load_topics().partitions
        self._consumer: AIOKafkaConsumer | None = None
        self._admin: AIOKafkaAdminClient | None = None

    async def start(self) -> None:
        self._consumer = make_consumer(self.settings, isolation_level="read_uncommitted")
        await self._consumer.start()
        self._admin = make_admin(self.settings)
        await self._admin.start()

    async def stop(self) -> None:
        if self._consumer:
            await self._consumer.stop()
        if self._admin:
            await self._admin.close()

    async def ends(self, topics: Iterable[str]) -> Offsets:
        """The offset behind the last record of each partition."""
        assert self._consumer is not None, "start() comes first"
        wanted = [TopicPartition(topic, number) for topic in topics for number in range(self.partitions)]
        return {(tp.topic, tp.partition): end for tp, end in (await self._consumer.end_offsets(wanted)).items()}

    async def committed(self, group: str) -> Offsets:
        """What the group has committed, for all topics."""
        assert self._admin is not None, "start() comes first"
        offsets = await self._admin.list_consumer_group_offsets(group)
        return {(tp.topic, tp.partition): found.offset for tp, found in offsets.items()}

    async def lag(self, topic: str, group: str) -> int:
        """Records between the group's commits and the end."""
        committed = await self.committed(group)
        ends = await self.ends([topic])
        return sum(max(0, end - max(0, committed.get(key, 0))) for key, end in ends.items())
