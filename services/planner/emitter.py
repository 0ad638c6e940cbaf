"""Pages of requests on their way to send-requested."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime

from aiokafka import AIOKafkaProducer

from schemas import CampaignRecord, Suppression
from schemas.topics import DELIVERY_EVENTS, SEND_REQUESTED
from services.domain.campaigns import compile_step
from services.domain.content import SPECIAL_NAMES, Compiled
from services.domain.messages import SendRequest, encode_json, event_for
from services.planner.core.hours import zone_of_campaign
from services.planner.core.requests import Member, StepPlan
from services.runtime import metrics
from services.runtime.clock import utc_now
from services.runtime.kafka import Header, Record, send_batches
from services.runtime.telemetry import spans


class PlanCache:
    """What all requests of a step have in common, compiled once for an epoch."""

    def __init__(self) -> None:
        self._content: dict[tuple[str, int], tuple[int, Compiled]] = {}

    def content(self, record: CampaignRecord, number: int) -> Compiled:
        key = (record.campaign_id, number)
        cached = self._content.get(key)
        if cached is None or cached[0] != record.epoch:
            cached = (
                record.epoch,
                compile_step(record.steps[number - 1], record.body, record.name, record.tracking.links),
            )
            self._content[key] = cached
        return cached[1]

    def plan(self, record: CampaignRecord, number: int, expires_at: datetime) -> StepPlan:
        step, content = record.steps[number - 1], self.content(record, number)
        return StepPlan(
            campaign_id=record.campaign_id,
            step=number,
            epoch=record.epoch,
            channel=step.channel.value,
            account=step.account,
            placeholders=sorted(content.placeholders - SPECIAL_NAMES),
            required=sorted(content.required - SPECIAL_NAMES - set(record.send_without)),
            expires_at=expires_at,
            zone=zone_of_campaign(record),
        )


async def emit(producer: AIOKafkaProducer, requests: Iterable[tuple[Member, SendRequest]], kind: str) -> int:
    """Write the requests; returns how many, when all are acked. `kind`, for the metric: first | again."""
    by_partition: dict[int, list[Record]] = defaultdict(list)
    headers_of, count = request_headers(), 0
    for member, request in requests:
        by_partition[member.partition].append((member.recipient.encode(), encode_json(request), headers_of(member.ord)))
        metrics.requests_planned.labels(request.channel, request.account, kind).inc()
        count += 1
    await asyncio.gather(
        *(send_batches(producer, SEND_REQUESTED, partition, records) for partition, records in by_partition.items())
    )
    return count


async def suppress(
    producer: AIOKafkaProducer, requests: Iterable[tuple[Member, SendRequest]], reason: Suppression, detail: str
) -> None:
    """Say of these that they are not asked for, and why: the router learns it like everybody else."""
    now, headers_of = utc_now(), request_headers()
    by_partition: dict[int, list[Record]] = defaultdict(list)
    for member, request in requests:
        event = event_for(request, "suppressed", source="planner", occurred_at=now, reason=reason, detail=detail)
        by_partition[member.partition].append((member.recipient.encode(), encode_json(event), headers_of(member.ord)))
    await asyncio.gather(
        *(send_batches(producer, DELIVERY_EVENTS, partition, records) for partition, records in by_partition.items())
    )


def request_headers() -> Callable[[int], list[Header]]:
    """By ordinal: the trace context of the page that is being written; nothing where nobody traces."""
    tracing = spans()
    made = tracing.message_headers() if tracing else None
    return made or _no_headers


def _no_headers(_: int) -> list[Header]:
    return []
