"""How fast one sender is, rendering and the provider's answer included, beside the plain limit of its Kafka client.

    python -m bench.sender [--emails 100000] [--sms 10000] [--latency-ms 0]

The provider is the sandbox in a process of its own, answering after `--latency-ms`; the account's rate is no limit.
Starts a Kafka of its own. Prints one JSON object. The plain loop reads, decodes and answers each message with an event,
all acked: no doorstep, no rendering, no provider.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import psutil

from bench.router import process
from deploy.local.free_ports import free_ports
from schemas import Body, CampaignRecord, CampaignStatus, Content, EmailContent, SmsContent, StepRecord
from schemas.topics import CAMPAIGNS, DELIVERY_EVENTS, load_topics, send_topic
from services.domain.messages import SendMessage, encode_json, event_for
from services.runtime.kafka import Record, make_consumer, make_producer, partition_of, send_batches, wait_for_kafka
from services.runtime.settings import Settings
from services.runtime.topics import apply_topics

NO_LIMIT = "1000000"
PATIENCE_S = 300
CREDENTIALS = {
    "PEAL_SENDGRID_API_KEY": "SG.sandbox", "PEAL_SENDGRID_FROM": "hello@peal.example", "PEAL_LINK_SECRET": "bench",
    "PEAL_TWILIO_ACCOUNT_SID": "AC" + "5a" * 16, "PEAL_TWILIO_AUTH_TOKEN": "sandbox-auth-token",
    "PEAL_TWILIO_FROM": "+15005550006", "PEAL_RATE_EMAIL": NO_LIMIT, "PEAL_RATE_SMS": NO_LIMIT,
}  # fmt: skip
EMAIL = EmailContent(
    subject="Book before May, {{ name | default: 'friend' }}",
    preheader="10% off",
    html="<style>p{color:#333}</style><p>Hi {{ name | default: 'there' }}, book your AC service in {{ city }}.</p>"
    '<p><a href="{{ link }}">Book now</a></p>',
)
SMS = SmsContent(text="Hi {{ name | default: 'there' }}, book your AC service in {{ city }}: {{ link }}")


def campaign() -> CampaignRecord:
    now, content = datetime.now(UTC), Content(email=EMAIL, sms=SMS)
    steps = [StepRecord(channel=channel, account="default", content=content) for channel in ("email", "sms")]
    return CampaignRecord(
        campaign_id="bench", brand="default", name="Bench", status=CampaignStatus.ACTIVE, epoch=1, steps=steps,
        body=Body(text="Hi", link="https://example.com/book"), created_at=now, updated_at=now,
    )  # fmt: skip


async def write_messages(settings: Settings, channel: str, count: int) -> None:
    """As the router would have just written them."""
    partitions, now = load_topics().partitions, datetime.now(UTC)
    written: dict[int, list[Record]] = {p: [] for p in range(partitions)}
    for number in range(count):
        recipient = f"default/c-{number}"
        place = written[partition_of(recipient, partitions)]
        message = SendMessage(
            send_id=f"bench/{1 if channel == 'email' else 2}/c-{number}", campaign_id="bench", recipient=recipient,
            step=1 if channel == "email" else 2, ord=number, attempt=1, epoch=1, channel=channel,
            address=f"c-{number}@example.com" if channel == "email" else f"+9198{number:08d}",
            data={"name": f"Asha {number}", "city": "Pune"}, reserved_micros=10**6, request_offset=len(place),
            expires_at=now + timedelta(days=1), routed_at=now + timedelta(minutes=5),
        )  # fmt: skip
        place.append((recipient.encode(), encode_json(message), []))
    async with make_producer(settings) as producer:
        await asyncio.gather(*(send_batches(producer, send_topic(channel), p, r) for p, r in written.items()))


async def events_so_far(consumer: Any) -> int:
    return sum((await consumer.end_offsets(consumer.assignment())).values())


async def measure(
    settings: Settings, channel: str, count: int, folder: Path, environment: dict[str, str]
) -> dict[str, Any]:
    await write_messages(settings, channel, count)
    async with make_consumer(settings, DELIVERY_EVENTS, auto_offset_reset="latest") as consumer:
        before = await events_so_far(consumer)
        with process("services.senders", "--channel", channel, log=folder / "sender.log", **environment) as sender:
            watched, seen, deadline = psutil.Process(sender.pid), 0, time.monotonic() + PATIENCE_S
            started, cpu, first = 0.0, 0.0, 0
            while seen < count:
                assert sender.poll() is None, (folder / "sender.log").read_text()[-2000:]
                assert time.monotonic() < deadline, f"{seen} of {count} after {PATIENCE_S} s"
                await asyncio.sleep(0.02)
                seen = await events_so_far(consumer) - before
                if seen and not started:
                    started, first, cpu = time.perf_counter(), seen, sum(watched.cpu_times()[:2])
            took = time.perf_counter() - started
            cpu = sum(watched.cpu_times()[:2]) - cpu
            memory = watched.memory_info().rss
    name, done = f"sender_{channel}", count - first
    return {
        f"{name}_messages_per_s": round(done / took),
        f"{name}_cpu_s_per_100k": round(cpu / done * 100_000, 2),
        f"{name}_rss_mb": round(memory / 1e6),
    }


async def measure_plain(settings: Settings, channel: str, count: int) -> dict[str, Any]:
    decode, done, started = msgspec.json.Decoder(SendMessage).decode, 0, time.perf_counter()
    async with (
        make_consumer(settings, send_topic(channel), auto_offset_reset="earliest") as consumer,
        make_producer(settings) as producer,
    ):
        while done < count:
            for tp, records in (await consumer.getmany(timeout_ms=100, max_records=2_000)).items():
                now, events = datetime.now(UTC), list[Record]()
                for record in records:
                    event = event_for(decode(record.value), "accepted", source="plain", occurred_at=now)
                    events.append((record.key, encode_json(event), []))
                await send_batches(producer, "engagements", tp.partition, events)
                done += len(records)
    return {"plain_messages_per_s": round(count / (time.perf_counter() - started))}


async def received(url: str) -> int:
    async with httpx.AsyncClient() as client:
        return int((await client.get(f"{url}/messages/count")).json()["count"])


async def run(folder: Path, emails: int, sms: int, latency_ms: int) -> dict[str, Any]:
    ports = free_ports()
    settings = Settings(kafka_bootstrap=f"127.0.0.1:{ports.kafka}", data_dir=folder)
    sandbox = f"http://127.0.0.1:{ports.sandbox}"
    environment = CREDENTIALS | {
        "PEAL_PORT_BASE": str(ports.console), "PEAL_DATA_DIR": str(folder), "PEAL_TWILIO_BASE_URL": sandbox,
        "PEAL_SENDGRID_BASE_URL": sandbox,
        "PEAL_SANDBOX_WORLD": json.dumps({"name": "bench", "latency_ms": latency_ms}),
    }  # fmt: skip
    arguments = ["--data-dir", str(folder / "kafka"), "--port", str(ports.kafka)]
    arguments += ["--controller-port", str(ports.kafka_controller)]
    with (
        process("deploy.local.kafka", *arguments, log=folder / "kafka.log"),
        process("services.sandbox", log=folder / "sandbox.log", **environment),
    ):
        await wait_for_kafka(settings)
        await apply_topics(settings)
        async with make_producer(settings) as producer:
            await producer.send_and_wait(CAMPAIGNS, campaign().write(), b"bench")
        figures: dict[str, Any] = {"latency_ms": latency_ms}
        for channel, count in (("email", emails), ("sms", sms)):
            if count:
                figures |= await measure(settings, channel, count, folder, environment)
        figures["given_back"] = emails + sms - await received(sandbox)
        assert figures["given_back"] >= 0, "the provider has more than were sent"
        figures |= await measure_plain(settings, "email" if emails else "sms", emails or sms)
    return figures


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.sender", description=__doc__)
    parser.add_argument("--emails", type=int, default=100_000)
    parser.add_argument("--sms", type=int, default=10_000)
    parser.add_argument("--latency-ms", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="peal-bench-") as folder:
        print(json.dumps(asyncio.run(run(Path(folder), options.emails, options.sms, options.latency_ms))))


if __name__ == "__main__":
    main()
