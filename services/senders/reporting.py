"""Events and dead letters, out and acked before anything is committed behind them; and the counts of both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from aiokafka import AIOKafkaProducer

from schemas import Account
from schemas.topics import DELIVERY_EVENTS, dead_letter_topic
from services.domain.messages import DeliveryEvent, SendMessage, encode_json
from services.runtime import metrics
from services.runtime.clock import utc_now
from services.runtime.dead_letters import dead_letter_headers
from services.runtime.kafka import Record, send_batches
from services.senders.core.doorstep import Do
from services.senders.core.outcomes import Outcome, event_of
from services.senders.core.poison import dead_letter_event
from services.senders.items import Item

POISON_REASON = "unreadable"


class Reporter:
    """Of one account's topic. Its partitions have the numbers of those of delivery-events: nothing is hashed."""

    def __init__(self, producer: AIOKafkaProducer, topic: str, account: Account) -> None:
        self.producer, self.topic, self.account = producer, topic, account
        self.free_failure = "failed" in account.rate_card.free_statuses

    async def report(self, partition: int, do: Do, work: Sequence[Item], outcomes: Sequence[Outcome]) -> None:
        """`outcomes` may be shorter than `work`: the rest has none. Raises `KafkaError`."""
        now, events, poisoned = utc_now(), list[tuple[DeliveryEvent, Item]](), list[Item]()
        for number, item in enumerate(work):
            if item.message is None:
                poisoned.append(item)
                if item.poison and (event := dead_letter_event(item.poison.value, item.poison.detail, now)):
                    events.append((event, item))
                continue
            outcome = outcomes[number] if number < len(outcomes) else None
            events.append((self._event(item, item.message, do, outcome, now), item))
        if poisoned:
            await self._dead_letter(partition, poisoned)
        if events:
            records: list[Record] = [(e.recipient.encode(), encode_json(e), list(item.trace)) for e, item in events]
            await send_batches(self.producer, DELIVERY_EVENTS, partition, records)
            self._count([event for event, _ in events])

    def _event(self, item: Item, message: SendMessage, do: Do, outcome: Outcome, now: datetime) -> DeliveryEvent:
        return event_of(
            message, do, outcome, reason=item.reason, cost_micros=item.cost_micros, free_failure=self.free_failure,
            provider=self.account.provider, now=now,
        )  # fmt: skip

    async def _dead_letter(self, partition: int, items: Sequence[Item]) -> None:
        for item in items:
            assert item.poison is not None
            headers = dead_letter_headers(
                self.topic, partition, item.offset, POISON_REASON, item.poison.detail, item.poison.headers
            )
            await self.producer.send_and_wait(
                dead_letter_topic(self.topic), item.poison.value, item.poison.key, partition, headers=headers
            )

    def _count(self, events: Sequence[DeliveryEvent]) -> None:
        counts = Counter((event.status, event.reason) for event in events)
        for (status, reason), count in counts.items():
            metrics.sends.labels(str(self.account.channel), self.account.account_id, status, reason).inc(count)
