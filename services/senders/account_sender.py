"""One account's topic: the memberships in its consumer group, one after the other, and the lanes of each."""

from __future__ import annotations

import asyncio
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition

from schemas import Account
from schemas.topics import load_topics, send_topic, sender_group
from services.domain.repair.queues import queue_trouble
from services.runtime import metrics
from services.runtime.dead_letters import PoisonWatch
from services.runtime.kafka import make_consumer
from services.runtime.places import require_sound
from services.senders.calls import Caller
from services.senders.committer import Committer
from services.senders.contents import ContentBook
from services.senders.core.doorstep import stale_after
from services.senders.core.groups import group_sizes
from services.senders.core.limiter import rate_of
from services.senders.departures import open_session
from services.senders.knowledge import KnowledgeBase
from services.senders.lane import Lane
from services.senders.pace import Pace
from services.senders.reporting import Reporter
from services.senders.settings import SenderSettings
from services.senders.transport import Transport
from services.senders.workplace import Workplace

REPORT_S = 1.0
DAY_MS = 24 * 3600 * 1000
log = structlog.get_logger("account")


class AccountSender(ConsumerRebalanceListener):  # type: ignore[misc]
    def __init__(
        self, settings: SenderSettings, account: Account, secret: str, transport: type[Transport],
        knowledge: KnowledgeBase, producer: AIOKafkaProducer,
    ) -> None:  # fmt: skip
        self.settings, self.account, self.producer = settings, account, producer
        self.topic = send_topic(account.channel, account.account_id)
        self.partitions = load_topics().partitions
        self.session = open_session(settings.sender_call_timeout_s)
        client = transport(account, secret, settings.public_url, self.session)
        pace, patience = Pace(rate_of(account.rate_per_s)), stale_after(account.rate_per_s, self.partitions)
        contents = ContentBook(
            settings.public_url, settings.link_secret.get_secret_value(), account, transport.per_call
        )
        caller = Caller(
            client, pace, knowledge, timeout_s=settings.sender_call_timeout_s,
            concurrency=settings.sender_concurrency, stale_after=patience,
        )  # fmt: skip
        self.place = Workplace(
            self.topic, settings.sender_lease_s, patience, knowledge, contents, pace, caller,
            Reporter(producer, self.topic, account), PoisonWatch(self.topic),
        )  # fmt: skip
        self.per_call = transport.per_call
        self.lanes: dict[Lane, asyncio.Task[None]] = {}
        self.stop, self.assigned = asyncio.Event(), asyncio.Event()
        self.consumer: Any = None

    async def run(self) -> None:
        """Until `stop` is set; then drains: what is on the wire ends, what is over is committed.

        Raises `StopProcessError` where the place in the topic is lost.
        """
        group = sender_group(self.account.channel, self.account.account_id)
        await require_sound(self.settings, group, [self.topic], queue_trouble)
        async with self.session, asyncio.TaskGroup() as self.tasks:
            helpers = [self.tasks.create_task(work) for work in (self.place.pace.watch(), self._report())]
            while not self.stop.is_set():
                await self._membership()
            for helper in helpers:
                helper.cancel()

    async def _membership(self) -> None:
        settings, place = self.settings, self.place
        place.broken.clear()
        self.consumer = make_consumer(
            settings,
            group_id=sender_group(self.account.channel, self.account.account_id),
            session_timeout_ms=settings.sender_session_ms,
            heartbeat_interval_ms=settings.heartbeat_ms,
            # The default is the session: too short to end what is on the wire.
            rebalance_timeout_ms=int((settings.sender_lease_s + settings.sender_call_timeout_s) * 1000) + 10_000,
            request_timeout_ms=40_000,  # longer than a rebalance
            max_poll_interval_ms=DAY_MS,  # waiting for the rate is not dying
        )
        self.consumer.subscribe([self.topic], listener=self)
        await self.consumer.start()
        ends = [asyncio.create_task(event.wait()) for event in (self.stop, place.broken)]
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for end in ends:
            end.cancel()
        place.broken.set()  # no new lanes from here
        self.assigned.clear()
        await self._close_lanes()
        await self.consumer.stop()  # leaves the group: a late commit is refused

    async def on_partitions_revoked(self, _revoked: set[TopicPartition]) -> None:
        """aiokafka goes on with heartbeats in here, until the rebalance timeout: time to end what is on the wire."""
        await self._close_lanes()

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        """No heartbeats in here, and an exception would only be logged: start tasks and go."""
        if self.stop.is_set() or self.place.broken.is_set():
            return
        own = sorted(tp.partition for tp in assigned)
        share = self.place.pace.assign(own, self.partitions)
        labels = self.place.caller.labels
        metrics.rate_limit.labels(*labels).set(share / self.place.pace.rate.window)
        log.info("assigned", topic=self.topic, partitions=own, per_window=share)
        if share:
            sizes = group_sizes(share, self.per_call, self.settings.sender_group_most)
            committer = Committer(self.consumer, self.topic)
            for partition in own:
                lane = Lane(self.place, self.consumer, committer, partition, sizes)
                self.lanes[lane] = self.tasks.create_task(lane.run())
        self.assigned.set()

    async def _close_lanes(self) -> None:
        for lane in self.lanes:
            lane.stopping = True
        await asyncio.gather(*self.lanes.values())
        self.lanes = {}

    async def _report(self) -> None:
        labels = self.place.caller.labels
        while True:
            waiting = sum(lane.waiting for lane in self.lanes)
            rate = self.place.pace.limiter.limit / self.place.pace.rate.window
            metrics.backlog_messages.labels(*labels).set(waiting)
            metrics.backlog_seconds.labels(*labels).set(waiting / rate if rate else 0)
            metrics.consumer_lag.labels(self.topic).set(waiting)
            await asyncio.sleep(REPORT_S)
