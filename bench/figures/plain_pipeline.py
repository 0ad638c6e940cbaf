"""The least that a pipeline does for a mail: read people, a topic in between, a provider call, two rows a message.

No consent, no budget, no rate, no account of what is under way, nothing that survives a kill: a limit, not a rival.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import NewTopic
from clickhouse_connect.driver.asyncclient import AsyncClient

from bench.people import EMAIL
from bench.stage import Bare
from deploy.local.environment import SANDBOX_SENDGRID
from schemas.topics import load_topics
from services.runtime.kafka import Record, make_admin, make_consumer, make_producer, partition_of, send_batches

TOPIC = "bench-plain"
PAGE, GROUP_CALL = 5_000, 1_000
PEOPLE = """
SELECT recipient_id, email, name, city FROM contacts WHERE role = 'customer' AND recipient_id > {after:String}
ORDER BY recipient_id LIMIT {most:UInt32}
"""
COLUMNS = ["recipient_id", "campaign_id", "step", "channel", "attempt", "status", "ord", "cost_micros", "occurred_at"]


async def run_plain(stage: Bare, client: AsyncClient, people: int) -> float:
    """Messages a second of one process."""
    admin = make_admin(stage.settings)
    await admin.start()
    await admin.create_topics([NewTopic(TOPIC, load_topics().partitions, 1)])
    await admin.close()
    consumer = make_consumer(stage.settings, auto_offset_reset="earliest")
    async with make_producer(stage.settings) as producer, consumer, httpx.AsyncClient(timeout=60) as http:
        consumer.assign([TopicPartition(TOPIC, number) for number in range(load_topics().partitions)])
        began = time.perf_counter()
        await asyncio.gather(_write(client, producer, people), _send(stage, consumer, http, client, people))
        return people / (time.perf_counter() - began)


async def _write(client: AsyncClient, producer: AIOKafkaProducer, people: int) -> None:
    written, after = 0, ""
    while written < people:
        rows = (await client.query(PEOPLE, parameters={"after": after, "most": PAGE})).result_rows
        by_partition: dict[int, list[Record]] = {}
        for number, (recipient, address, name, city) in enumerate(rows, written):
            value = msgspec.json.encode([recipient, number, address, name, city])
            place = partition_of(recipient, load_topics().partitions)
            by_partition.setdefault(place, []).append((recipient.encode(), value, []))
        await asyncio.gather(*(send_batches(producer, TOPIC, place, items) for place, items in by_partition.items()))
        written, after = written + len(rows), rows[-1][0]


async def _send(
    stage: Bare, consumer: AIOKafkaConsumer, http: httpx.AsyncClient, client: AsyncClient, people: int
) -> None:
    done, waiting = 0, list[list[Any]]()
    while done < people:
        for records in (await consumer.getmany(timeout_ms=50, max_records=PAGE)).values():
            waiting += [msgspec.json.decode(record.value) for record in records]
        while len(waiting) >= GROUP_CALL or (waiting and done + len(waiting) == people):
            group, waiting = waiting[:GROUP_CALL], waiting[GROUP_CALL:]
            await _call(stage, http, group)
            await client.insert("delivery_events", _rows(group), column_names=COLUMNS)
            done += len(group)


async def _call(stage: Bare, http: httpx.AsyncClient, group: list[list[Any]]) -> None:
    body = {
        "from": {"email": SANDBOX_SENDGRID["PEAL_SENDGRID_FROM"]},
        "subject": EMAIL["subject"],
        "content": [{"type": "text/html", "value": EMAIL["html"]}],
        "personalizations": [
            {
                "to": [{"email": address}],
                "substitutions": {"{{ name }}": name, "{{ city }}": city},
                "custom_args": {"peal_send_id": f"plain/1/{recipient.partition('/')[2]}", "peal_ord": str(number)},
            }
            for recipient, number, address, name, city in group
        ],
    }
    response = await http.post(
        f"{stage.sandbox_url}/v3/mail/send",
        content=msgspec.json.encode(body),
        headers={
            "Authorization": f"Bearer {SANDBOX_SENDGRID['PEAL_SENDGRID_API_KEY']}",
            "Content-Type": "application/json",
        },
    )
    response.raise_for_status()


def _rows(group: list[list[Any]]) -> list[tuple[Any, ...]]:
    now = datetime.now(UTC)
    return [
        (recipient, "plain", 1, "email", 1, status, number, cost, now)
        for recipient, number, *_ in group
        for status, cost in (("queued", 0), ("accepted", 900))
    ]
