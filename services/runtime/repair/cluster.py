"""What a repair asks of Kafka, and what it writes there."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping

import msgspec
from aiokafka import AIOKafkaProducer, OffsetAndMetadata, TopicPartition
from aiokafka.errors import KafkaError

from services.domain.messages import SendMessage
from services.domain.repair.queues import Held
from services.runtime.clock import boot_seconds
from services.runtime.errors import RetryLaterError
from services.runtime.kafka import make_admin, make_consumer, send_batches
from services.runtime.settings import Settings

LOOK_S = 0.5
Records = list[tuple[bytes | None, bytes | None]]
"""Key and value each, in the order of the topic."""
_decode = msgspec.json.Decoder(SendMessage).decode


async def wait_until_empty(settings: Settings, group: str, patience_s: float) -> None:
    """Raises `RetryLaterError` where somebody stays in the group: Kafka would refuse a commit, and rightly so."""
    deadline = boot_seconds() + patience_s
    while members := await _members(settings, group):
        if boot_seconds() > deadline:
            raise RetryLaterError(
                f"group {group} has live members ({members}): stop that service on all machines, then run "
                "`peal repair` again"
            )
        await asyncio.sleep(LOOK_S)


async def _members(settings: Settings, group: str) -> int:
    admin = make_admin(settings)
    await admin.start()
    try:
        [answer] = await admin.describe_consumer_groups([group])
        return len(answer.groups[0][5])
    finally:
        await admin.close()


async def commit(settings: Settings, group: str, offsets: Mapping[TopicPartition, OffsetAndMetadata]) -> None:
    """For a group without members. Raises `RetryLaterError` where one has come back meanwhile."""
    consumer = make_consumer(settings, group_id=group)
    await consumer.start()
    try:
        consumer.assign(list(offsets))
        await consumer.commit(dict(offsets))
    except KafkaError as error:
        raise RetryLaterError(
            f"group {group} does not take the offsets ({error!r}): stop its service, then run `peal repair` again"
        ) from error
    finally:
        await consumer.stop()


async def read(settings: Settings, tp: TopicPartition, start: int) -> list[tuple[int, bytes | None, bytes | None]]:
    """(offset, key, value) of all that is there from `start` on."""
    consumer = make_consumer(settings, max_partition_fetch_bytes=4 << 20)
    await consumer.start()
    found = []
    try:
        end = (await consumer.end_offsets([tp]))[tp]
        consumer.assign([tp])
        consumer.seek(tp, start)
        while await consumer.position(tp) < end:
            for records in (await consumer.getmany(tp, timeout_ms=200, max_records=20_000)).values():
                found += [(record.offset, record.key, record.value) for record in records]
    finally:
        await consumer.stop()
    return found


async def held_messages(settings: Settings, tp: TopicPartition, start: int) -> list[Held]:
    """What a send topic holds from `start` on, save what nobody can read."""
    held = []
    for offset, _key, value in await read(settings, tp, start):
        try:
            message = _decode(value or b"")
        except (msgspec.MsgspecError, UnicodeDecodeError):
            continue  # it goes to the dead letters when the sender comes to it
        held.append(Held(offset, message.request_offset, message.send_id, message.attempt))
    return held


async def write(producer: AIOKafkaProducer, topic: str, partition: int, pairs: Iterable[tuple[bytes, bytes]]) -> None:
    """Acked when this returns."""
    await send_batches(producer, topic, partition, [(key, value, []) for key, value in pairs])
