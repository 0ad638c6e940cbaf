"""Pages of requests on their way to send-requested."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime

from aiokafka import AIOKafkaProducer

from schemas import Account, CampaignRecord
from schemas.topics import SEND_REQUESTED
from services.domain.content import SPECIAL_NAMES, Compiled
from services.domain.messages import encode_json
from services.planner.core.money import reserve_micros
from services.planner.core.requests import Member, StepPlan, build_request
from services.planner.core.validation import compile_step
from services.runtime import metrics
from services.runtime.kafka import Record, send_batches


class PlanCache:
    """What all requests of a step have in common, compiled once for an epoch."""

    def __init__(self) -> None:
        self._content: dict[tuple[str, int], tuple[int, Compiled]] = {}

    def content(self, record: CampaignRecord, number: int) -> Compiled:
        key = (record.campaign_id, number)
        cached = self._content.get(key)
        if cached is None or cached[0] != record.epoch:
            cached = record.epoch, compile_step(record.steps[number - 1], record.body, record.name)
            self._content[key] = cached
        return cached[1]

    def plan(self, record: CampaignRecord, number: int, account: Account, expires_at: datetime) -> StepPlan:
        step, content = record.steps[number - 1], self.content(record, number)
        return StepPlan(
            campaign_id=record.campaign_id,
            step=number,
            epoch=record.epoch,
            channel=step.channel.value,
            account=step.account,
            placeholders=sorted(content.placeholders - SPECIAL_NAMES),
            required=sorted(content.required - SPECIAL_NAMES),
            reserve_micros=reserve_micros(account),
            expires_at=expires_at,
            zone=(record.schedule.zone if record.schedule else None) or "UTC",
        )


async def emit(producer: AIOKafkaProducer, plan: StepPlan, members: Iterable[tuple[Member, int]], kind: str) -> int:
    """Write a request for each (member, attempt); returns how many, when all are acked. `kind`: first | again."""
    by_partition: dict[int, list[Record]] = defaultdict(list)
    count = 0
    for member, attempt in members:
        value = encode_json(build_request(plan, member, attempt))
        by_partition[member.partition].append((member.recipient.encode(), value, []))
        count += 1
    await asyncio.gather(
        *(send_batches(producer, SEND_REQUESTED, partition, records) for partition, records in by_partition.items())
    )
    metrics.requests_planned.labels(plan.channel, plan.account, kind).inc(count)
    return count
