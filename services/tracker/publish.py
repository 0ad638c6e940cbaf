"""What the tracker puts on topics: events, consents, inbound messages, dead letters."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence

from aiokafka import AIOKafkaProducer

from schemas.topics import CONSENTS, DELIVERY_EVENTS, INBOUND_MESSAGES, dead_letter_topic
from services.domain.erasure import FORGOTTEN
from services.domain.messages import Consent, DeliveryEvent, encode_json
from services.runtime import metrics
from services.runtime.dead_letters import dead_letter_headers
from services.runtime.kafka import send_batches
from services.runtime.partitions import placed
from services.tracker.core.batch import LARGEST_RECORD, Misplaced, Refusal
from services.tracker.core.masking import Erased, masked_event
from services.tracker.core.rows import Inbound

_FEW = 16
"""Below this, records share batches with those of other callers: a batch of one's own waits for its turn."""


class Publisher:
    """Raises `KafkaError` where not everything was acked; all of it may then be published again."""

    def __init__(self, producer: AIOKafkaProducer, partitions: int, erased: Erased) -> None:
        self.producer, self.partitions, self.erased = producer, partitions, erased

    async def events(self, events: Iterable[DeliveryEvent]) -> None:
        """Those of people who have been erased, under their pseudonym."""
        masked = [masked_event(event, self.erased) for event in events]
        await self._send(DELIVERY_EVENTS, [(event.recipient, encode_json(event)) for event in masked])

    async def consents(self, consents: Sequence[Consent]) -> None:
        """Of people who have been erased, none but the word that it is done."""
        consents = [c for c in consents if c.reason == FORGOTTEN or not self.erased.name_of(c.recipient)]
        await self._send(CONSENTS, [(consent.recipient, encode_json(consent)) for consent in consents])
        for consent in consents:
            metrics.consents_published.labels(consent.channel, consent.state, consent.reason).inc()

    async def inbound(self, message: Inbound) -> None:
        await self._send(INBOUND_MESSAGES, [(message.recipient or message.from_address, encode_json(message))])

    async def refusals(self, refusals: Sequence[Refusal]) -> None:
        """Each to the dead-letter topic of its source, with reason, place and its own headers."""
        await asyncio.gather(*[self._bury(refusal) for refusal in refusals])

    async def set_right(self, misplaced: Sequence[Misplaced]) -> None:
        """Each to the partition that its key belongs to, as it came; what is about the erased, nowhere."""
        kept = [one for one in misplaced if not self.erased.name_of(one.record.key.decode())]
        acks = [
            await self.producer.send(
                one.record.topic, one.record.value, one.record.key, one.right, headers=list(one.record.headers)
            )
            for one in kept
        ]
        await asyncio.gather(*acks)
        for one in kept:
            metrics.misplaced.labels(one.record.topic).inc()

    async def _bury(self, refusal: Refusal) -> None:
        record = refusal.record
        size = len(record.value or b"")
        headers = dead_letter_headers(
            record.topic, record.partition, record.offset, refusal.reason, refusal.detail, tuple(record.headers),
            size if size > LARGEST_RECORD else 0,
        )  # fmt: skip
        await self.producer.send_and_wait(
            dead_letter_topic(record.topic),
            key=record.key,
            value=record.value[:LARGEST_RECORD] if record.value is not None else None,
            partition=record.partition,
            headers=headers,
        )

    async def _send(self, topic: str, pairs: Sequence[tuple[str, bytes]]) -> None:
        """By murmur2 of the key, in order within a partition; many at once in batches of their own."""
        if len(pairs) < _FEW:
            acks = [await self.producer.send(topic, key=key.encode(), value=value) for key, value in pairs]
            await asyncio.gather(*acks)
            return
        records = placed([(topic, key.encode(), value) for key, value in pairs], self.partitions)
        await asyncio.gather(*[send_batches(self.producer, *place, some) for place, some in records.items()])
