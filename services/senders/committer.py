"""The only door to a consumer group's offsets, pinned to one membership."""

from __future__ import annotations

from typing import Any

import msgspec
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError, for_code
from aiokafka.protocol.commit import OffsetCommitRequest

from services.domain.marks import Mark, decode_mark, encode_mark
from services.runtime.errors import exit_fatally


class LostError(Exception):
    """The partition is another's, or we cannot know. Do no more in this membership; begin a new one."""


class Committer:
    """Not `consumer.commit`: aiokafka 0.14 sends the generation of the moment, and after an expired session that is -1
    without a member, which Kafka accepts while the group is empty; so a process that wakes from a long freeze could
    take the offset back under a newer one. Nor is a commit sent twice: one without an answer may land later, and is
    harmless only if this membership ends.
    """

    def __init__(self, consumer: Any, topic: str) -> None:
        self.door, self.topic = consumer._coordinator, topic
        self.identity = (self.door.group_id, self.door.generation, self.door.member_id)

    async def read(self, partition: int) -> tuple[int, Mark]:
        """The committed offset and what was declared with it."""
        tp = TopicPartition(self.topic, partition)
        committed = (await self.door.fetch_committed_offsets([tp])).get(tp)
        if committed is None or committed.offset < 0:
            exit_fatally(
                f"group {self.identity[0]} has no committed offset for {self.topic}-{partition}: "
                "run `peal topics apply` if this is a new installation or account, else `peal repair`"
            )
        try:
            return committed.offset, decode_mark(committed.metadata)
        except msgspec.MsgspecError:
            exit_fatally(
                f"group {self.identity[0]}: the offset of {self.topic}-{partition} was committed by another program: "
                "end whatever else uses this group, then run `peal repair`"
            )

    async def commit(self, partition: int, offset: int, mark: Mark) -> None:
        """Raises `LostError` unless the broker said that it took it from this very membership."""
        request = OffsetCommitRequest(*self.identity, -1, [(self.topic, [(partition, offset, encode_mark(mark))])])
        try:
            answer = await self.door._send_req(request)
        except KafkaError as error:
            raise LostError(repr(error)) from error
        if code := answer.topics[0][1][0][1]:
            raise LostError(for_code(code).__name__)
