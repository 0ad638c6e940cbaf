"""How many delivery events a second one tracker puts into ClickHouse; beside it, a bare insert of the same rows.

    python -m bench.tracker [--events 200000]

Starts Kafka, ClickHouse and a tracker of its own in a temporary folder. Prints one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import random
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
from aiokafka import AIOKafkaProducer

from deploy.local.free_ports import free_ports
from deploy.local.stack import Stack
from schemas.topics import DELIVERY_EVENTS, load_topics
from services.domain.messages import DeliveryEvent, encode_json, event_id
from services.runtime.clickhouse import make_clickhouse
from services.runtime.kafka import Record, make_producer, partition_of, send_batches
from services.runtime.ports import Ports
from services.runtime.topics import apply_topics
from services.tracker.core.rows import LEDGER_COLUMNS, ledger_row
from services.tracker.migrate import migrate
from services.tracker.settings import TrackerSettings
from services.tracker.store import Store

CAMPAIGNS = 5
MIX = (
    "accepted",
    "accepted",
    "accepted",
    "delivered",
    "delivered",
    "read",
    "suppressed",
    "failed",
    "clicked",
    "accepted",
)


def make_events(count: int, seed: int = 7) -> list[DeliveryEvent]:
    """Of several campaigns at once, each send at another stage."""
    chance, start = random.Random(seed), datetime.now(UTC) - timedelta(hours=1)
    events = []
    for number in range(count):
        campaign, ordinal, status = f"bench-{number % CAMPAIGNS}", number // CAMPAIGNS, chance.choice(MIX)
        send_id = f"{campaign}/1/c-{ordinal}"
        events.append(
            DeliveryEvent(
                event_id=event_id(send_id, 1, status, "sender"), send_id=send_id, campaign_id=campaign, step=1,
                recipient=f"default/c-{ordinal}", ord=ordinal, attempt=1, channel="email", account="default",
                status=status, reason="opted_out" if status == "suppressed" else "",
                detail="caps 1/3 in 7d" if status == "suppressed" else "",
                cost_micros=900 if status == "accepted" else 0, provider="sendgrid",
                 provider_message_id=f"{chance.getrandbits(88):022x}",
                occurred_at=start + timedelta(milliseconds=number), source="sender",
            )
        )  # fmt: skip
    return events


async def produce(producer: AIOKafkaProducer, events: list[DeliveryEvent]) -> None:
    by_partition: dict[int, list[Record]] = {}
    for event in events:
        number = partition_of(event.recipient, load_topics().partitions)
        by_partition.setdefault(number, []).append((event.recipient.encode(), encode_json(event), []))
    await asyncio.gather(*[send_batches(producer, DELIVERY_EVENTS, p, r) for p, r in by_partition.items()])


async def raw_insert(store: Store, events: list[DeliveryEvent], batch: int) -> dict[str, float]:
    """The same rows, made beforehand, straight into the ledger and its sets: nothing else can be faster."""
    rows = [ledger_row(event, 0, number) for number, event in enumerate(events)]
    began, cpu = time.perf_counter(), time.process_time()
    for at in range(0, len(rows), batch):
        await store.insert("delivery_events", LEDGER_COLUMNS, rows[at : at + batch])
    wall = time.perf_counter() - began
    return {"per_s": len(rows) / wall, "client_cpu_s_per_100k": (time.process_time() - cpu) / len(rows) * 1e5}


async def count(store: Store) -> int:
    rows = await store.rows("SELECT sum(sends) FROM v_state WHERE campaign_id LIKE 'bench-%'")
    return int(rows[0][0] or 0)


async def tracker_run(store: Store, environment: dict[str, str], events: list[DeliveryEvent]) -> dict[str, float]:
    sends = len({event.send_id for event in events})
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "services.tracker", env=environment)
    try:
        engine = engine_process(int(environment["PEAL_PORT_BASE"]))
        while not await count(store):
            await asyncio.sleep(0.05)
        began, before = time.perf_counter(), await count(store)
        own, cpu, engine_cpu = psutil.Process(process.pid), None, sum(engine.cpu_times()[:2])
        cpu = sum(own.cpu_times()[:2])
        while (done := await count(store)) < sends:
            await asyncio.sleep(0.1)
        wall, share = time.perf_counter() - began, len(events) * (done - before) / sends
        return {
            "per_s": share / wall,
            "cpu_s_per_100k": (sum(own.cpu_times()[:2]) - cpu) / share * 1e5,
            "engine_cpu_s_per_100k": (sum(engine.cpu_times()[:2]) - engine_cpu) / share * 1e5,
            "rss_mb": own.memory_info().rss / 1e6,
        }
    finally:
        process.terminate()
        await process.wait()


def engine_process(base: int) -> psutil.Process:
    port = Ports.from_base(base).clickhouse
    for found in psutil.net_connections("tcp"):
        if found.status == psutil.CONN_LISTEN and found.laddr.port == port and found.pid:
            return psutil.Process(found.pid)
    raise RuntimeError(f"nothing listens on {port}")


async def bench(events_count: int, batch: int = 50_000) -> dict[str, Any]:
    ports = free_ports()
    base = ports.console
    with tempfile.TemporaryDirectory(prefix="peal-bench-") as folder, contextlib.ExitStack() as environment:
        for name, value in {"PEAL_PORT_BASE": str(base), "PEAL_LOG_LEVEL": "error"}.items():
            before = os.environ.get(name)
            os.environ[name] = value
            environment.callback(lambda n=name, b=before: os.environ.pop(n) if b is None else os.environ.update({n: b}))
        async with Stack(Path(folder), ports, {}, []):
            settings = TrackerSettings()
            await apply_topics(settings)
            client = await make_clickhouse(settings)
            await migrate(client)
            store, events = Store(client), make_events(events_count)
            raw = await raw_insert(store, events, batch)
            for table in ("delivery_events", "funnel_bits", "cost_bits", "minute_bits", "hour_bits", "send_standings"):
                await client.command(f"TRUNCATE TABLE {table}")
            producer = make_producer(settings)
            await producer.start()
            await produce(producer, events)
            await producer.stop()
            ours = await tracker_run(store, dict(os.environ), events)
            await client.close()
    return {"tracker": ours, "raw_insert": raw, "events": events_count}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=200_000)
    print(json.dumps(asyncio.run(bench(parser.parse_args().events)), indent=1))


if __name__ == "__main__":
    main()
