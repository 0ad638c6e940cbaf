"""The console as a process, with the real planner and tracker behind it, on ports of its own."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import httpx
from service_process import ServiceProcess
from ulid import ULID

from deploy.local.free_ports import free_ports
from schemas.topics import DELIVERY_EVENTS
from services.domain.messages import DeliveryEvent, encode_json, event_id
from services.runtime.kafka import make_producer
from services.runtime.ports import Ports
from services.runtime.settings import Settings
from services.runtime.topics import apply_topics

KEY, ADMIN_TOKEN = "peal_test_key", "only-once"
PATIENCE_S = 60.0
T = TypeVar("T")


def until(condition: Callable[[], T], what: str, seconds: float = PATIENCE_S) -> T:
    """Ask until it holds; its value."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.05)
    return value


@dataclass
class Stage:
    """`api` carries the key; `url` is the console's."""

    ports: Ports
    environment: dict[str, str]
    folder: Path
    services: dict[str, ServiceProcess]
    api: httpx.Client

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.ports.console}"

    def publish(self, topic: str, records: Iterable[tuple[str, bytes]]) -> None:
        asyncio.run(publish(self.environment["PEAL_KAFKA_BOOTSTRAP"], topic, records))

    def tell(self, *events: DeliveryEvent) -> None:
        """What routers, senders and providers would say."""
        self.publish(DELIVERY_EVENTS, [(event.recipient, encode_json(event)) for event in events])

    def launched(self, people: int, channels: tuple[str, ...] = ("email", "sms"), **changes: Any) -> str:
        """A campaign on its way to people `<id>-p0`...; its id."""
        campaign = listed(people, channels, **changes)
        answer = self.api.post("/campaigns", json=campaign, params={"launch": "true"})
        assert answer.status_code == 201, answer.text
        return str(answer.json()["campaign_id"])

    def stats(self, campaign_id: str) -> dict[str, Any]:
        return dict(self.api.get(f"/campaigns/{campaign_id}/stats").raise_for_status().json())


async def publish(bootstrap: str, topic: str, records: Iterable[tuple[str, bytes]]) -> None:
    producer = make_producer(Settings(kafka_bootstrap=bootstrap))
    await producer.start()
    try:
        await asyncio.gather(*[await producer.send(topic, value, key=key.encode()) for key, value in records])
    finally:
        await producer.stop()


def listed(people: int, channels: tuple[str, ...] = ("email", "sms"), **changes: Any) -> dict[str, Any]:
    """A campaign to people whom it lists itself."""
    campaign_id = str(ULID())
    recipients = [
        {"id": f"{campaign_id}-p{n}", "name": f"Person {n}", "email": f"{campaign_id}-{n}@example.com".lower()}
        for n in range(people)
    ]
    return {
        "id": campaign_id, "name": "Hello", "channels": list(channels), "body": {"text": "Hi {{ name }}"},
        "audience": {"recipients": recipients}, **changes,
    }  # fmt: skip


def event(
    campaign_id: str, step: int, ord_: int, channel: str, status: str, seconds: float = 0, **more: Any
) -> DeliveryEvent:
    """Of person `ord_` of a campaign that `listed` has made."""
    contact, attempt, source = f"{campaign_id}-p{ord_}", more.pop("attempt", 1), more.pop("source", "sender")
    send_id = f"{campaign_id}/{step}/{contact}"
    return DeliveryEvent(
        event_id=event_id(send_id, attempt, status, source),
        send_id=send_id,
        campaign_id=campaign_id,
        step=step,
        recipient=f"default/{contact}",
        ord=ord_,
        attempt=attempt,
        channel=channel,
        account="default",
        status=status,
        occurred_at=datetime.now(UTC) + timedelta(seconds=seconds),
        source=source,
        **more,
    )


@contextmanager
def open_stage(kafka_bootstrap: str, clickhouse_url: str, folder: Path) -> Iterator[Stage]:
    ports = free_ports()
    environment = {
        "PEAL_KAFKA_BOOTSTRAP": kafka_bootstrap, "PEAL_CLICKHOUSE_URL": clickhouse_url,
        "PEAL_PORT_BASE": str(ports.console), "PEAL_DATA_DIR": str(folder),
        "PEAL_API_KEY": KEY, "PEAL_ADMIN_TOKEN": ADMIN_TOKEN, "PEAL_LINK_SECRET": "link-secret",
        "PEAL_SENDGRID_API_KEY": "SG.test", "PEAL_TWILIO_ACCOUNT_SID": "ACtest", "PEAL_TWILIO_AUTH_TOKEN": "token",
        "PEAL_SENDGRID_BASE_URL": f"http://127.0.0.1:{ports.sandbox}",
        "PEAL_TWILIO_BASE_URL": f"http://127.0.0.1:{ports.sandbox}", "PEAL_PUBLIC_URL": "https://peal.example.com",
    }  # fmt: skip
    asyncio.run(apply_topics(Settings(kafka_bootstrap=kafka_bootstrap)))
    migrate = [sys.executable, "-m", "services.tracker.migrate"]
    subprocess.run(migrate, env={**os.environ, **environment}, check=True, capture_output=True)
    names = ("planner", "tracker", "console")
    services = {name: ServiceProcess(name, environment, ports.metrics(name), folder) for name in names}
    url = f"http://127.0.0.1:{ports.console}/api/v1"
    try:
        for process in services.values():
            asyncio.run(process.start())
        with httpx.Client(base_url=url, headers={"Authorization": f"Bearer {KEY}"}, timeout=60) as api:
            yield Stage(ports, environment, folder, services, api)
    finally:
        for process in reversed(services.values()):
            asyncio.run(process.stop())
