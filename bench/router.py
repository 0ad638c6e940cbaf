"""How fast one router is, beside the plain limit of its Kafka client in the same run.

    python -m bench.router [--events 300000] [--people 50000] [--recovered 1000000]

Mix: 70% requests, 20% delivery events, 10% consents. Starts a Kafka of its own. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import psutil
from aiokafka import TopicPartition

from deploy.local.free_ports import free_ports
from schemas.topics import CAMPAIGNS, CONSENTS, DELIVERY_EVENTS, SEND_REQUESTED
from services.domain.eligibility import Said, Send, encode_record, new_record
from services.domain.messages import encode_json
from services.runtime.kafka import Record, make_consumer, make_producer, send_batches, wait_for_kafka
from services.runtime.murmur import partition_for
from services.runtime.ports import Ports
from services.runtime.settings import Settings
from services.runtime.topics import apply_topics

PARTITIONS = 8
CHANGELOG = "peal-router-people-changelog"
CAMPAIGN_IDS = [f"bench-{number}" for number in range(8)]
CHANNELS = ("email", "sms", "whatsapp")
NOW = datetime.now(UTC)
Written = dict[tuple[str, int], list[Record]]


@contextmanager
def process(module: str, *arguments: str, log: Path, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process of ours, ended with the block."""
    with (
        log.open("ab") as output,
        subprocess.Popen(
            [sys.executable, "-m", module, *arguments], stdout=output, stderr=output, env=os.environ | environment
        ) as child,
    ):
        try:
            yield child
        finally:
            child.terminate()
            child.wait(60)


def mix(events: int, people: int, seed: int = 7) -> Written:
    """Records by topic and partition."""
    chance, written = random.Random(seed), Written()
    place = [(f"default/c-{n}".encode(), partition_for(f"default/c-{n}".encode(), PARTITIONS)) for n in range(people)]
    sends = [(c, s, p) for c in CAMPAIGN_IDS for s in (1, 2, 3) for p in range(people)][: int(events * 0.7) + 1]
    chance.shuffle(sends)
    asked: list[tuple[str, int, int]] = []
    for _ in range(events):
        draw = chance.random()
        if (draw < 0.7 and sends) or not asked:
            asked.append(sends.pop())
            topic, person, value = SEND_REQUESTED, asked[-1][2], request(*asked[-1])
        elif draw < 0.9:
            send = asked[int(chance.random() * len(asked))]
            topic, person, value = DELIVERY_EVENTS, send[2], event(*send, chance.choice(("accepted", "delivered")))
        else:
            person = int(chance.random() * people)
            topic, value = CONSENTS, consent(person, chance)
        key, partition = place[person]
        written.setdefault((topic, partition), []).append((key, encode_json(value), []))
    return written


def request(campaign: str, step: int, person: int) -> dict[str, Any]:
    channel = CHANNELS[step - 1]
    return {
        "send_id": f"{campaign}/{step}/c-{person}", "campaign_id": campaign, "step": step,
        "recipient": f"default/c-{person}", "ord": person, "attempt": 1, "epoch": 1, "channel": channel,
        "address": f"c-{person}@example.com" if channel == "email" else f"+9198{person:08d}",
        "data": {"name": "Asha", "city": "Pune"}, "opt_in": person % 3 > 0, "reserved_micros": 900,
        "expires_at": NOW + timedelta(days=7), "zone": "Asia/Kolkata",
    }  # fmt: skip


def event(campaign: str, step: int, person: int, status: str) -> dict[str, Any]:
    send_id = f"{campaign}/{step}/c-{person}"
    return {
        "event_id": f"{send_id}/1/{status}/sender", "send_id": send_id, "campaign_id": campaign, "step": step,
        "recipient": f"default/c-{person}", "ord": person, "attempt": 1, "channel": CHANNELS[step - 1],
        "account": "default", "status": status, "cost_micros": 900, "provider": "sendgrid",
        "provider_message_id": send_id, "occurred_at": NOW, "source": "sender",
    }  # fmt: skip


def consent(person: int, chance: random.Random) -> dict[str, Any]:
    state = "opted_out" if chance.random() < 0.1 else "opted_in"
    return {"recipient": f"default/c-{person}", "channel": chance.choice(CHANNELS), "state": state, "at": NOW}


def campaign(campaign_id: str) -> dict[str, Any]:
    steps = [{"channel": channel, "account": "default", "only_if": "always"} for channel in CHANNELS]
    return {"campaign_id": campaign_id, "brand": "default", "status": "active", "epoch": 1, "steps": steps}


def people_state(people: int) -> Written:
    """A changelog: each person with three sends and a consent."""
    written = Written()
    for person in range(people):
        record = new_record()
        record.applied = [person, person, person, -1]
        record.consent = {"sms": Said(1_790_000_000_000, "")}
        for step, channel in enumerate(CHANNELS, 1):
            record.sends[f"{CAMPAIGN_IDS[0]}/{step}/c-{person}"] = Send(1, 40, "", -1, 1_790_000_000_000, channel)
        key = f"default/c-{person}".encode()
        place = CHANGELOG, partition_for(key, PARTITIONS)
        written.setdefault(place, []).append((key, encode_record(record), []))
    return written


async def write(settings: Settings, records: Written) -> None:
    producer = make_producer(settings)
    await producer.start()
    for (topic, partition), items in records.items():
        for at in range(0, len(items), 20_000):
            await send_batches(producer, topic, partition, items[at : at + 20_000])
    await producer.stop()


async def gauge(port: int, name: str) -> float:
    """The sum of a metric over its labels; 0 while the process does not listen yet."""
    try:
        async with httpx.AsyncClient() as client:
            text = (await client.get(f"http://127.0.0.1:{port}/metrics")).text
    except httpx.TransportError:
        return 0.0
    return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name))


async def ready(port: int) -> bool:
    try:
        async with httpx.AsyncClient() as client:
            return (await client.get(f"http://127.0.0.1:{port}/readyz")).status_code == 200
    except httpx.TransportError:
        return False


async def measure_router(port: int, child: subprocess.Popen[bytes], events: int) -> dict[str, Any]:
    """From the moment it has its partitions to the last event applied and said."""
    while not await ready(port):
        await asyncio.sleep(0.01)
    watched = psutil.Process(child.pid)
    before, started, peak = watched.cpu_times(), time.perf_counter(), 0
    while await gauge(port, "peal_router_events_total") < events:
        peak = max(peak, watched.memory_info().rss)
        await asyncio.sleep(0.1)
    took, after = time.perf_counter() - started, watched.cpu_times()
    cpu = after.user + after.system - before.user - before.system
    return {
        "router_events_per_s": round(events / took),
        "router_cpu_s_per_100k": round(cpu / events * 1e5, 2),
        "router_peak_rss_mb": round(peak / 1e6),
    }


async def measure_plain(settings: Settings, events: int) -> dict[str, Any]:
    """The limit: one aiokafka loop over the same topics: decode, keep in a dict, one output an event, all acked."""
    consumer = make_consumer(settings, max_partition_fetch_bytes=1 << 20)
    producer = make_producer(settings, linger_ms=0)
    await consumer.start()
    await producer.start()
    tps = [TopicPartition(t, p) for t in (SEND_REQUESTED, DELIVERY_EVENTS, CONSENTS) for p in range(PARTITIONS)]
    consumer.assign(tps)
    await consumer.seek_to_beginning(*tps)
    decode, state, done, started = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode, dict[bytes, bytes](), 0, 0.0
    while done < events:
        fetched = await consumer.getmany(timeout_ms=100, max_records=16_000)
        started = started or time.perf_counter()
        work: Written = {}
        for tp, records in fetched.items():
            done += len(records)
            for record in records:
                decode(record.value)
                state[record.key] = record.value
                work.setdefault(("send-recalls", tp.partition), []).append((record.key, record.value, []))
        await asyncio.gather(*(send_batches(producer, t, p, records) for (t, p), records in work.items()))
    took = time.perf_counter() - started
    await consumer.stop()
    await producer.stop()
    return {"plain_events_per_s": round(events / took)}


async def measure_recovery(port: int, people: int) -> dict[str, Any]:
    while not await ready(port):
        await asyncio.sleep(0.01)
    key = "router_recovery_1m_s" if people == 1_000_000 else f"router_recovery_{people}_s"
    return {key: round(await gauge(port, "peal_router_restore_seconds"), 2)}


async def run(folder: Path, events: int, people: int, recovered: int) -> dict[str, Any]:
    ports, data = free_ports(), str(folder)
    settings = Settings(kafka_bootstrap=f"127.0.0.1:{ports.kafka}", data_dir=folder)
    environment = {"PEAL_PORT_BASE": str(ports.console), "PEAL_DATA_DIR": data}
    arguments = ["--data-dir", data + "/kafka", "--port", str(ports.kafka)]
    arguments += ["--controller-port", str(ports.kafka_controller)]
    with process("deploy.local.kafka", *arguments, log=folder / "kafka.log"):
        await wait_for_kafka(settings)
        await apply_topics(settings)
        campaigns = {(CAMPAIGNS, 0): [(i.encode(), encode_json(campaign(i)), []) for i in CAMPAIGN_IDS]}
        await write(settings, mix(events, people) | campaigns)
        port = Ports.from_base(ports.console).metrics("router")
        with process("services.router", log=folder / "router.log", **environment) as router:
            figures = await measure_router(port, router, events)
        figures |= await measure_plain(settings, events)
        if recovered:
            await write(settings, people_state(recovered))
            with process("services.router", log=folder / "router.log", **environment):
                figures |= await measure_recovery(port, recovered)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.router", description=__doc__)
    parser.add_argument("--events", type=int, default=300_000)
    parser.add_argument("--people", type=int, default=50_000)
    parser.add_argument("--recovered", type=int, default=1_000_000, help="people in the changelog; 0: none")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="peal-bench-") as folder:
        print(json.dumps(asyncio.run(run(Path(folder), options.events, options.people, options.recovered))))


if __name__ == "__main__":
    main()
