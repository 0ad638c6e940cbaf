"""What a command partition's planner writes: all of it in transactions that only the present owner can commit."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from aiokafka import AIOKafkaProducer, OffsetAndMetadata, TopicPartition

from schemas import CampaignRecord, CommandResult, StepProgress
from schemas.topics import CAMPAIGN_COMMANDS, CAMPAIGN_PROGRESS, CAMPAIGNS, COMMAND_RESULTS, PLANNER_GROUP
from services.planner.settings import PlannerSettings
from services.runtime.fail_points import fail_point
from services.runtime.kafka import Header, client_options


class Journal:
    """One transactional producer. A planner that was overtaken fails here, and nothing of its transaction is seen."""

    def __init__(self, settings: PlannerSettings, partition: int) -> None:
        self.settings, self.partition = settings, partition
        self._lock = asyncio.Lock()
        self._producer: AIOKafkaProducer | None = None

    async def open(self) -> None:
        """Fence whoever had this partition before, and end what that one had begun."""
        self._producer = AIOKafkaProducer(
            **client_options(self.settings),
            transactional_id=f"planner-{self.partition}",
            transaction_timeout_ms=self.settings.transaction_timeout_ms,
            acks="all",
        )
        await self._producer.start()

    async def close(self) -> None:
        async with self._lock:
            if self._producer:
                await self._producer.stop()

    async def write(
        self,
        *,
        campaigns: Sequence[CampaignRecord] = (),
        progress: Sequence[StepProgress] = (),
        results: Sequence[CommandResult] = (),
        others: Sequence[tuple[str, bytes | None, bytes | None, Sequence[Header]]] = (),
        next_offset: int | None = None,
    ) -> None:
        """All or nothing. `others`: (topic, key, value, headers) of commands that are set right or dead-lettered.

        Raises aiokafka's errors, ProducerFenced among them: then nothing is known to be written, and this
        membership is over.
        """
        producer = self._producer
        assert producer is not None, "open() comes first"
        async with self._lock, producer.transaction():
            records: list[tuple[str, bytes | None, bytes | None, int | None, Sequence[Header]]] = [
                *((CAMPAIGNS, c.campaign_id.encode(), c.write(), self.partition, ()) for c in campaigns),
                *(
                    (CAMPAIGN_PROGRESS, f"{p.campaign_id}/{p.step}".encode(), p.write(), self.partition, ())
                    for p in progress
                ),
                *((COMMAND_RESULTS, r.command_id.encode(), r.write(), None, ()) for r in results),
                *((topic, key, value, None, headers) for topic, key, value, headers in others),
            ]
            sends = [
                await producer.send(topic, value, key, partition, headers=list(headers))
                for topic, key, value, partition, headers in records
            ]
            await asyncio.gather(*sends)
            if results:
                fail_point("planner.command-decided")
            if next_offset is not None:
                offset = {TopicPartition(CAMPAIGN_COMMANDS, self.partition): OffsetAndMetadata(next_offset, "")}
                await producer.send_offsets_to_transaction(offset, PLANNER_GROUP)
