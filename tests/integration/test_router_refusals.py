"""Where going on would skip, repeat or forget something, the router ends with 70 and names the repair."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import NewTopic, RecordsToDelete
from confluent_kafka.admin import AdminClient
from router_harness import CHANGELOG, Cluster, cluster_in, of, request

from schemas.topics import ROUTER_GROUP, SEND_REQUESTED
from services.runtime.kafka import make_admin, partition_of
from services.runtime.topics import apply_topics


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster_in(tmp_path_factory.mktemp("refusals")) as cluster:
        yield cluster


@pytest.fixture
def cluster(shared: Cluster) -> Iterator[Cluster]:
    """As `peal topics apply` leaves it, but for what earlier tests of this module have written."""
    yield shared
    shared.stop_routers()
    asyncio.run(apply_topics(shared.settings))


@pytest.fixture
def ruined(tmp_path: Path) -> Iterator[Cluster]:
    """For a test after which no router would start."""
    with cluster_in(tmp_path) as cluster:
        yield cluster


async def refusal(cluster: Cluster, **settings: str) -> str:
    """The last words of a router that does not start."""
    router = cluster.router(**settings)
    code = await router.exit_code()
    said = router.said()
    assert code == 70, said
    cluster.routers.remove(router)
    return next(line for line in reversed(said.splitlines()) if '"level": "critical"' in line)


async def make_anew(cluster: Cluster, topic: str, partitions: int | None) -> None:
    """Delete a topic, and make it again with so many partitions, or not."""
    admin = make_admin(cluster.settings)
    await admin.start()
    try:
        await admin.delete_topics([topic])
        while topic in await admin.list_topics():
            await asyncio.sleep(0.05)
        if partitions:
            await admin.create_topics([NewTopic(topic, partitions, 1)])
    finally:
        await admin.close()


@pytest.mark.parametrize("topic", ["send-push", "consents-dlq"])
async def test_a_missing_topic(cluster: Cluster, topic: str) -> None:
    await make_anew(cluster, topic, None)
    assert f"topic {topic} is missing: run `peal topics apply`" in await refusal(cluster)


@pytest.mark.parametrize("topic", ["engagements-dlq", "send-whatsapp", CHANGELOG])
async def test_a_topic_with_another_number_of_partitions(cluster: Cluster, topic: str) -> None:
    """Of the sources, the outputs and the changelog alike."""
    await make_anew(cluster, topic, 3)
    assert f"topic {topic} has 3 partitions instead of 8" in await refusal(cluster)
    await make_anew(cluster, topic, None)


async def test_a_group_without_offsets(cluster: Cluster) -> None:
    admin = AdminClient({"bootstrap.servers": cluster.settings.kafka_bootstrap})
    admin.delete_consumer_groups([ROUTER_GROUP])[ROUTER_GROUP].result()
    said = await refusal(cluster)
    assert "no offset is committed" in said
    assert "`peal topics apply`" in said
    await apply_topics(cluster.settings)
    await cluster.router().ready()


async def test_only_bad_input_so_far_is_no_reason_to_refuse(cluster: Cluster) -> None:
    """Its offsets are committed, and no person is in the changelog."""
    async with cluster.producer() as producer:
        for partition in range(8):
            await producer.send_and_wait("consents", b"rubbish", key=b"k", partition=partition)
    first = await cluster.router().ready()
    await cluster.drained()
    assert await first.end() == 0
    await cluster.router().ready()


async def test_a_flood_of_bad_input_stops_the_router_and_a_new_start_goes_on_behind_it(cluster: Cluster) -> None:
    """Rather than bury everything; but what is on its dead-letter topic does not stop the next start."""
    await cluster.campaign("flood", ("email", "always"))
    async with cluster.producer() as producer:
        for _ in range(150):
            await producer.send(SEND_REQUESTED, b"rubbish", key=b"default/flood-1")
    await cluster.write(SEND_REQUESTED, [request("flood", "flood-1")])
    assert "is a producer broken?" in await refusal(cluster)
    await cluster.router().ready()
    await cluster.drained()
    assert len(await cluster.read("send-requested-dlq")) == 150
    assert len(of("flood", await cluster.read("send-email"))) == 1


async def test_an_empty_changelog_under_committed_offsets(cluster: Cluster) -> None:
    await cluster.campaign("emptied", ("email", "always"))
    await cluster.write(SEND_REQUESTED, [request("emptied", "emptied-1")])
    router = await cluster.router().ready()
    await cluster.drained()
    assert await router.end() == 0
    await make_anew(cluster, CHANGELOG, 8)
    said = await refusal(cluster)
    assert "the changelog of the people is empty" in said
    assert "`peal repair`" in said


async def test_offsets_that_retention_has_outrun(ruined: Cluster) -> None:
    cluster = ruined
    partition = partition_of("default/old-1", 8)
    await cluster.write("engagements", [{"recipient": "default/old-1", "kind": "visit", "at": "2026-11-21T09:00:00Z"}])
    admin = make_admin(cluster.settings)
    await admin.start()
    await admin.delete_records({TopicPartition("engagements", partition): RecordsToDelete(-1)})
    await admin.close()
    said = await refusal(cluster)
    assert f"engagements/{partition}" in said
    assert "`peal repair`" in said
