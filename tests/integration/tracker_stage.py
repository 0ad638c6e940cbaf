"""Kafka and ClickHouse of one's own, trackers that can be killed, and what upstream and providers would send."""

from __future__ import annotations

import asyncio
import base64
import json
import subprocess
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import aiohttp
import psutil
from aiokafka import TopicPartition
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from service_process import ServiceProcess
from twilio.request_validator import RequestValidator
from waiting import until
from yarl import URL

from deploy.local.free_ports import free_ports
from schemas import Body, CampaignRecord, CampaignStatus, Content, FrozenAudience, StepRecord
from schemas.audience import AudienceFilter
from schemas.topics import CAMPAIGNS, DELIVERY_EVENTS, TRACKER_GROUP
from services.domain.messages import DeliveryEvent, encode_json, event_id
from services.runtime.clickhouse import make_clickhouse
from services.runtime.kafka import make_admin, make_consumer, make_producer
from services.runtime.ports import Ports
from services.runtime.settings import Settings
from services.runtime.topics import apply_topics

NOW = datetime.now(UTC).replace(microsecond=0)
TOKEN, SID, LINK_SECRET = "auth-token", "AC" + "0" * 32, "link-secret"
KEY = ec.generate_private_key(ec.SECP256R1())
PUBLIC_KEY = base64.b64encode(KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
PHONE = "+919812345678"


@dataclass(frozen=True)
class Stage:
    ports: Ports
    folder: Path
    kafka_bootstrap: str
    clickhouse_url: str

    @property
    def settings(self) -> Settings:
        return Settings(kafka_bootstrap=self.kafka_bootstrap, clickhouse_url=self.clickhouse_url)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.ports.webhooks}"

    def tracker(self, instance: int = 0, **environment: str) -> ServiceProcess:
        fixed = {
            "PEAL_PORT_BASE": str(self.ports.console), "PEAL_INSTANCE": str(instance), "PEAL_LOG_FORMAT": "console",
            "PEAL_KAFKA_BOOTSTRAP": self.kafka_bootstrap, "PEAL_CLICKHOUSE_URL": self.clickhouse_url,
            "PEAL_TWILIO_ACCOUNT_SID": SID, "PEAL_TWILIO_AUTH_TOKEN": TOKEN, "PEAL_LINK_SECRET": LINK_SECRET,
            "PEAL_TWILIO_FROM": "+15005550006", "PEAL_SENDGRID_WEBHOOK_PUBLIC_KEY": PUBLIC_KEY,
            "PEAL_PUBLIC_URL": "https://peal.example.com", "PEAL_UNCERTAIN_INTERVAL_S": "0.3",
            "PEAL_UNCERTAIN_DEADLINE_S": "86400",  # events are of the moment at which the test run began
        }  # fmt: skip
        return ServiceProcess("tracker", fixed | environment, self.ports.metrics("tracker", instance), self.folder)

    def process_on(self, port: int) -> psutil.Process:
        """The process of this stage that listens on the port."""
        for found in psutil.net_connections("tcp"):
            if found.status == psutil.CONN_LISTEN and found.laddr.port == port and found.pid:
                return psutil.Process(found.pid)
        raise AssertionError(f"nothing listens on {port}")

    async def publish(
        self, topic: str, pairs: Iterable[tuple[str, bytes | None]], partition: int | None = None
    ) -> None:
        producer = make_producer(self.settings)
        await producer.start()
        try:
            acks = [await producer.send(topic, key=k.encode(), value=v, partition=partition) for k, v in pairs]
            await asyncio.gather(*acks)
        finally:
            await producer.stop()

    async def publish_events(self, events: Sequence[DeliveryEvent]) -> None:
        await self.publish(DELIVERY_EVENTS, [(event.recipient, encode_json(event)) for event in events])

    async def rows(self, query: str, **parameters: Any) -> list[tuple[Any, ...]]:
        client = await make_clickhouse(self.settings)
        try:
            return [tuple(row) for row in (await client.query(query, parameters)).result_rows]
        finally:
            await client.close()

    async def ends(self, *topics: str) -> dict[Any, int]:
        async with self._reader() as consumer:
            return dict(await consumer.end_offsets([TopicPartition(t, n) for t in topics for n in range(8)]))

    async def consumed(self, *topics: str) -> None:
        """Until the tracker has committed all that these topics hold now."""
        ends = await self.ends(*topics)
        admin = make_admin(self.settings)
        await admin.start()
        try:

            async def done() -> bool:
                known = await admin.list_consumer_group_offsets(TRACKER_GROUP)
                return all(tp in known and known[tp].offset >= end for tp, end in ends.items() if end)

            await until(done, f"the tracker has read {topics}")
        finally:
            await admin.close()

    async def values(self, topic: str, like: str = "") -> list[dict[str, Any]]:
        """All records of a topic as they are now, with their headers, whose value or key holds the text."""
        async with self._reader() as consumer:
            partitions = [TopicPartition(topic, n) for n in range(8)]
            consumer.assign(partitions)
            ends = await consumer.end_offsets(partitions)
            await consumer.seek_to_beginning()
            found = []
            while any([await consumer.position(tp) < end for tp, end in ends.items()]):
                for records in (await consumer.getmany(timeout_ms=200)).values():
                    found += records
        return [
            {"key": r.key, "value": r.value, "headers": dict(r.headers), "partition": r.partition,
             "json": _json(r.value)}
            for r in found
            if like.encode() in (r.value or b"") + (r.key or b"")
        ]  # fmt: skip

    @asynccontextmanager
    async def _reader(self) -> Any:
        consumer = make_consumer(self.settings, auto_offset_reset="earliest")
        await consumer.start()
        try:
            yield consumer
        finally:
            await consumer.stop()

    async def campaign(
        self,
        campaign_id: str,
        *,
        brand: str = "default",
        listed: str = "",
        status: CampaignStatus = CampaignStatus.ACTIVE,
        count: int = 1000,
        link: str | None = None,
    ) -> None:
        """Two steps: email, then SMS. `listed`: the snapshot of its own list of people."""
        steps = [StepRecord.model_validate({"channel": c, "account": "default", "content": Content()}) for c in
                 ("email", "sms")]  # fmt: skip
        record = CampaignRecord(
            campaign_id=campaign_id, brand=brand, name=f"The {campaign_id}", status=status, epoch=1, steps=steps,
            body=Body(text="Hi", link=link),
            filter=None if listed else AudienceFilter(), created_at=NOW, updated_at=datetime.now(UTC),
            audience=FrozenAudience(snapshot_id=listed or "s1", count=count),
        )  # fmt: skip
        await self.publish(CAMPAIGNS, [(campaign_id, record.write())])


def _json(value: bytes | None) -> Any:
    try:
        return json.loads(value or b"null")
    except ValueError:
        return None


@contextmanager
def own_stage(folder: Path) -> Iterator[Stage]:
    """Empty, and with all topics and offsets."""
    ports = free_ports()
    command = [sys.executable, "-m", "deploy.local.infrastructure", "--die-with-parent"]
    command += ["--data-dir", str(folder / "data"), "--port-base", str(ports.console)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            found = dict(line.strip().split("=", 1) for line in (process.stdout.readline() for _ in range(2)))
            stage = Stage(ports, folder, found["PEAL_KAFKA_BOOTSTRAP"], found["PEAL_CLICKHOUSE_URL"])
            asyncio.run(apply_topics(stage.settings))
            yield stage
        finally:
            process.terminate()
            process.wait(60)


def event(
    campaign: str, contact: int, status: str, *, step: int = 1, attempt: int = 1, after_s: float = 0,
    channel: str = "email", source: str = "sender", **fields: Any,
) -> DeliveryEvent:  # fmt: skip
    """The contact's number is its ordinal too."""
    send_id = f"{campaign}/{step}/c-{contact}"
    known: dict[str, Any] = {
        "event_id": event_id(send_id, attempt, status, source), "send_id": send_id, "campaign_id": campaign,
        "step": step, "recipient": f"default/c-{contact}", "ord": contact, "attempt": attempt, "channel": channel,
        "account": "default", "status": status, "occurred_at": NOW + timedelta(seconds=after_s), "source": source,
    }  # fmt: skip
    return DeliveryEvent(**(known | fields))


class Callbacks:
    """Posts as the providers do, signed with the SDK's own signer."""

    def __init__(self, stage: Stage, session: aiohttp.ClientSession) -> None:
        self.stage, self.session = stage, session
        self.answer = ""
        """What Twilio was answered the last time."""

    async def twilio(self, path: str, form: dict[str, str], *, sign: str | None = None, requote: bool = False) -> int:
        """`requote`: let the HTTP client write the query in its own way."""
        url = f"https://peal.example.com{path}"
        signature = RequestValidator(TOKEN).compute_signature(url, form) if sign is None else sign
        headers = {"X-Twilio-Signature": signature, "Content-Type": "application/x-www-form-urlencoded"}
        target = URL(self.stage.url + path, encoded=not requote)
        async with self.session.post(target, data=urlencode(form), headers=headers) as answer:
            self.answer = await answer.text()
            return answer.status

    async def sendgrid(self, events: object, *, altered: bytes = b"", signed: bool = True) -> int:
        body = json.dumps(events).encode()
        timestamp = str(round(datetime.now(UTC).timestamp()))
        signature = base64.b64encode(KEY.sign(timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))).decode()
        headers = {"X-Twilio-Email-Event-Webhook-Timestamp": timestamp}
        if signed:
            headers["X-Twilio-Email-Event-Webhook-Signature"] = signature
        url = f"{self.stage.url}/webhooks/sendgrid/events"
        async with self.session.post(url, data=body + altered, headers=headers) as answer:
            return answer.status


def status_path(campaign: str, contact: int, *, step: int = 2, attempt: int = 1) -> str:
    query = {"send": f"{campaign}/{step}/c-{contact}", "attempt": attempt, "ord": contact, "account": "default"}
    return "/webhooks/twilio/status?" + urlencode(query)


def status_form(word: str, code: str = "") -> dict[str, str]:
    form = {"MessageSid": "SM1", "MessageStatus": word, "AccountSid": SID, "To": PHONE, "From": "+15005550006"}
    return form | ({"ErrorCode": code} if code else {})


def inbound_form(text: str, sid: str = "SM9", sender: str = PHONE) -> dict[str, str]:
    return {"MessageSid": sid, "AccountSid": SID, "From": sender, "To": "+15005550006", "Body": text, "NumMedia": "0"}


def mail_event(campaign: str, contact: int, word: str, **fields: Any) -> dict[str, Any]:
    return {
        "event": word, "email": f"c-{contact}@example.com", "timestamp": round(datetime.now(UTC).timestamp()),
        "sg_message_id": "m.1", "sg_event_id": f"{campaign}-{contact}-{word}",
        "peal_send_id": f"{campaign}/1/c-{contact}",
        "peal_attempt": "1", "peal_ord": str(contact), "peal_account": "default",
    } | fields  # fmt: skip
