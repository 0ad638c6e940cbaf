"""The campaigns of one command partition, as the topics hold them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog
from aiokafka import TopicPartition
from pydantic import ValidationError

from schemas import CampaignRecord, CampaignStatus, StepProgress
from schemas.topics import CAMPAIGN_PROGRESS, CAMPAIGNS
from services.runtime.kafka import make_consumer
from services.runtime.settings import Settings

log = structlog.get_logger("planner")


class PartitionState:
    """Campaigns and how far their steps have come."""

    def __init__(self) -> None:
        self.campaigns: dict[str, CampaignRecord] = {}
        self.progress: dict[str, dict[int, StepProgress]] = {}

    def put(self, record: CampaignRecord) -> None:
        self.campaigns[record.campaign_id] = record

    def put_progress(self, step: StepProgress) -> None:
        self.progress.setdefault(step.campaign_id, {})[step.step] = step

    def running(self) -> list[CampaignRecord]:
        return [record for record in self.campaigns.values() if record.status is CampaignStatus.ACTIVE]


async def load_state(settings: Settings, partition: int) -> PartitionState:
    """Read both topics to where they end now. To be called after the journal is open: nothing is in flight then."""
    state = PartitionState()
    consumer = make_consumer(settings, auto_offset_reset="earliest")
    await consumer.start()
    try:
        decoders: dict[str, Callable[[bytes], None]] = {
            CAMPAIGNS: lambda value: state.put(CampaignRecord.read(value)),
            CAMPAIGN_PROGRESS: lambda value: state.put_progress(StepProgress.read(value)),
        }
        tps = [TopicPartition(topic, partition) for topic in decoders]
        consumer.assign(tps)
        ends = await consumer.end_offsets(tps)
        while any([await consumer.position(tp) < end for tp, end in ends.items()]):
            for tp, records in (await consumer.getmany(timeout_ms=100)).items():
                for record in records:
                    if record.value is None:
                        continue
                    try:
                        decoders[tp.topic](record.value)
                    except ValidationError as error:
                        log.error("unreadable record", topic=tp.topic, key=record.key, error=str(error))
            await asyncio.sleep(0)
        return state
    finally:
        await consumer.stop()
