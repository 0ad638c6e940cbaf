"""The planner on real Kafka and the real ClickHouse engine: commands, frozen audiences, pages, restarts."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from confluent_kafka import Consumer, Producer
from opentelemetry.proto.trace.v1.trace_pb2 import Status
from pydantic import SecretStr
from service_process import ServiceProcess
from span_collector import SpanCollector, attributes, span_collector
from ulid import ULID

from deploy.local.free_ports import free_ports
from schemas.topics import load_topics
from services.runtime.clickhouse import make_clickhouse
from services.runtime.kafka import partition_of
from services.runtime.ports import Ports
from services.runtime.settings import Settings
from services.runtime.topics import apply_topics

PATIENCE_S = 30.0


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.05)


class Foreigner:
    """An upstream system in another language: it knows the wire and nothing else."""

    def __init__(self, bootstrap: str) -> None:
        self.producer = Producer({"bootstrap.servers": bootstrap, "partitioner": "murmur2_random"})
        self.consumer = Consumer(
            {"bootstrap.servers": bootstrap, "group.id": str(ULID()), "auto.offset.reset": "earliest",
             "isolation.level": "read_committed"}
        )  # fmt: skip
        self.consumer.subscribe(["command-results", "send-requested", "campaign-commands-dlq", "campaigns"])
        self.seen: list[tuple[str, dict[str, Any], dict[str, str]]] = []

    def send(self, value: dict[str, Any] | bytes | None, key: str | None) -> None:
        raw = json.dumps(value).encode() if isinstance(value, dict) else value
        self.producer.produce("campaign-commands", raw, key=key)
        self.producer.flush(10)

    def poll(self) -> None:
        for message in self.consumer.consume(500, timeout=0.2):
            if message.error():
                continue
            headers = {name: value.decode() for name, value in message.headers() or []}
            raw = message.value() or b""
            value = json.loads(raw) if message.topic() != "campaign-commands-dlq" else {"raw": raw}
            self.seen.append(
                (message.topic(), {**value, "_key": (message.key() or b"").decode("utf8", "replace")}, headers)
            )

    async def find(self, topic: str, count: int = 1, **fields: object) -> list[tuple[dict[str, Any], dict[str, str]]]:
        """Await `count` records of the topic with these fields."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                found = [
                    (value, headers)
                    for name, value, headers in self.seen
                    if name == topic and all(value.get(field) == wanted for field, wanted in fields.items())
                ]
                if len(found) >= count:
                    return found
                await asyncio.to_thread(self.poll)

    async def answer(self, command_id: str) -> dict[str, Any]:
        return (await self.find("command-results", command_id=command_id))[0][0]


@pytest.fixture(scope="module")
def collector() -> Iterator[SpanCollector]:
    with span_collector() as collector:
        yield collector


@pytest.fixture(scope="module")
def planner_environment(kafka_bootstrap: str, clickhouse_url: str, collector: SpanCollector) -> dict[str, str]:
    return {
        "PEAL_OTLP_ENDPOINT": collector.url,
        "OTEL_BSP_SCHEDULE_DELAY": "50",  # milliseconds until finished spans are sent
        "PEAL_KAFKA_BOOTSTRAP": kafka_bootstrap,
        "PEAL_CLICKHOUSE_URL": clickhouse_url,
        "PEAL_PORT_BASE": str(free_ports().console),
        "PEAL_SENDGRID_API_KEY": "SG.test",
        "PEAL_TWILIO_ACCOUNT_SID": "ACtest",
        "PEAL_RATE_EMAIL": "1000",
        "PEAL_RATE_SMS": "1000",
    }


@pytest.fixture(scope="module")
def planner(planner_environment: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServiceProcess]:
    """One process for all of these tests; whoever kills it starts it again."""
    asyncio.run(apply_topics(Settings(kafka_bootstrap=planner_environment["PEAL_KAFKA_BOOTSTRAP"])))
    migrate = [sys.executable, "-m", "services.tracker.migrate"]
    subprocess.run(migrate, env={**os.environ, **planner_environment}, check=True)
    port = Ports.from_base(int(planner_environment["PEAL_PORT_BASE"])).metrics("planner")
    process = ServiceProcess("planner", planner_environment, port, tmp_path_factory.mktemp("planner"))
    asyncio.run(process.start())
    yield process
    asyncio.run(process.stop())


@pytest.fixture
def foreigner(planner: ServiceProcess, planner_environment: dict[str, str]) -> Iterator[Foreigner]:
    client = Foreigner(planner_environment["PEAL_KAFKA_BOOTSTRAP"])
    yield client
    client.consumer.close()


def listed(campaign_id: str | None, count: int, **changes: object) -> dict[str, Any]:
    people = [
        {"id": f"p{i}", "name": f"N{i}", "email": f"p{i}@example.com", "phone": f"+49151123450{i:02d}"}
        for i in range(count)
    ]
    campaign: dict[str, Any] = {
        "name": "Hello", "channels": ["email"], "body": {"text": "Hi {{ name | default: 'there' }}"},
        "audience": {"recipients": people}, **changes,
    }  # fmt: skip
    return campaign | ({"id": campaign_id} if campaign_id else {})


def send_command(campaign: dict[str, Any]) -> dict[str, Any]:
    return {"type": "campaign.send", "command_id": str(ULID()), "campaign": campaign}


async def test_a_listed_audience_is_numbered_and_each_person_asked_for_once(foreigner: Foreigner) -> None:
    campaign_id = str(ULID())
    command = send_command(listed(campaign_id, 20, channels=["email", "sms"]))
    foreigner.send(command, campaign_id)
    answer = await foreigner.answer(command["command_id"])
    assert (answer["status"], answer["epoch"]) == ("accepted", 1)
    requests = [value for value, _ in await foreigner.find("send-requested", 40, campaign_id=campaign_id)]
    assert sorted({(r["step"], r["ord"]) for r in requests}) == [(s, o) for s in (1, 2) for o in range(20)]
    assert all(r["_key"] == r["recipient"] == f"default/p{r['ord']}" for r in requests)
    assert {r["address"] for r in requests if r["step"] == 2} == {f"+49151123450{i:02d}" for i in range(20)}


async def test_a_repeated_command_gets_the_first_answer_and_changes_nothing(foreigner: Foreigner) -> None:
    campaign_id = str(ULID())
    command = send_command(listed(campaign_id, 3))
    foreigner.send(command, campaign_id)
    foreigner.send(command, campaign_id)
    answers = await foreigner.find("command-results", 2, command_id=command["command_id"])
    assert answers[0][0] == answers[1][0]
    await foreigner.find("send-requested", 3, campaign_id=campaign_id)
    pause = {"type": "campaign.pause", "command_id": str(ULID()), "campaign_id": campaign_id, "expected_epoch": 1}
    foreigner.send(pause, campaign_id)
    assert (await foreigner.answer(pause["command_id"]))["epoch"] == 2


@pytest.mark.parametrize(
    ("changes", "field", "problem"),
    [
        ({"channels": ["fax"]}, "channels.0", "unknown_channel"),
        ({"body": {"text": ""}}, "content.email", "no_content"),
        ({"body": {"text": "Hi {{ name"}}, "body.text", "broken_template"),
        ({"body": {"text": "Hi {{ nmae }}"}}, "body.text", "unknown_placeholder"),
        ({"schedule": {"at": "2026-12-01T10:00"}}, "schedule.zone", "no_zone"),
        ({"accounts": {"email": "nobody"}}, "accounts.email", "unknown_account"),
    ],
)
async def test_a_wrong_command_is_rejected_with_field_reason_and_remedy(
    foreigner: Foreigner, changes: dict[str, object], field: str, problem: str
) -> None:
    campaign_id = str(ULID())
    command = send_command(listed(campaign_id, 1, **changes))
    foreigner.send(command, campaign_id)
    answer = await foreigner.answer(command["command_id"])
    assert answer["status"] == "rejected"
    assert (answer["errors"][0]["field"], answer["errors"][0]["problem"]) == (field, problem)
    assert len(answer["errors"][0]["message"]) > 20


async def test_rubbish_is_dead_lettered_with_its_reason_and_the_stream_goes_on(foreigner: Foreigner) -> None:
    campaign_id = str(ULID())
    for value in (b"not json", b"\xff\xfe\x00", None, b'"x' + b"y" * 900_000, b'{"type": "campaign.send"}'):
        foreigner.send(value, campaign_id)
    command = send_command(listed(campaign_id, 2))
    foreigner.send(command, campaign_id)
    assert (await foreigner.answer(command["command_id"]))["status"] == "accepted"
    letters = await foreigner.find("campaign-commands-dlq", 5, _key=campaign_id)
    assert [headers["peal_reason"] for _, headers in letters] == [
        "not_json",
        "not_json",
        "empty",
        "not_json",
        "no_command_id",
    ]
    assert all(headers["peal_source_topic"] == "campaign-commands" for _, headers in letters)
    offsets = [int(headers["peal_source_offset"]) for _, headers in letters]
    assert offsets == list(range(offsets[0], offsets[0] + 5))


async def test_a_command_with_a_wrong_key_is_set_right(foreigner: Foreigner) -> None:
    campaign_id = str(ULID())
    partitions = load_topics().partitions
    wrong = next(k for k in map(str, range(99)) if partition_of(k, partitions) != partition_of(campaign_id, partitions))
    command = send_command(listed(campaign_id, 2))
    foreigner.send(command, wrong)
    assert (await foreigner.answer(command["command_id"]))["status"] == "accepted"
    assert (await foreigner.find("campaigns", campaign_id=campaign_id))[0][0]["_key"] == campaign_id


async def test_an_id_is_made_where_none_is_given(foreigner: Foreigner) -> None:
    command = send_command(listed(None, 2))
    foreigner.send(command, None)
    answer = await foreigner.answer(command["command_id"])
    assert len(answer["campaign_id"]) == 26
    await foreigner.find("send-requested", 2, campaign_id=answer["campaign_id"])


async def test_a_planner_killed_among_pages_asks_for_everyone_all_the_same(
    planner: ServiceProcess, foreigner: Foreigner
) -> None:
    campaign_id = str(ULID())
    command = send_command(listed(campaign_id, 90))
    foreigner.send(command, campaign_id)
    await foreigner.answer(command["command_id"])
    await planner.kill()
    await planner.start()
    requests = await foreigner.find("send-requested", 90, campaign_id=campaign_id)
    async with asyncio.timeout(PATIENCE_S):
        while len({value["ord"] for value, _ in requests}) < 90:
            requests = await foreigner.find("send-requested", len(requests) + 1, campaign_id=campaign_id)


async def test_a_campaigns_life_is_one_span_with_its_counts_although_the_planner_was_killed_in_between(
    planner: ServiceProcess, foreigner: Foreigner, collector: SpanCollector, planner_environment: dict[str, str]
) -> None:
    campaign_id = str(ULID())
    command = send_command(listed(campaign_id, 5, channels=["email", "sms"]))
    foreigner.send(command, campaign_id)
    requests = await foreigner.find("send-requested", 10, campaign_id=campaign_id)
    await until(lambda: len(collector.find("campaign.expand_page", campaign_id=campaign_id)) >= 2)
    await planner.kill()
    await planner.start()
    clickhouse = await make_clickhouse(Settings(clickhouse_url=SecretStr(planner_environment["PEAL_CLICKHOUSE_URL"])))
    statuses = ["failed", "accepted", "accepted", "delivered"]
    events = [[f"default/p{i}", campaign_id, 1, "email", 1, status, i] for i, status in enumerate(statuses)]
    columns = ["recipient_id", "campaign_id", "step", "channel", "attempt", "status", "ord"]
    await clickhouse.insert("delivery_events", events, column_names=columns)
    await clickhouse.close()
    for kind in ("cancel", "launch"):  # the second is refused: it is over
        steer = {"type": f"campaign.{kind}", "command_id": str(ULID()), "campaign_id": campaign_id}
        foreigner.send(steer, campaign_id)
        await foreigner.answer(steer["command_id"])
        await until(lambda: len(collector.find("marketing.send_campaign", campaign_id=campaign_id)) >= 1)
    await until(lambda: len(collector.find("marketing.send_campaign", campaign_id=campaign_id)) >= 2)
    life, refusal = collector.find("marketing.send_campaign", campaign_id=campaign_id)
    told = attributes(life)
    assert told["campaign.name"] == "Hello"
    assert told["campaign.channels"] == ("email", "sms")
    assert told["campaign.recipients"] == 5
    assert [told[f"campaign.email.{kind}"] for kind in ("sent", "delivered", "failed")] == [3, 1, 1]
    assert life.status.code == Status.STATUS_CODE_UNSET
    assert life.end_time_unix_nano > life.start_time_unix_nano
    pages = collector.find("campaign.expand_page", campaign_id=campaign_id)
    assert {(page.trace_id, page.parent_span_id) for page in pages} == {(life.trace_id, life.span_id)}
    contexts = {headers["traceparent"].split("-")[1] for _, headers in requests}
    assert contexts == {life.trace_id.hex()}
    assert refusal.status.code == Status.STATUS_CODE_ERROR
    assert [event.name for event in refusal.events] == ["exception"]


async def test_a_planner_drains_on_sigterm(planner: ServiceProcess) -> None:
    assert await planner.stop(signal.SIGTERM) == 0
    await planner.start()
