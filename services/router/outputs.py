"""What a round writes: the people's new state, and what is said about them."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, Final

from aiokafka import AIOKafkaProducer

from schemas.status import Status
from schemas.topics import DELIVERY_EVENTS, SEND_RECALLS, dead_letter_topic
from services.domain.eligibility import Recall, Send
from services.domain.messages import SendRecall, SendRequest, encode_json, event_for
from services.router.inputs import Bad, size_of
from services.runtime.dead_letters import dead_letter_headers
from services.runtime.kafka import Header, Record, send_batches

OWN: Final[Header] = ("ce_source", b"/peal/router")
"""On what the router itself adds to delivery-events: it is in the record already."""
LARGEST_RECORD: Final = 1_000_000
"""Bytes of a dead letter with its headers: a little below what a broker takes by default, 1,048,588."""


class Outputs:
    """Records by topic and partition. An output goes to the partition that its input came from."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self._now_json = encode_json(now)
        self._records: dict[tuple[str, int], list[Record]] = defaultdict(list)

    def add(self, topic: str, partition: int, key: bytes, value: bytes | None, headers: Iterable[Header] = ()) -> None:
        self._records[topic, partition].append((key, value, list(headers)))

    def route(self, topic: str, source: Any, detail: str) -> None:
        """The request as it came, plus where it stood and when it was routed: spliced, not encoded anew."""
        said = b"" if not detail else b',"detail":' + encode_json(detail)
        value = b'%s,"request_offset":%d,"routed_at":%s%s}' % (
            source.value.rstrip()[:-1], source.offset, self._now_json, said
        )  # fmt: skip
        self.add(topic, source.partition, source.key, value, source.headers)

    def settle(self, source: Any, request: SendRequest, send: Send, status: Status) -> None:
        """The event that this request's send ended here. A replay says it again in the same bytes."""
        event = event_for(
            request, status, source="router", reason=send.reason, detail=send.detail,
            occurred_at=datetime.fromtimestamp(send.at / 1000, UTC),
        )  # fmt: skip
        self.add(DELIVERY_EVENTS, source.partition, source.key, encode_json(event), (*source.headers, OWN))

    def fail_oversized(self, source: Any, request: SendRequest, bad: Bad) -> None:
        """Read by the router as well, so that a replay is the next attempt."""
        event = event_for(
            request, Status.FAILED, source="router", reason="dead_letter", detail=bad.detail, occurred_at=self.now
        )
        self.add(DELIVERY_EVENTS, source.partition, source.key, encode_json(event))

    def recall(self, source: Any, recipient: str, recall: Recall) -> None:
        value = SendRecall(send_id=recall.send_id, attempt=recall.attempt, recipient=recipient, at=self.now)
        self.add(SEND_RECALLS, source.partition, source.key, encode_json(value))

    def dead_letter(self, source: Any, bad: Bad) -> None:
        """The record as it came, save what no broker would take, with where it came from and what is wrong."""
        key, value, own = source.key or b"", source.value or b"", tuple(source.headers)
        if size_of(own) + len(key) > LARGEST_RECORD // 2:
            key, own = key[:1000], ()
        room = LARGEST_RECORD - size_of(own) - len(key)
        cut = len(value) > room
        detail = f"{bad.detail}; cut after {room} bytes" if cut else bad.detail
        headers = dead_letter_headers(
            source.topic, source.partition, source.offset, bad.reason, detail, own, len(value) if cut else 0
        )
        self.add(dead_letter_topic(source.topic), source.partition, key, value[:room], headers)

    async def send(self, producer: AIOKafkaProducer) -> None:
        """Returns when all are acked."""
        await asyncio.gather(
            *(send_batches(producer, topic, p, records) for (topic, p), records in self._records.items())
        )
