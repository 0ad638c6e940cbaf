"""How fast one router is, beside the plain limit of its Kafka client: a mix of 70% requests, 20% delivery events, 10%
consents that waits on the topics when it starts."""

from __future__ import annotations

import asyncio
import random
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
from aiokafka import TopicPartition

from bench.figure import Figure, Scale
from bench.people import active_record
from bench.stage import Bare, Service
from bench.usage import Meter
from bench.writing import Written, write
from schemas.topics import CAMPAIGNS, CONSENTS, DELIVERY_EVENTS, SEND_RECALLS, SEND_REQUESTED, load_topics
from services.domain.messages import encode_json
from services.runtime.kafka import Record, make_consumer, make_producer, partition_of, send_batches

TARGET = 30_000
PEOPLE = 50_000
CAMPAIGN_IDS = [f"bench-{number}" for number in range(8)]
CHANNELS = ("email", "sms", "whatsapp")
REQUESTS, EVENTS = 0.7, 0.2
"""Shares of the mix; the rest are consents."""
NOW = datetime.now(UTC)
LOOK_S = 0.1


async def measure(stage: Bare, scale: Scale) -> list[Figure]:
    await write(stage.settings, mix(scale.events, PEOPLE))
    async with make_producer(stage.settings) as producer:
        for name in CAMPAIGN_IDS:
            await producer.send_and_wait(CAMPAIGNS, encode_json(active_record(name)), name.encode())
    async with stage.service("router") as router:
        took, meter = await _run(router, scale.events)
    return [
        Figure(
            "router_events_per_s",
            scale.events / took,
            target=TARGET,
            cpu_s_per_100k=meter.cpu_s_per_100k(scale.events),
            peak_mb=meter.peak_mb,
            plain_per_s=await _plain(stage, scale.events),
        )
    ]


async def _run(router: Service, events: int) -> tuple[float, Meter]:
    """From the moment it has its partitions to the last event applied and said."""
    await router.wait_ready()
    async with Meter(router.pids) as meter:
        started = time.perf_counter()
        while await router.metric("peal_router_events_total") < events:
            await asyncio.sleep(LOOK_S)
        took = time.perf_counter() - started
        meter.stop()
    return took, meter


async def _plain(stage: Bare, events: int) -> float:
    """One aiokafka loop over the same topics: decode, keep in a dict, one output an event, all acked."""
    consumer = make_consumer(stage.settings, max_partition_fetch_bytes=1 << 20)
    decode, state, done, started = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode, dict[bytes, bytes](), 0, 0.0
    topics = (SEND_REQUESTED, DELIVERY_EVENTS, CONSENTS)
    tps = [TopicPartition(topic, number) for topic in topics for number in range(load_topics().partitions)]
    async with consumer, make_producer(stage.settings, linger_ms=0) as producer:
        consumer.assign(tps)
        await consumer.seek_to_beginning(*tps)
        while done < events:
            fetched = await consumer.getmany(timeout_ms=100, max_records=16_000)
            started = started or time.perf_counter()
            work: Written = {}
            for tp, records in fetched.items():
                done += len(records)
                for record in records:
                    decode(record.value)
                    state[record.key] = record.value
                    work.setdefault((SEND_RECALLS, tp.partition), []).append((record.key, record.value, []))
            await asyncio.gather(*(send_batches(producer, t, p, records) for (t, p), records in work.items()))
    return events / (time.perf_counter() - started)


def mix(events: int, people: int, seed: int = 7) -> Written:
    """Records by topic and partition. No send is asked for twice; events tell of sends that were asked for."""
    chance, written = random.Random(seed), Written()
    place = [partition_of(f"default/c-{number}", load_topics().partitions) for number in range(people)]
    sends = [(c, s, p) for c in CAMPAIGN_IDS for s in (1, 2, 3) for p in range(people)][: int(events * REQUESTS) + 1]
    chance.shuffle(sends)
    asked: list[tuple[str, int, int]] = []
    for _ in range(events):
        draw = chance.random()
        if (draw < REQUESTS and sends) or not asked:
            asked.append(sends.pop())
            topic, person, value = SEND_REQUESTED, asked[-1][2], _request(*asked[-1])
        elif draw < REQUESTS + EVENTS:
            send = asked[int(chance.random() * len(asked))]
            topic, person, value = DELIVERY_EVENTS, send[2], _event(*send, chance.choice(("accepted", "delivered")))
        else:
            person = int(chance.random() * people)
            topic, value = CONSENTS, _consent(person, chance)
        record: Record = (f"default/c-{person}".encode(), encode_json(value), [])
        written.setdefault((topic, place[person]), []).append(record)
    return written


def _request(campaign: str, step: int, person: int) -> dict[str, Any]:
    channel = CHANNELS[step - 1]
    return {
        "send_id": f"{campaign}/{step}/c-{person}", "campaign_id": campaign, "step": step,
        "recipient": f"default/c-{person}", "ord": person, "attempt": 1, "epoch": 1, "channel": channel,
        "address": f"c-{person}@example.com" if channel == "email" else f"+9198{person:08d}",
        "data": {"name": "Asha", "city": "Pune"}, "opt_in": person % 3 > 0, "reserved_micros": 900,
        "expires_at": NOW + timedelta(days=7), "zone": "Asia/Kolkata",
    }  # fmt: skip


def _event(campaign: str, step: int, person: int, status: str) -> dict[str, Any]:
    send_id = f"{campaign}/{step}/c-{person}"
    return {
        "event_id": f"{send_id}/1/{status}/sender", "send_id": send_id, "campaign_id": campaign, "step": step,
        "recipient": f"default/c-{person}", "ord": person, "attempt": 1, "channel": CHANNELS[step - 1],
        "account": "default", "status": status, "cost_micros": 900, "provider": "sendgrid",
        "provider_message_id": send_id, "occurred_at": NOW, "source": "sender",
    }  # fmt: skip


def _consent(person: int, chance: random.Random) -> dict[str, Any]:
    state = "opted_out" if chance.random() < 0.1 else "opted_in"
    return {"recipient": f"default/c-{person}", "channel": chance.choice(CHANNELS), "state": state, "at": NOW}
