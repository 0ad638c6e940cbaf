"""Deliveries as they come, for the pages that are open; nothing is read while none is."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from schemas.topics import DELIVERY_EVENTS, load_topics
from services.domain.messages import DeliveryEvent
from services.runtime.endings import raise_if_cancelled
from services.runtime.kafka import make_consumer
from services.runtime.settings import Settings

log = structlog.get_logger("console")
KEPT = 30
"""Newest events of a campaign that a page gets at once."""
CAMPAIGNS = 200
LOOK_BACK = 200
"""Events of each partition that are read again when the first page opens."""


class News:
    """What one page has not been told yet."""

    def __init__(self) -> None:
        self.events: deque[dict[str, Any]] = deque(maxlen=KEPT)

    def take(self) -> tuple[dict[str, Any], ...]:
        """The newest last."""
        fresh = tuple(self.events)
        self.events.clear()
        return fresh


class ActivityFeed:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._pages: dict[str, list[News]] = {}
        self._recent: OrderedDict[str, deque[dict[str, Any]]] = OrderedDict()
        """The newest events of campaigns that something happened in lately, for the next page that opens."""
        self._wanted = asyncio.Event()
        self._decode = msgspec.json.Decoder(DeliveryEvent).decode

    @contextmanager
    def following(self, campaign_id: str) -> Iterator[News]:
        """A page's news, while it is open."""
        news = News()
        news.events.extend(self._recent.get(campaign_id, ()))
        self._pages.setdefault(campaign_id, []).append(news)
        self._wanted.set()
        try:
            yield news
        finally:
            self._pages[campaign_id].remove(news)
            if not self._pages[campaign_id]:
                del self._pages[campaign_id]
            if not self._pages:
                self._wanted.clear()

    async def run(self) -> None:
        """Read while any page is open, until cancelled. A broker that does not answer costs news and nothing else."""
        while True:
            await self._wanted.wait()
            try:
                await self._read()
            except KafkaError as error:
                raise_if_cancelled()
                log.warning("cannot read the activity", error=repr(error))
                await asyncio.sleep(1)

    async def _read(self) -> None:
        consumer = make_consumer(self.settings, auto_offset_reset="latest", fetch_max_wait_ms=200)
        await consumer.start()
        try:
            await self._seek_back(consumer)
            while self._wanted.is_set():
                for records in (await consumer.getmany(timeout_ms=500)).values():
                    for record in records:
                        self._tell(record.value or b"")
        finally:
            self._recent.clear()
            await consumer.stop()

    async def _seek_back(self, consumer: AIOKafkaConsumer) -> None:
        partitions = [TopicPartition(DELIVERY_EVENTS, number) for number in range(load_topics().partitions)]
        consumer.assign(partitions)
        begins, ends = await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)
        for partition in partitions:
            consumer.seek(partition, max(begins[partition], ends[partition] - LOOK_BACK))

    def _tell(self, value: bytes) -> None:
        try:
            event = self._decode(value)
        except msgspec.DecodeError:
            return  # the tracker dead-letters it
        if event.cost_basis == "price":
            return  # a correction of what was told before
        line = {
            "at": event.occurred_at.isoformat(), "recipient": event.recipient, "step": event.step,
            "channel": event.channel, "status": event.status, "reason": event.reason,
        }  # fmt: skip
        self._recent.setdefault(event.campaign_id, deque(maxlen=KEPT)).append(line)
        self._recent.move_to_end(event.campaign_id)
        if len(self._recent) > CAMPAIGNS:
            self._recent.popitem(last=False)
        for news in self._pages.get(event.campaign_id, ()):
            news.events.append(line)
