"""A routed message as it was, read again from its place on the send topic: address, data, and so its text."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from typing import Final

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import NoOffsetForPartitionError, OffsetOutOfRangeError

from schemas import CampaignRecord
from services.domain.clicks import ClickLinks
from services.domain.content import Compiled, Links, Rendered, RenderProblem, TemplateProblem, compile_content, render
from services.domain.links import PREFERENCES, UNSUBSCRIBE, LinkTarget, make_token
from services.domain.messages import SendMessage
from services.runtime.kafka import make_consumer
from services.tracker.settings import TrackerSettings

READ_S: Final = 3.0
_KEPT: Final = 64
_decode = msgspec.json.Decoder(SendMessage).decode


class RoutedMessages:
    """To be used by one caller at a time, and closed."""

    def __init__(self, settings: TrackerSettings) -> None:
        self.settings = settings
        self._consumer: AIOKafkaConsumer | None = None

    async def read(self, topic: str, partition: int, offset: int) -> SendMessage | None:
        """None where the log does not hold it any more. Raises `KafkaError`."""
        if self._consumer is None:
            consumer = make_consumer(self.settings)
            await consumer.start()
            self._consumer = consumer
        place = TopicPartition(topic, partition)
        self._consumer.assign([place])
        self._consumer.seek(place, offset)
        try:
            async with asyncio.timeout(READ_S):
                record = await self._consumer.getone(place)
            return _decode(record.value) if record.offset == offset and record.value else None
        except (OffsetOutOfRangeError, NoOffsetForPartitionError, TimeoutError, msgspec.DecodeError):
            return None

    async def close(self) -> None:
        if self._consumer is not None:
            await self._consumer.stop()


class Wordings:
    """What messages read like, by the campaign as it is now. If it was edited since, it is another text: no find."""

    def __init__(self, settings: TrackerSettings) -> None:
        self.public_url, self.link_secret = settings.public_url.rstrip("/"), settings.link_secret.get_secret_value()
        self._compiled: OrderedDict[tuple[str, int, int], Compiled | None] = OrderedDict()

    def of(self, campaign: CampaignRecord, message: SendMessage) -> Rendered | None:
        """As the sender renders it; None where it cannot be rendered."""
        compiled = self._content(campaign, message.step)
        if compiled is None:
            return None
        target = LinkTarget(message.recipient, message.channel, message.send_id)
        try:
            links = Links(
                self._link(compiled, "u", UNSUBSCRIBE, target),
                self._link(compiled, "p", PREFERENCES, target),
                self._tracked(compiled, message),
            )
            return render(compiled, message.data, links)
        except (RenderProblem, ValueError):
            return None

    def _link(self, compiled: Compiled, path: str, purpose: str, target: LinkTarget) -> str:
        if not compiled.uses("unsubscribe_url" if purpose == UNSUBSCRIBE else "preferences_url"):
            return ""
        return f"{self.public_url}/{path}/{make_token(self.link_secret, purpose, target)}"

    def _tracked(self, compiled: Compiled, message: SendMessage) -> ClickLinks | None:
        if not compiled.tracks or not self.link_secret:
            return None
        return ClickLinks(
            self.public_url, self.link_secret, message.campaign_id, message.step, message.ord, message.attempt
        )

    def _content(self, campaign: CampaignRecord, step: int) -> Compiled | None:
        key = (campaign.campaign_id, campaign.epoch, step)
        if key not in self._compiled:
            record = campaign.steps[step - 1]
            try:
                self._compiled[key] = compile_content(
                    record.channel, record.content, campaign.body, name=campaign.name, tracked=campaign.tracking.links
                )
            except TemplateProblem:
                self._compiled[key] = None
            if len(self._compiled) > _KEPT:
                self._compiled.popitem(last=False)
        return self._compiled[key]
