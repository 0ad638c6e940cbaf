"""A Kafka of its own, and real router processes that can be killed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from aiokafka import TopicPartition
from aiokafka.structs import ConsumerRecord
from waiting import until

from deploy.local.free_ports import free_ports
from schemas.topics import CAMPAIGNS, ROUTER_GROUP, SEND_REQUESTED
from services.domain.eligibility import SOURCES
from services.runtime.kafka import make_admin, make_consumer, make_producer, wait_for_kafka
from services.runtime.ports import Ports
from services.runtime.settings import Settings
from services.runtime.topics import apply_topics

PARTITIONS = 8
SESSION_S = 3
CHANGELOG = "peal-router-people-changelog"
Read = ConsumerRecord[bytes, bytes]


class RouterProcess:
    """`python -m services.router`"""

    def __init__(self, cluster: Cluster, instance: int = 0, **settings: str) -> None:
        self.port = cluster.ports.metrics("router", instance)
        self.log = cluster.folder / f"router-{instance}.log"
        environment = {
            "PEAL_PORT_BASE": str(cluster.ports.console), "PEAL_INSTANCE": str(instance),
            "PEAL_DATA_DIR": str(cluster.folder), "PEAL_ROUTER_SESSION_S": str(SESSION_S),
        }  # fmt: skip
        with self.log.open("ab") as log:
            self.start = log.tell()
            self.child = subprocess.Popen(
                [sys.executable, "-m", "services.router"], stdout=log, stderr=log,
                env=os.environ | environment | settings,
            )  # fmt: skip

    async def is_ready(self) -> bool:
        assert self.child.poll() is None, f"the router has ended with {self.child.returncode}: {self.said()}"
        return (await self.get("/readyz"))[0] == 200

    async def ready(self) -> RouterProcess:
        await until(self.is_ready, "the router is ready")
        return self

    async def get(self, path: str) -> tuple[int, str]:
        try:
            async with httpx.AsyncClient(timeout=10) as client:
                answer = await client.get(f"http://127.0.0.1:{self.port}{path}")
        except httpx.TransportError:
            return 0, ""
        return answer.status_code, answer.text

    async def metric(self, name: str) -> float:
        _, text = await self.get("/metrics")
        return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name))

    def tell(self, number: signal.Signals) -> None:
        self.child.send_signal(number)

    async def exit_code(self, seconds: float = 60) -> int:
        async def code() -> tuple[int] | None:
            found = self.child.poll()
            return None if found is None else (found,)

        return int((await until(code, "the router ends", seconds))[0])

    async def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.tell(number)
        return await self.exit_code()

    def said(self) -> str:
        return self.log.read_bytes()[self.start :].decode()


class Cluster:
    """An embedded broker with all topics and offsets."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.ports = folder, free_ports(instances=3)
        self.settings = Settings(kafka_bootstrap=f"127.0.0.1:{self.ports.kafka}", data_dir=folder)
        self.routers: list[RouterProcess] = []
        self.broker = self.start_broker()

    def start_broker(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "deploy.local.kafka", "--data-dir", str(self.folder / "kafka")]
        command += ["--port", str(self.ports.kafka), "--controller-port", str(self.ports.kafka_controller)]
        with (self.folder / "kafka.log").open("ab") as log:
            return subprocess.Popen(command, stdout=log, stderr=log)

    async def restart_broker(self) -> None:
        """As after a power cut."""
        self.broker.kill()
        self.broker.wait()
        self.broker = self.start_broker()
        await wait_for_kafka(self.settings)

    def router(self, instance: int = 0, **settings: str) -> RouterProcess:
        self.routers.append(RouterProcess(self, instance, **settings))
        return self.routers[-1]

    def stop_routers(self) -> None:
        """As an operator would; a member that was killed would hold the next one up for a session."""
        for router in self.routers:
            if router.child.poll() is None:
                router.child.terminate()
        for router in self.routers:
            try:
                router.child.wait(20)
            except subprocess.TimeoutExpired:
                router.child.kill()
                router.child.wait()
        self.routers.clear()

    def stop(self) -> None:
        self.stop_routers()
        self.broker.kill()
        self.broker.wait()

    @asynccontextmanager
    async def producer(self) -> AsyncIterator[Any]:
        producer = make_producer(self.settings)
        await producer.start()
        try:
            yield producer
        finally:
            await producer.stop()

    async def write(self, topic: str, values: Iterable[dict[str, Any]], key: str = "recipient", **more: Any) -> None:
        """In order, keyed by that field, partitioned by murmur2; returns when all are acked."""
        async with self.producer() as producer:
            sent = [
                await producer.send(topic, json.dumps(value).encode(), key=value[key].encode(), **more)
                for value in values
            ]
            await asyncio.gather(*sent)

    async def read(self, *topics: str) -> list[Read]:
        """All that is on these topics now, in order within a partition."""
        consumer, found = make_consumer(self.settings), list[Read]()
        await consumer.start()
        try:
            tps = [TopicPartition(topic, number) for topic in topics for number in range(PARTITIONS)]
            consumer.assign(tps)
            await consumer.seek_to_beginning(*tps)
            ends = await consumer.end_offsets(tps)
            while any([await consumer.position(tp) < end for tp, end in ends.items()]):
                for records in (await consumer.getmany(timeout_ms=100)).values():
                    found += records
        finally:
            await consumer.stop()
        return found

    async def ends(self, *topics: str) -> dict[TopicPartition, int]:
        consumer = make_consumer(self.settings)
        await consumer.start()
        try:
            tps = [TopicPartition(topic, number) for topic in topics for number in range(PARTITIONS)]
            return dict(await consumer.end_offsets(tps))
        finally:
            await consumer.stop()

    async def committed(self) -> dict[TopicPartition, int]:
        admin = make_admin(self.settings)
        await admin.start()
        try:
            return {tp: o.offset for tp, o in (await admin.list_consumer_group_offsets(ROUTER_GROUP)).items()}
        finally:
            await admin.close()

    async def lag(self) -> int:
        """Records on the sources beyond what the router has committed."""
        ends, committed = await self.ends(*SOURCES), await self.committed()
        return sum(end - max(0, committed.get(tp, 0)) for tp, end in ends.items())

    async def drained(self, seconds: float = 90) -> None:
        async def done() -> bool:
            for router in self.routers:
                code = router.child.poll()
                assert code in (None, 0, -signal.SIGKILL), f"a router ended with {code}: {router.said()}"
            return await self.lag() == 0

        await until(done, "the router has committed all there is", seconds)

    async def campaign(self, campaign_id: str, *steps: tuple[str, str], **changes: Any) -> None:
        record = {
            "campaign_id": campaign_id, "brand": "default", "name": campaign_id, "status": "active", "epoch": 1,
            "steps": [{"channel": c, "account": "default", "only_if": o, "content": {}} for c, o in steps],
            "created_at": "2026-11-21T09:00:00Z", "updated_at": "2026-11-21T09:00:00Z",
        }  # fmt: skip
        await self.write(CAMPAIGNS, [record | changes], "campaign_id")


@contextmanager
def cluster_in(folder: Path) -> Iterator[Cluster]:
    cluster = Cluster(folder)

    async def prepare() -> None:
        await wait_for_kafka(cluster.settings)
        await apply_topics(cluster.settings)

    try:
        asyncio.run(prepare())
        yield cluster
    finally:
        cluster.stop()


def request(campaign: str, person: str, step: int = 1, channel: str = "email", **changes: Any) -> dict[str, Any]:
    """A value of send-requested."""
    return {
        "send_id": f"{campaign}/{step}/{person}", "campaign_id": campaign, "step": step,
        "recipient": f"default/{person}", "ord": 1, "attempt": 1, "epoch": 1, "channel": channel, "opt_in": True,
        "address": f"{person}@example.com" if channel == "email" else "+919812345678",
        "expires_at": (datetime.now(UTC) + timedelta(days=1)).isoformat(), "data": {"name": "Åsa"},
    } | changes  # fmt: skip


def consent(person: str, state: str = "opted_out", channel: str = "email") -> dict[str, Any]:
    return {"recipient": f"default/{person}", "channel": channel, "state": state, "at": datetime.now(UTC).isoformat()}


def outcome(campaign: str, person: str, status: str, step: int = 1, **changes: Any) -> dict[str, Any]:
    """A value of delivery-events."""
    send_id = f"{campaign}/{step}/{person}"
    return {
        "event_id": f"{send_id}/1/{status}/sender", "send_id": send_id, "campaign_id": campaign, "step": step,
        "recipient": f"default/{person}", "ord": 1, "attempt": 1, "channel": "email", "account": "default",
        "status": status, "occurred_at": datetime.now(UTC).isoformat(), "source": "sender",
    } | changes  # fmt: skip


def of(campaign: str, records: Iterable[Read]) -> list[tuple[Read, dict[str, Any]]]:
    """The records that belong to a campaign, and their values."""
    values = ((record, json.loads(record.value)) for record in records)
    return [(record, value) for record, value in values if value["send_id"].startswith(f"{campaign}/")]


def received(campaign: str, records: Iterable[Read]) -> list[str]:
    """The sends that a sender takes: it skips what is at or below the greatest request offset that it has seen."""
    seen, sends = defaultdict[tuple[str, int], int](lambda: -1), []
    for record in records:
        value = json.loads(record.value)
        if value["request_offset"] > seen[record.topic, record.partition]:
            seen[record.topic, record.partition] = value["request_offset"]
            if value["campaign_id"] == campaign:
                sends.append(value["send_id"])
    return sends


def verdict_offsets(campaign: str, records: Iterable[Read]) -> dict[str, set[int]]:
    """Send -> the offsets of the requests for which it was routed."""
    found: dict[str, set[int]] = defaultdict(set)
    for _, value in of(campaign, records):
        found[value["send_id"]].add(value["request_offset"])
    return found


__all__ = [
    "CHANGELOG", "PARTITIONS", "SEND_REQUESTED", "SESSION_S", "Cluster", "Ports", "RouterProcess", "cluster_in",
    "consent", "of", "outcome", "received", "request", "until", "verdict_offsets",
]  # fmt: skip
