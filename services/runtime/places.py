"""Where consumer groups stand, asked of the cluster; and the check before a group is joined.

Before: while a member is in the group nobody else may commit for it, so one that joins, finds no offset and ends, again
and again, would keep its own repair out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence

import stamina
from aiokafka import OffsetAndMetadata, TopicPartition
from aiokafka.errors import GroupCoordinatorNotAvailableError, NotCoordinatorForGroupError

from schemas.topics import load_topics
from services.domain.repair.places import NONE, Place, Trouble, sentence, trouble_of
from services.runtime.errors import StopProcessError
from services.runtime.kafka import make_admin, make_consumer
from services.runtime.settings import Settings

LOOKS, PAUSE_S = 6, 0.5
"""A broker that has just come back may not know a group's offsets, and know them a moment later."""


async def places_of(settings: Settings, group: str, topics: Iterable[str]) -> list[Place]:
    """Every partition of these topics, which must exist."""
    wanted = [TopicPartition(topic, number) for topic in topics for number in range(load_topics().partitions)]
    committed = await committed_by(settings, group)
    low, high = await log_bounds(settings, wanted)
    nothing = OffsetAndMetadata(NONE, "")
    return [
        Place(group, tp.topic, tp.partition, (c := committed.get(tp, nothing)).offset, c.metadata, low[tp], high[tp])
        for tp in wanted
    ]


async def existing_topics(settings: Settings) -> set[str]:
    admin = make_admin(settings)
    await admin.start()
    try:
        return set(await admin.list_topics())
    finally:
        await admin.close()


@stamina.retry(on=(GroupCoordinatorNotAvailableError, NotCoordinatorForGroupError), attempts=None, timeout=30)
async def committed_by(settings: Settings, group: str) -> dict[TopicPartition, OffsetAndMetadata]:
    """A new broker makes its offsets topic at the first question, and has no coordinator until then."""
    admin = make_admin(settings)
    await admin.start()
    try:
        return dict(await admin.list_consumer_group_offsets(group))
    finally:
        await admin.close()


async def log_bounds(
    settings: Settings, tps: Sequence[TopicPartition]
) -> tuple[dict[TopicPartition, int], dict[TopicPartition, int]]:
    """The oldest offset, and the one behind the last record, transactions that are under way included."""
    consumer = make_consumer(settings, isolation_level="read_uncommitted")
    await consumer.start()
    try:
        return dict(await consumer.beginning_offsets(tps)), dict(await consumer.end_offsets(tps))
    finally:
        await consumer.stop()


def changelog() -> str:
    [name] = load_topics().changelogs
    return name


async def unwritten_partitions(settings: Settings) -> set[int]:
    """Those of the changelog of the people to which nothing was ever written."""
    tps = [TopicPartition(changelog(), number) for number in range(load_topics().partitions)]
    _, high = await log_bounds(settings, tps)
    return {tp.partition for tp, end in high.items() if end == 0}


async def require_sound(
    settings: Settings, group: str, topics: Sequence[str], judge: Callable[[Place], Trouble | None] = trouble_of
) -> None:
    """Raises `StopProcessError` naming the repair where the group could not go on without a skip or a repeat.

    A topic that is yet to be made is no trouble.
    """
    existing = await existing_topics(settings)
    there = [topic for topic in topics if topic in existing]
    for look in range(LOOKS):
        troubles = [(p, t) for p in await places_of(settings, group, there) if (t := judge(p)) is not None]
        if not troubles:
            return
        if look + 1 < LOOKS:
            await asyncio.sleep(PAUSE_S)
    first = min(troubles, key=lambda found: found[1] is Trouble.MISSING)
    raise StopProcessError(sentence(*first))
