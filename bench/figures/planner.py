"""How fast the planner turns a frozen audience into send requests.

Only the planner runs. Its credit (what the router has not passed yet) holds 200,000 requests of a fast account, so that
many go out without a pause.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta

from aiokafka import AIOKafkaConsumer, TopicPartition

from bench.figure import Figure, Scale
from bench.people import ensure_people, mail_campaign
from bench.stage import Bare, Service, clickhouse
from bench.stretch import stretch
from bench.writing import Written
from schemas import Campaign, Command, CommandType
from schemas.topics import CAMPAIGN_COMMANDS, SEND_RECALLS, SEND_REQUESTED, load_topics
from services.domain.messages import SendRequest, encode_json
from services.runtime.kafka import make_consumer, make_producer, partition_of, send_batches

TARGET = 20_000
CAMPAIGN = "bench-planner"
PAGE = 5_000
LOOK_S = 0.02


async def measure(stage: Bare, scale: Scale) -> list[Figure]:
    async with clickhouse(stage) as client:
        await ensure_people(client, scale.requests)
    async with stage.service("planner") as planner, make_consumer(stage.settings) as consumer:
        consumer.assign([TopicPartition(SEND_REQUESTED, number) for number in range(load_topics().partitions)])
        await planner.wait_ready()
        figure = await _run(stage, planner, consumer, scale.requests)
    return [figure]


async def _run(stage: Bare, planner: Service, consumer: AIOKafkaConsumer, people: int) -> Figure:
    """From the first page on the topic to the last; the freeze of the audience before it is told beside."""
    launched = time.perf_counter()
    await _launch(stage)
    run = await stretch(stage, planner, people, lambda: _requests(consumer), LOOK_S)
    return Figure(
        "planner_requests_per_s",
        run.per_s,
        target=TARGET,
        cpu_s_per_100k=run.used.cpu_s_per_100k(run.done),
        peak_mb=run.used.peak_mb,
        plain_per_s=await _plain(stage, people),
        more={
            "planner_first_page_s": run.began - launched,
            "planner_engine_cpu_s_per_100k": run.engine.cpu_s_per_100k(run.done),
        },
    )


async def _launch(stage: Bare) -> None:
    campaign = Campaign.model_validate(mail_campaign(CAMPAIGN))
    command = Command(
        type=CommandType.SEND, command_id="bench", brand="default", at=datetime.now(UTC), campaign=campaign
    )
    async with make_producer(stage.settings) as producer:
        await producer.send_and_wait(CAMPAIGN_COMMANDS, command.write(), CAMPAIGN.encode())


async def _requests(consumer: AIOKafkaConsumer) -> int:
    return int(sum((await consumer.end_offsets(consumer.assignment())).values()))


async def _plain(stage: Bare, people: int) -> float:
    """One aiokafka loop: make the same requests, encode them, write them by pages, all acked."""
    expires, began = datetime.now(UTC) + timedelta(days=7), time.perf_counter()
    async with make_producer(stage.settings) as producer:
        for first in range(0, people, PAGE):
            work = Written()
            for number in range(first, min(first + PAGE, people)):
                recipient = f"default/c-{number}"
                request = SendRequest(
                    send_id=f"{CAMPAIGN}/1/c-{number}", campaign_id=CAMPAIGN, step=1, recipient=recipient, ord=number,
                    attempt=1, epoch=1, channel="email", address=f"c-{number}@example.com",
                    data={"name": "Asha", "city": "Pune"}, reserved_micros=900, expires_at=expires, zone="Asia/Kolkata",
                )  # fmt: skip
                place = SEND_RECALLS, partition_of(recipient, load_topics().partitions)
                work.setdefault(place, []).append((recipient.encode(), encode_json(request), []))
            await asyncio.gather(*(send_batches(producer, t, p, records) for (t, p), records in work.items()))
    return people / (time.perf_counter() - began)
