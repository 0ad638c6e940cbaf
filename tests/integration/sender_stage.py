"""One account of its own, its topic, a campaign, the sandbox as its provider: a stage for the senders' tests."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
from aiokafka import AIOKafkaProducer
from cryptography.fernet import Fernet
from service_process import ServiceProcess
from ulid import ULID

from deploy.local.free_ports import free_ports
from schemas import Account, Body, CampaignRecord, CampaignStatus, Content, EmailContent, SmsContent, StepRecord
from schemas.topics import ACCOUNTS, CAMPAIGNS, DELIVERY_EVENTS, load_topics, send_topic, sender_group
from services.domain.messages import DeliveryEvent, SendMessage
from services.runtime.kafka import Header, make_consumer, make_producer, partition_of
from services.runtime.settings import Settings
from services.runtime.topics import apply_topics
from services.sandbox.app import running_sandbox
from services.sandbox.core.worlds import BENCH, World
from services.sandbox.sandbox import Sandbox
from services.sandbox.settings import ACCOUNT_SID, API_KEY, AUTH_TOKEN

PATIENCE_S = 120.0
MASTER_KEY = Fernet.generate_key()
FAST = BENCH
_event_decoder = msgspec.json.Decoder(DeliveryEvent)


@dataclass
class Stage:
    settings: Settings
    channel: str
    producer: AIOKafkaProducer
    sandbox: Sandbox
    sandbox_url: str
    folder: Path
    account: Account
    campaign: CampaignRecord
    events: list[DeliveryEvent] = field(default_factory=list)
    headers: dict[str, dict[str, bytes]] = field(default_factory=dict)
    """Of each event, by its id."""
    request_offsets: Counter[int] = field(default_factory=Counter)
    numbers: Any = field(default_factory=itertools.count)
    _arrivals: Counter[tuple[str, int]] = field(default_factory=Counter)

    @property
    def topic(self) -> str:
        return send_topic(self.channel, self.account.account_id)

    @property
    def group(self) -> str:
        return sender_group(self.channel, self.account.account_id)

    def sender(self, instance: int = 0, **environment: str) -> ServiceProcess:
        """A sender process, not started."""
        ports = free_ports()
        given = {
            "PEAL_KAFKA_BOOTSTRAP": self.settings.kafka_bootstrap, "PEAL_PORT_BASE": str(ports.console),
            "PEAL_MASTER_KEY": MASTER_KEY.decode(), "PEAL_LINK_SECRET": "secret-of-a-test",
            "PEAL_INSTANCE": str(instance),
            "PEAL_PUBLIC_URL": "https://peal.example", "PEAL_TWILIO_ACCOUNT_SID": "", "PEAL_SENDGRID_API_KEY": "",
        }  # fmt: skip
        return ServiceProcess(
            "senders", given | environment, ports.metrics(f"sender-{self.channel}", instance), self.folder,
            "--channel", self.channel,
        )  # fmt: skip

    async def put_account(self, **changes: Any) -> None:
        self.account = self.account.model_copy(update=changes)
        await self.producer.send_and_wait(ACCOUNTS, self.account.write(), self.account.account_id.encode())

    async def put_campaign(self, **changes: Any) -> None:
        self.campaign = self.campaign.model_copy(update=changes)
        await self.producer.send_and_wait(CAMPAIGNS, self.campaign.write(), self.campaign.campaign_id.encode())

    def message(self, contact: str = "", **changes: Any) -> SendMessage:
        """The next message to a new person, as the router would write it."""
        number = next(self.numbers)
        contact = contact or f"c-{number}"
        recipient = f"default/{contact}"
        partition = partition_of(recipient, load_topics().partitions)
        self.request_offsets[partition] += 1
        now = datetime.now(UTC)
        given: dict[str, Any] = {
            "send_id": f"{self.campaign.campaign_id}/1/{contact}", "campaign_id": self.campaign.campaign_id, "step": 1,
            "recipient": recipient, "ord": number, "attempt": 1, "epoch": self.campaign.epoch, "channel": self.channel,
            "account": self.account.account_id, "data": {"name": f"N{number}", "city": "Pune"},
            "address": f"{contact}@example.com" if self.channel == "email" else f"+9198{number:08d}",
            "reserved_micros": 1_000_000, "expires_at": now + timedelta(days=1), "routed_at": now,
            "request_offset": self.request_offsets[partition],
        }  # fmt: skip
        return SendMessage(**(given | changes))

    async def route(self, messages: list[SendMessage], headers: Sequence[Header] = ()) -> None:
        """Put them on the account's topic, in the partitions that the router would use."""
        acks = [
            await self.producer.send(
                self.topic, msgspec.json.encode(m), m.recipient.encode(), headers=list(headers) or None
            )
            for m in messages
        ]
        await asyncio.gather(*acks)

    async def until(self, condition: Callable[[], bool], what: str, patience_s: float = PATIENCE_S) -> None:
        try:
            async with asyncio.timeout(patience_s):
                while not condition():
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise AssertionError(f"did not happen in {patience_s} s: {what}; {self.statuses()}") from None

    async def settled(self, count: int, patience_s: float = PATIENCE_S) -> None:
        await self.until(lambda: len(self.fates()) >= count, f"{count} events of different sends", patience_s)

    def fates(self) -> dict[tuple[str, int], list[DeliveryEvent]]:
        """Events by send and attempt."""
        found: dict[tuple[str, int], list[DeliveryEvent]] = {}
        for event in self.events:
            found.setdefault((event.send_id, event.attempt), []).append(event)
        return found

    def statuses(self) -> Counter[str]:
        """How many sends have which set of different statuses."""
        return Counter("+".join(sorted({e.status for e in events})) for events in self.fates().values())

    def received(self) -> Counter[tuple[str, int]]:
        """How often the provider accepted each send and attempt: the truth about doubles."""
        for record in self.sandbox.store.records[self._arrivals.total() :]:
            identity = record.identity
            self._arrivals[(identity.send_id, identity.attempt)] += 1
        return self._arrivals

    @property
    def calls(self) -> int:
        """How many messages the provider has accepted so far."""
        return len(self.sandbox.store.records)

    async def _listen(self, consumer: Any) -> None:
        async for record in consumer:
            event = _event_decoder.decode(record.value)
            if event.account == self.account.account_id:
                self.events.append(event)
                self.headers[event.event_id] = dict(record.headers)


@asynccontextmanager
async def make_stage(
    settings: Settings, folder: Path, channel: str, world: World = FAST, rate_per_s: float = 1000.0
) -> AsyncIterator[Stage]:
    account_id, campaign_id = f"t-{str(ULID()).lower()}", f"camp-{ULID()}"
    topic, group = send_topic(channel, account_id), sender_group(channel, account_id)
    await apply_topics(settings, extra={topic: [group]})
    provider = "sendgrid" if channel == "email" else "twilio"
    secret = API_KEY if channel == "email" else AUTH_TOKEN
    now = datetime.now(UTC)
    async with AsyncExitStack() as stack:
        producer = await stack.enter_async_context(make_producer(settings))
        sandbox, url = await stack.enter_async_context(
            running_sandbox(folder, kafka_bootstrap=settings.kafka_bootstrap, sandbox_world=world.model_dump_json())
        )
        account = Account.model_validate(
            {"account_id": account_id, "channel": channel, "provider": provider, "base_url": url,
             "rate_per_s": rate_per_s,             "username": "" if channel == "email" else ACCOUNT_SID,
             "sender": "Peal <hello@peal.example>" if channel == "email" else "+15005550006",
             "secret": Fernet(MASTER_KEY).encrypt(secret.encode()).decode(), "rate_card": {"message_micros": 900}}
        )  # fmt: skip
        content = Content(
            email=EmailContent(subject="Hi {{ name }}", html="<p>Hi {{ name | default: 'you' }} in {{ city }}</p>"),
            sms=SmsContent(text="Hi {{ name }} in {{ city }}: {{ link }}"),
        )
        campaign = CampaignRecord(
            campaign_id=campaign_id, brand="default", name="Test", status=CampaignStatus.ACTIVE, epoch=1,
            body=Body(text="Hi {{ name }}", link="https://example.com/book"), created_at=now, updated_at=now,
            steps=[StepRecord(channel=channel, account=account_id, content=content)],
        )  # fmt: skip
        stage = Stage(settings, channel, producer, sandbox, url, folder, account, campaign)
        consumer = make_consumer(settings, DELIVERY_EVENTS, auto_offset_reset="latest")
        await stack.enter_async_context(consumer)
        await consumer.seek_to_end()
        for tp in consumer.assignment():
            await consumer.position(tp)
        listener = asyncio.create_task(stage._listen(consumer))
        stack.callback(listener.cancel)
        await stage.put_account()
        await stage.put_campaign()
        try:
            yield stage
        finally:
            await producer.send_and_wait(ACCOUNTS, None, account_id.encode())
