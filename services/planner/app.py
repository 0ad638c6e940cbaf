"""The planner process: membership in the group of campaign-commands, one owner a partition, expander and sweeper."""

from __future__ import annotations

import asyncio

import structlog
from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.errors import KafkaError

from schemas import Account, Brand, CampaignStatus, CommandResult, Template
from schemas.topics import (
    ACCOUNTS,
    AUDIT_LOG,
    BRANDS,
    CAMPAIGN_COMMANDS,
    CAMPAIGN_PROGRESS,
    CAMPAIGNS,
    COMMAND_RESULTS,
    PLANNER_GROUP,
    SEND_REQUESTED,
    TEMPLATES,
)
from services.planner.accounts import AccountDirectory
from services.planner.audience import AudienceStore
from services.planner.expander import Expander
from services.planner.foresight import Foresight
from services.planner.hours import HoursBook
from services.planner.offsets import OffsetReader
from services.planner.owner import PartitionOwner
from services.planner.settings import PlannerSettings
from services.planner.shared import Shared
from services.planner.sweeper import Sweeper
from services.planner.tracing import CampaignTracer
from services.runtime import metrics
from services.runtime.clickhouse import make_clickhouse
from services.runtime.endings import raise_if_cancelled
from services.runtime.health import Health
from services.runtime.kafka import make_consumer, make_producer, require_partitions, wait_for_kafka
from services.runtime.lease import Lease
from services.runtime.places import require_sound
from services.runtime.registry import Registry

log = structlog.get_logger("planner")
LAG_S = 2.0
SESSION_S = 10.0
LAST_WORDS = (
    "another planner may own these campaigns: what was being asked for is not told any more, and their present "
    "owner asks for it again"
)


class Planner(ConsumerRebalanceListener):  # type: ignore[misc]
    """Owners come and go with the assignment. An owner's failure ends the process: whoever comes next begins anew."""

    def __init__(self, settings: PlannerSettings) -> None:
        self.settings = settings
        self.owners: dict[int, tuple[PartitionOwner, asyncio.Task[None]]] = {}
        self.tasks: asyncio.TaskGroup

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        await self._close_owners()

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        for tp in assigned:
            owner = PartitionOwner(self.shared, self.consumer, tp.partition)
            self.owners[tp.partition] = owner, self.tasks.create_task(owner.run())

    async def _close_owners(self) -> None:
        owners, self.owners = self.owners, {}
        for owner, _ in owners.values():
            owner.stop()
        await asyncio.gather(*(task for _, task in owners.values()))
        await asyncio.gather(*(owner.journal.close() for owner, _ in owners.values()))

    def _current(self) -> list[PartitionOwner]:
        return [owner for owner, _ in self.owners.values()]

    async def run(self, health: Health, stop: asyncio.Event) -> None:
        settings = self.settings
        await wait_for_kafka(settings)
        self.shared = await make_shared(settings)
        await require_partitions(
            self.shared.producer, [CAMPAIGN_COMMANDS, CAMPAIGNS, CAMPAIGN_PROGRESS, SEND_REQUESTED, AUDIT_LOG]
        )
        await require_sound(settings, PLANNER_GROUP, [CAMPAIGN_COMMANDS])
        self.consumer = make_consumer(
            settings,
            group_id=PLANNER_GROUP,
            max_poll_interval_ms=24 * 3600_000,
            session_timeout_ms=int(SESSION_S * 1000),
            heartbeat_interval_ms=2_000,
            rebalance_timeout_ms=30_000,
        )
        expander = Expander(self.shared, self._current)
        sweeper = Sweeper(self.shared, self._current)
        async with asyncio.TaskGroup() as self.tasks:
            helpers = [
                self.tasks.create_task(self.shared.results.follow(2.0)),
                self.tasks.create_task(self.shared.accounts.registry.follow(3.0)),
                self.tasks.create_task(self._tell_lag()),
                self.tasks.create_task(expander.run(stop)),
                self.tasks.create_task(sweeper.run(stop)),
                self.tasks.create_task(Foresight(self.shared, self._current).run(stop)),
            ]
            self.consumer.subscribe([CAMPAIGN_COMMANDS], listener=self)
            await self.consumer.start()
            while not stop.is_set():
                self._report(health)
                await asyncio.sleep(0.1)
            await asyncio.gather(*helpers[3:])
            await self._close_owners()
            await self.consumer.stop()
            for helper in helpers[:3]:
                helper.cancel()
        await close_shared(self.shared)

    async def _tell_lag(self) -> None:
        """Commands that nobody has answered yet, in the partitions of this planner."""
        offsets = self.shared.offsets
        while True:
            try:
                committed, ends = await offsets.committed(PLANNER_GROUP), await offsets.ends([CAMPAIGN_COMMANDS])
                lags = [max(0, end - committed.get(tp, 0)) for tp, end in ends.items() if tp[1] in self.owners]
                metrics.consumer_lag.labels(CAMPAIGN_COMMANDS).set(sum(lags))
            except KafkaError:  # without an answer, what was told last stands
                raise_if_cancelled()
            await asyncio.sleep(LAG_S)

    def _report(self, health: Health) -> None:
        owners = self._current()
        if owners and all(owner.ready for owner in owners):
            health.set_ready()
        else:
            health.set_unready("waiting for an assignment" if not owners else "loading campaigns")
        counts = dict.fromkeys(CampaignStatus, 0)
        for owner in owners:
            for record in owner.state.campaigns.values():
                counts[record.status] += 1
        for status, count in counts.items():
            metrics.campaigns_by_status.labels(status.value).set(count)


async def make_shared(settings: PlannerSettings) -> Shared:
    clickhouse = await make_clickhouse(settings)
    results = Registry(settings, COMMAND_RESULTS, CommandResult.read)
    registry = Registry(settings, ACCOUNTS, Account.read)
    brands = Registry(settings, BRANDS, Brand.read)
    templates = Registry(settings, TEMPLATES, Template.read)
    offsets = OffsetReader(settings)
    producer = make_producer(settings)
    Lease(SESSION_S, LAST_WORDS).install(producer)  # an overtaken planner must ask for nothing: money is reserved anew
    for part in (offsets, producer, results, registry, brands, templates):
        await part.start()
    return Shared(
        settings,
        clickhouse,
        AudienceStore(clickhouse, settings.master_key.get_secret_value()),
        AccountDirectory(settings, registry),
        brands,
        templates,
        results,
        offsets,
        producer,
        CampaignTracer(clickhouse),
        HoursBook(clickhouse),
    )


async def close_shared(shared: Shared) -> None:
    await shared.tracer.drain()
    registries = (shared.results, shared.accounts.registry, shared.brands, shared.templates)
    for part in (shared.offsets, shared.producer, *registries):
        await part.stop()
    await shared.clickhouse.close()
