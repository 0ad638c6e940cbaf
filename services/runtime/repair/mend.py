"""Set right what `look` has found. Says what it does; each act may be repeated."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from contextlib import AsyncExitStack

from aiokafka import AIOKafkaProducer, OffsetAndMetadata, TopicPartition
from clickhouse_connect.driver.asyncclient import AsyncClient

from schemas import DEFAULT_ACCOUNT, Account
from schemas.topics import (
    ACCOUNTS,
    CAMPAIGNS,
    CONSENTS,
    DELIVERY_EVENTS,
    ENGAGEMENTS,
    PLANNER_GROUP,
    ROUTER_GROUP,
    SEND_REQUESTED,
    TRACKER_GROUP,
)
from services.domain.eligibility import SOURCES, CampaignRules, decode_campaign
from services.domain.marks import encode_mark
from services.domain.messages import encode_json
from services.domain.repair.places import Trouble
from services.domain.repair.queues import Limits, OpenSend, event_of, first_to_read, largest_group, plan
from services.runtime.clickhouse import make_clickhouse
from services.runtime.clock import boot_seconds, utc_now
from services.runtime.errors import RetryLaterError
from services.runtime.kafka import make_producer
from services.runtime.places import existing_topics, places_of
from services.runtime.providers import ProviderSettings
from services.runtime.registry import Registry
from services.runtime.repair import cluster
from services.runtime.repair.ledger import open_sends
from services.runtime.repair.look import Finding, account_of, is_send_topic
from services.runtime.repair.people import rebuild

PATIENCE_S = 45.0
UNKNOWN_GROUP_MOST = {"email": 1000}
"""Messages under one intent where the account's rate is not known here: what its provider takes in one call."""
OTHER_GROUP_MOST = 100
FOLDED = (CONSENTS, DELIVERY_EVENTS, ENGAGEMENTS)
"""What the router reads beside requests: where some of it was never read, the ledger knows it."""
Tell = Callable[[str], None]


class Repair:
    """`drained`: the senders had ended what they were doing when their places were lost, so nothing was under way."""

    def __init__(self, settings: ProviderSettings, *, drained: bool = False, tell: Tell = lambda _: None) -> None:
        self.settings, self.drained, self.tell = settings, drained, tell

    async def mend(self, findings: Sequence[Finding]) -> None:
        """Says what it does. Raises `RetryLaterError` where a service that must be down runs, or the reverse."""
        by_group: dict[str, list[Finding]] = defaultdict(list)
        for finding in findings:
            by_group[finding.place.group].append(finding)
        for group in by_group:
            await cluster.wait_until_empty(self.settings, group, PATIENCE_S)
        for group in (TRACKER_GROUP, PLANNER_GROUP):
            if own := by_group.pop(group, None):
                await self._to_the_start(group, own)
        if not by_group:
            return
        await self._until_told()
        async with AsyncExitStack() as stack:
            client = await make_clickhouse(self.settings, 10)
            stack.push_async_callback(client.close)
            producer = await stack.enter_async_context(make_producer(self.settings))
            router = by_group.pop(ROUTER_GROUP, [])
            for group, own in by_group.items():
                await cluster.wait_until_empty(self.settings, group, PATIENCE_S)
                await self._mend_queue(client, producer, group, own)
            if router:
                await cluster.wait_until_empty(self.settings, ROUTER_GROUP, PATIENCE_S)
                await self._mend_people(client, producer, router)
                await self._to_the_start(ROUTER_GROUP, [f for f in router if f.trouble is not Trouble.EMPTY_STATE])

    async def _to_the_start(self, group: str, findings: Sequence[Finding]) -> None:
        starts = {
            TopicPartition(f.place.topic, f.place.partition): OffsetAndMetadata(f.place.low, "") for f in findings
        }
        if starts:
            await cluster.commit(self.settings, group, starts)
        for finding in findings:
            self.tell(f"group {group} goes on at the start of {finding.place.name}, offset {finding.place.low}")

    async def _until_told(self) -> None:
        """Until the ledger knows all that was said. Raises `RetryLaterError` where the tracker does not come so far."""
        deadline = boot_seconds() + PATIENCE_S
        topics = [*FOLDED, *filter(is_send_topic, await existing_topics(self.settings))]
        ends = {(p.topic, p.partition): p.high for p in await places_of(self.settings, TRACKER_GROUP, topics)}
        self.tell("waits until the tracker has read all there is")
        while True:
            places = await places_of(self.settings, TRACKER_GROUP, topics)
            behind = [p.name for p in places if max(p.committed, 0) < ends[p.topic, p.partition]]
            if not behind:
                return
            if boot_seconds() > deadline:
                raise RetryLaterError(
                    f"the tracker has yet to read {len(behind)} partitions, such as {behind[0]}, so the ledger does "
                    "not know all: start it, wait until its lag is 0, then run `peal repair` again"
                )
            await asyncio.sleep(0.3)

    async def _mend_queue(
        self, client: AsyncClient, producer: AIOKafkaProducer, group: str, findings: Sequence[Finding]
    ) -> None:
        channel, account = account_of(findings[0].place.topic)
        waiting = await open_sends(client, channel, account)
        most = 0 if self.drained else await self._group_most(channel, account)
        requests = {p.partition: p for p in await places_of(self.settings, ROUTER_GROUP, [SEND_REQUESTED])}
        commits = {}
        for place, trouble in findings:
            own, tp = waiting.get(place.partition, []), TopicPartition(place.topic, place.partition)
            held = await cluster.held_messages(self.settings, tp, first_to_read(place, trouble, own))
            asked = requests[place.partition]
            made = plan(place, trouble, own, held, Limits(most, max(asked.committed, 0), asked.high))
            await self._say(producer, place.partition, "recalled", made.returned)
            await self._say(producer, place.partition, "uncertain", made.doubted)
            commits[tp] = OffsetAndMetadata(made.start, encode_mark(made.mark))
            doubted = len(made.doubted) + max(0, made.mark.through - made.start + 1)
            self.tell(
                f"group {group} goes on at offset {made.start} of {place.name}; of what was queued there, "
                f"{len(made.returned)} are routed anew, and up to {doubted} are uncertain"
            )
        await cluster.commit(self.settings, group, commits)

    @staticmethod
    async def _say(producer: AIOKafkaProducer, partition: int, status: str, sends: Iterable[OpenSend]) -> None:
        now = utc_now()
        events = [(send.recipient.encode(), encode_json(event_of(send, status, now))) for send in sends]
        await cluster.write(producer, DELIVERY_EVENTS, partition, events)

    async def _group_most(self, channel: str, account: str) -> int:
        if account == DEFAULT_ACCOUNT and f"rate_{channel}" in self.settings.model_fields_set:
            return largest_group(getattr(self.settings, f"rate_{channel}"))
        async with AsyncExitStack() as stack:
            accounts = Registry(self.settings, ACCOUNTS, Account.read)
            stack.push_async_callback(accounts.stop)
            await accounts.start()
        if known := accounts.items.get(account):
            return largest_group(known.rate_per_s)
        return UNKNOWN_GROUP_MOST.get(channel, OTHER_GROUP_MOST)

    async def _mend_people(self, client: AsyncClient, producer: AIOKafkaProducer, findings: Sequence[Finding]) -> None:
        """Where the changelog is empty, or the router missed what the ledger knows."""
        anew: dict[int, set[str]] = defaultdict(set)
        for place, trouble in findings:
            if trouble is Trouble.EMPTY_STATE or (trouble is Trouble.OUTRUN and place.topic in FOLDED):
                anew[place.partition] |= set()
            elif trouble is Trouble.BEYOND and place.topic in SOURCES:
                anew[place.partition].add(place.topic)
        campaigns: Registry[CampaignRules] = Registry(self.settings, CAMPAIGNS, decode_campaign)
        await campaigns.start()
        await campaigns.stop()
        for partition, topics in sorted(anew.items()):
            count = await rebuild(self.settings, client, producer, partition, campaigns.items, topics)
            self.tell(
                f"the router's partition {partition} knows {count} people again, from the ledger and the consents"
            )
