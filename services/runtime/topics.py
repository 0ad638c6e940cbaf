"""Make the cluster as `topics.yaml` says: topics, their settings, and offset 0 for groups that are new."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import stamina
from aiokafka import OffsetAndMetadata, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import (
    GroupCoordinatorNotAvailableError,
    NotCoordinatorForGroupError,
    TopicAlreadyExistsError,
    for_code,
)

from schemas.topics import Topic, dead_letter_topic, load_topics, send_topic, sender_group
from services.runtime.errors import StopProcessError
from services.runtime.kafka import make_admin, make_consumer
from services.runtime.settings import Settings

COMPACTED = {
    "cleanup.policy": "compact",
    "segment.bytes": str(16 << 20),
    "min.cleanable.dirty.ratio": "0.2",
    "delete.retention.ms": str(24 * 3600 * 1000),
}


def topic_settings(topic: Topic) -> dict[str, str]:
    """Kafka's topic configuration."""
    if topic.compacted:
        return COMPACTED
    assert topic.retention is not None, "a topic is compacted or has a retention"
    return {"cleanup.policy": "delete", "retention.ms": str(int(topic.retention.total_seconds() * 1000))}


def planned_topics() -> dict[str, dict[str, str]]:
    """Name -> configuration of every topic that an installation starts with."""
    topics = load_topics()
    plan = {name: topic_settings(topic) for name, topic in topics.topics.items()}
    plan |= {
        dead_letter_topic(name): {"cleanup.policy": "delete", "retention.ms": str(7 * 86_400_000)}
        for name, topic in topics.topics.items()
        if topic.groups
    }
    return plan | dict.fromkeys(topics.changelogs, COMPACTED)


def planned_offsets() -> dict[str, list[str]]:
    """Group -> topics of which it must have an offset."""
    groups: dict[str, list[str]] = defaultdict(list)
    for name, topic in load_topics().topics.items():
        for group in topic.groups:
            groups[group].append(name)
    return groups


async def apply_topics(
    settings: Settings, replication: int = 1, extra: dict[str, list[str]] | None = None
) -> list[str]:
    """Create what is missing. Returns a line for each thing done; nothing where all was there.

    `extra`: topics of further accounts -> their groups. Raises `StopProcessError` on a wrong number of partitions.
    """
    admin = make_admin(settings)
    await admin.start()
    try:
        done = await _create_topics(admin, planned_topics() | _account_topics(extra or {}), replication)
        groups = planned_offsets()
        for topic, names in (extra or {}).items():
            for group in names:
                groups.setdefault(group, []).append(topic)
        for group, topics in groups.items():
            done += await _commit_zero(settings, admin, group, topics)
        return done
    finally:
        await admin.close()


async def open_account_topic(settings: Settings, channel: str, account: str) -> list[str]:
    """The topic of a further account, as safe as the channel's own, and its senders' place in it. Does nothing where
    they are there."""
    topic, group = send_topic(channel, account), sender_group(channel, account)
    admin = make_admin(settings)
    await admin.start()
    try:
        (like,) = await admin.describe_topics([send_topic(channel)])
        replication = len(like["partitions"][0]["replicas"]) if like["partitions"] else 1
        done = await _create_topics(admin, _account_topics({topic: [group]}), replication)
        return done + await _commit_zero(settings, admin, group, [topic])
    finally:
        await admin.close()


def _account_topics(extra: dict[str, list[str]]) -> dict[str, dict[str, str]]:
    like = topic_settings(load_topics().topics["send-email"])
    return {name: like for topic in extra for name in (topic, dead_letter_topic(topic))}


async def _create_topics(admin: AIOKafkaAdminClient, plan: dict[str, dict[str, str]], replication: int) -> list[str]:
    partitions = load_topics().partitions
    existing = set(await admin.list_topics())
    if known := [name for name in plan if name in existing]:
        for found in await admin.describe_topics(known):
            if found["partitions"] and len(found["partitions"]) != partitions:
                raise StopProcessError(
                    f"topic {found['topic']} has {len(found['partitions'])} partitions instead of {partitions}: "
                    "topics are never resized in place; use an empty cluster or move the data"
                )
    missing = [name for name in plan if name not in existing]
    if missing:
        response = await admin.create_topics(
            [NewTopic(name, partitions, replication, topic_configs=plan[name]) for name in missing]
        )
        for name, code, *_ in response.topic_errors:
            if code and for_code(code) is not TopicAlreadyExistsError:
                raise StopProcessError(f"cannot create topic {name}: {for_code(code).__name__}")
    return [f"created topic {name}" for name in missing]


async def _commit_zero(settings: Settings, admin: AIOKafkaAdminClient, group: str, topics: Iterable[str]) -> list[str]:
    partitions = load_topics().partitions
    wanted = [TopicPartition(topic, number) for topic in topics for number in range(partitions)]
    known = await _committed(admin, group)
    missing = [tp for tp in wanted if tp not in known or known[tp].offset < 0]
    if not missing:
        return []
    consumer = make_consumer(settings, group_id=group)
    await consumer.start()
    try:
        consumer.assign(missing)
        await consumer.commit({tp: OffsetAndMetadata(0, "") for tp in missing})
    finally:
        await consumer.stop()
    return [f"group {group} starts {topic} at 0" for topic in sorted({tp.topic for tp in missing})]


@stamina.retry(
    on=(GroupCoordinatorNotAvailableError, NotCoordinatorForGroupError),
    attempts=None, timeout=30, wait_initial=0.05, wait_max=0.3, wait_jitter=0.05,
)  # fmt: skip
async def _committed(admin: AIOKafkaAdminClient, group: str) -> dict[TopicPartition, OffsetAndMetadata]:
    """A new broker makes its offsets topic at the first question, and has no coordinator until then."""
    return dict(await admin.list_consumer_group_offsets(group))
