"""How fast one sender is: email in groups of a thousand, SMS one call each, rendering and the provider's HTTP included.

The provider is the sandbox, which answers at once and uses the other core. Beside it a plain loop over the same topic
that decodes, calls nobody and writes one event a message.
"""

from __future__ import annotations

import time
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta

import httpx
import msgspec
from aiokafka import AIOKafkaConsumer

from bench.figure import Figure, Scale
from bench.people import active_record
from bench.stage import Bare, bare
from bench.stretch import stretch
from bench.writing import Written, write
from schemas.topics import CAMPAIGNS, DELIVERY_EVENTS, SEND_RECALLS, load_topics, send_topic
from services.domain.messages import SendMessage, encode_json, event_for
from services.runtime.kafka import Record, make_consumer, make_producer, partition_of, send_batches

CAMPAIGN = "bench"
STEPS = {"email": 1, "sms": 2}
TARGETS = {"email": 10_000, "sms": 1_000}
LOOK_S = 0.02


def stage() -> AbstractAsyncContextManager[Bare]:
    return bare(PEAL_RATE_SMS="1000000", PEAL_RATE_EMAIL="1000000")


async def measure(stage: Bare, scale: Scale) -> list[Figure]:
    async with make_producer(stage.settings) as producer:
        await producer.send_and_wait(CAMPAIGNS, encode_json(active_record(CAMPAIGN)), CAMPAIGN.encode())
    async with stage.service("sandbox") as sandbox:
        await sandbox.wait_ready()
        return [await _measure(stage, "email", scale.emails), await _measure(stage, "sms", scale.sms)]


async def _measure(stage: Bare, channel: str, count: int) -> Figure:
    await write(stage.settings, _messages(channel, count))
    before = await _received(stage)
    async with (
        make_consumer(stage.settings, DELIVERY_EVENTS, auto_offset_reset="latest") as consumer,
        stage.service(f"sender-{channel}") as sender,
    ):
        before_any = await _events(consumer)

        async def told() -> int:
            return await _events(consumer) - before_any

        run = await stretch(stage, sender, count, told, LOOK_S)
    called = await _received(stage) - before
    if called != count:
        raise RuntimeError(f"{count} messages, but the provider has {called}")
    return Figure(
        f"sender_{channel}_messages_per_s",
        run.per_s,
        target=TARGETS[channel],
        cpu_s_per_100k=run.used.cpu_s_per_100k(run.done),
        peak_mb=run.used.peak_mb,
        plain_per_s=await _plain(stage, channel, count),
    )


def _messages(channel: str, count: int) -> Written:
    """As the router would have just written them."""
    partitions, now, step = load_topics().partitions, datetime.now(UTC), STEPS[channel]
    topic = send_topic(channel)
    written = Written()
    for number in range(count):
        recipient = f"default/c-{number}"
        place = written.setdefault((topic, partition_of(recipient, partitions)), [])
        message = SendMessage(
            send_id=f"{CAMPAIGN}/{step}/c-{number}", campaign_id=CAMPAIGN, recipient=recipient, step=step, ord=number,
            attempt=1, epoch=1, channel=channel,
            address=f"c-{number}@example.com" if channel == "email" else f"+9198{number:08d}",
            data={"name": f"Asha {number}", "city": "Pune"}, reserved_micros=10**6, request_offset=len(place),
            expires_at=now + timedelta(days=1), routed_at=now + timedelta(minutes=5),
        )  # fmt: skip
        place.append((recipient.encode(), encode_json(message), []))
    return written


async def _plain(stage: Bare, channel: str, count: int) -> float:
    decode, done, started = msgspec.json.Decoder(SendMessage).decode, 0, time.perf_counter()
    async with (
        make_consumer(stage.settings, send_topic(channel), auto_offset_reset="earliest") as consumer,
        make_producer(stage.settings) as producer,
    ):
        while done < count:
            for tp, records in (await consumer.getmany(timeout_ms=100, max_records=2_000)).items():
                now, events = datetime.now(UTC), list[Record]()
                for record in records:
                    event = event_for(decode(record.value), "accepted", source="plain", occurred_at=now)
                    events.append((record.key, encode_json(event), []))
                await send_batches(producer, SEND_RECALLS, tp.partition, events)
                done += len(records)
    return count / (time.perf_counter() - started)


async def _events(consumer: AIOKafkaConsumer) -> int:
    return int(sum((await consumer.end_offsets(consumer.assignment())).values()))


async def _received(stage: Bare) -> int:
    async with httpx.AsyncClient() as client:
        return int((await client.get(f"{stage.sandbox_url}/messages/count")).json()["count"])
