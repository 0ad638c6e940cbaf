"""What the doorstep knows: campaigns, recalls and brands, read to where their topics ended a moment ago."""

from __future__ import annotations

import asyncio
import contextlib
from contextlib import AsyncExitStack

import msgspec
import structlog
from aiokafka.errors import KafkaError

from schemas import Brand, CampaignRecord
from schemas.topics import BRANDS, CAMPAIGNS, SEND_RECALLS
from services.domain.messages import SendMessage, SendRecall
from services.domain.schedule import quiet_of
from services.runtime.clock import boot_seconds, utc_now
from services.runtime.registry import Registry
from services.senders.core.doorstep import CALL, Do, Knowledge, Standing, Verdict, verdict
from services.senders.core.recalls import KEEP, RecallBook
from services.senders.settings import SenderSettings

FOLLOW_S = 0.1
FRESH_ENOUGH = 0.7
"""Of the age at which knowledge is too old: what is left is for the way to the last look."""
FOLLOW_SLOWLY_S = 2.0
log = structlog.get_logger("knowledge")
_recall_decoder = msgspec.json.Decoder(SendRecall)


def _read_recall(value: bytes) -> SendRecall:
    try:
        return _recall_decoder.decode(value)
    except msgspec.MsgspecError as error:
        raise ValueError(str(error)) from None


class KnowledgeBase:
    """Shared by all accounts of a process."""

    def __init__(self, settings: SenderSettings) -> None:
        self.most_age = settings.sender_knowledge_s
        self.recalled = RecallBook()
        self._news = asyncio.Event()
        self.standings: dict[str, Standing] = {}
        self.campaigns = Registry(settings, CAMPAIGNS, CampaignRecord.read, self._on_campaign)
        self.recalls = Registry(settings, SEND_RECALLS, _read_recall, self._on_recall, recent_s=KEEP.total_seconds())
        self.brands = Registry(settings, BRANDS, Brand.read)

    async def start(self, stack: AsyncExitStack, tasks: asyncio.TaskGroup) -> list[asyncio.Task[None]]:
        """Read everything once, then keep up. Returns the tasks to cancel at the end."""
        for registry in (self.campaigns, self.recalls, self.brands):
            stack.push_async_callback(registry.stop)
            await registry.start()
        return [tasks.create_task(self._follow()), tasks.create_task(self.brands.follow(FOLLOW_SLOWLY_S))]

    async def _follow(self) -> None:
        """A broker that does not answer makes the knowledge older, and nothing else."""
        while True:
            try:
                await asyncio.gather(self.campaigns.catch_up(), self.recalls.catch_up())
                self._news.set()
                self._news = asyncio.Event()
            except KafkaError as error:
                log.warning("cannot read campaigns or recalls", error=repr(error))
            await asyncio.sleep(FOLLOW_S)

    @property
    def age(self) -> float:
        """Seconds since the ends were asked for to which both topics have been read."""
        return boot_seconds() - min(self.campaigns.fresh_at, self.recalls.fresh_at)

    async def freshen(self, patience_s: float) -> None:
        """Wait for news rather than begin a call that the last look would stop."""
        if self.age > self.most_age * FRESH_ENOUGH:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), patience_s)

    def _on_campaign(self, name: str, record: CampaignRecord | None) -> None:
        if record is None:
            self.standings.pop(name, None)
        else:
            self.standings[record.campaign_id] = Standing(
                record.epoch, record.status, quiet_of(record.kind, record.limits)
            )

    def _on_recall(self, _name: str, recall: SendRecall | None) -> None:
        if recall is not None:
            self.recalled.add(recall.send_id, recall.attempt, recall.at, utc_now())

    def record(self, message: SendMessage) -> CampaignRecord | None:
        return self.campaigns.items.get(message.campaign_id)

    def brand(self, campaign: CampaignRecord) -> Brand | None:
        return self.brands.items.get(campaign.brand)

    def door(self, stale_after: float) -> Door:
        """The doorstep as of now; make a new one for each group and each call."""
        return Door(self, Knowledge(utc_now(), self.age, self.most_age, stale_after))


class Door:
    def __init__(self, base: KnowledgeBase, known: Knowledge) -> None:
        self.base, self.known = base, known

    def __call__(self, message: SendMessage) -> Verdict:
        recalled = (message.send_id, message.attempt) in self.base.recalled
        return verdict(message, self.base.standings.get(message.campaign_id), recalled, self.known)

    def for_all(self, messages: list[SendMessage]) -> Verdict:
        """`CALL` if all may leave; else the verdict that keeps them here, one to return before one to wait."""
        found = CALL
        for message in messages:
            one = self(message)
            if one.do is Do.RETURN:
                return one
            if one.do is Do.WAIT:
                found = one
        return found
