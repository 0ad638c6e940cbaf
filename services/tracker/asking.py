"""Asks the providers that can be asked what became of sends in doubt.

Twilio lists the messages of an address. SendGrid tells that only by its e-mail activity interface, which is sold apart:
it is not asked, and only its callbacks resolve a mail.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog

from schemas import Account, CampaignRecord
from schemas.topics import send_topic
from services.domain.content import message_cost
from services.domain.messages import DeliveryEvent
from services.runtime import metrics
from services.tracker.core.found import SKEW, Doubt, Key, Listed, conclude, events_of
from services.tracker.core.uncertain import UncertainSend, asks_due
from services.tracker.routed import RoutedMessages, Wordings
from services.tracker.settings import TrackerSettings
from services.tracker.store import Store
from services.tracker.twilio_api import AskError, TwilioApi

log = structlog.get_logger("uncertain")
CONCURRENCY: Final = 10
ASKED: Final = "twilio"
_PREFIX: Final = {"sms": "", "whatsapp": "whatsapp:"}
# Where each routed message lies on its send topic.
_PLACES: Final = """
SELECT campaign_id, step, recipient_id, attempt, kafka_partition, kafka_offset, toUnixTimestamp64Milli(occurred_at)
FROM delivery_events
WHERE (recipient_id, campaign_id, step, attempt) IN %(keys)s AND status = 'queued'
ORDER BY kafka_offset LIMIT 1 BY recipient_id, campaign_id, step, attempt
"""
# The month is in the ledger's partitions: old parts are not read.
_CLAIMED: Final = """
SELECT DISTINCT provider_message_id FROM delivery_events
WHERE occurred_at >= fromUnixTimestamp64Milli(%(since)s) AND provider_message_id IN %(sids)s
"""


class Asker:
    """Remembers, for as long as a send is in doubt, its text and how often the provider was asked for it."""

    def __init__(
        self,
        settings: TrackerSettings,
        store: Store,
        api: TwilioApi,
        campaigns: Callable[[], Mapping[str, CampaignRecord]],
    ) -> None:
        self.settings, self.store, self.api, self.campaigns = settings, store, api, campaigns
        self.after = tuple(timedelta(seconds=seconds) for seconds in settings.uncertain_ask_after_s)
        self.routed, self.wordings = RoutedMessages(settings), Wordings(settings)
        self._doubts: dict[Key, Doubt | None] = {}
        self._asked: dict[Key, int] = {}

    async def close(self) -> None:
        await self.routed.close()

    async def ask(self, waiting: Sequence[UncertainSend], now: datetime) -> list[DeliveryEvent]:
        """What was found of sends whose time to be asked for has come.

        Raises `KafkaError`, `ClickHouseError` or OSError; a provider that does not answer is asked again in the next
        look.
        """
        self._forget(waiting)
        askable = [send for send in waiting if self._account(send)]
        known = sorted(askable, key=lambda send: send.at)[: self.settings.uncertain_asks]
        due = [send for send in known if asks_due(send, now, self.after) > self._asked.get(send.key, 0)]
        if not due:
            return []
        await self._learn(known)
        wanted = {send.key for send in due}
        doubts = [doubt for send in known if (doubt := self._doubts.get(send.key)) is not None]
        answered, listed = await self._list([doubt for doubt in doubts if doubt.send.key in wanted])
        finds = conclude(doubts, answered, listed, await self._claimed(listed))
        for send in due:
            if send.key in answered or self._doubts.get(send.key) is None:
                self._asked[send.key] = asks_due(send, now, self.after)
                result = "found" if send.key in finds else "nothing"
                metrics.uncertain_asked.labels(send.channel, send.account, result).inc()
        if finds:
            log.info("found at the provider", count=len(finds))
        return [
            event
            for doubt, message in finds.values()
            if (account := self._account(doubt.send))
            for event in events_of(doubt, message, account.rate_card)
        ]

    def _account(self, send: UncertainSend) -> Account | None:
        """None: its provider cannot be asked."""
        account = self.api.accounts.account(send.channel, send.account) if send.channel in _PREFIX else None
        return account if account is not None and account.provider == ASKED else None

    def _forget(self, waiting: Iterable[UncertainSend]) -> None:
        keys = {send.key for send in waiting}
        self._doubts = {key: doubt for key, doubt in self._doubts.items() if key in keys}
        self._asked = {key: times for key, times in self._asked.items() if key in keys}

    async def _learn(self, known: Sequence[UncertainSend]) -> None:
        """What the messages of these sends look like."""
        new = {send.key: send for send in known if send.key not in self._doubts}
        if not new:
            return
        keys = [(send.recipient, send.campaign_id, send.step, send.attempt) for send in new.values()]
        places = await self.store.rows_once(_PLACES, {"keys": keys})
        self._doubts |= dict.fromkeys(new)
        for campaign_id, step, recipient, attempt, partition, offset, at in places:
            send = new[f"{campaign_id}/{step}/{recipient.partition('/')[2]}", attempt]
            topic = send_topic(send.channel, send.account)
            self._doubts[send.key] = await self._doubt(send, topic, partition, offset, at)

    async def _doubt(self, send: UncertainSend, topic: str, partition: int, offset: int, at_ms: int) -> Doubt | None:
        account, campaign = self._account(send), self.campaigns().get(send.campaign_id)
        message = await self.routed.read(topic, partition, offset)
        if account is None or campaign is None or message is None:
            return None
        rendered = self.wordings.of(campaign, message)
        if rendered is None or (message.send_id, message.attempt) != send.key:
            return None
        prefix = _PREFIX[send.channel]
        sender = account.sender if account.sender.startswith(("MG", prefix)) else prefix + account.sender
        return Doubt(
            send, prefix + message.address, sender, rendered, datetime.fromtimestamp(at_ms / 1000, UTC),
            message_cost(account.rate_card, send.channel, message.address, rendered),
        )  # fmt: skip

    async def _list(self, doubts: Sequence[Doubt]) -> tuple[set[Key], list[Listed]]:
        """Which of these were answered, and all that their addresses were sent."""
        slots, answered = asyncio.Semaphore(CONCURRENCY), set[Key]()
        found: dict[str, Listed] = {}
        by_address = defaultdict[tuple[str, str, str], list[Doubt]](list)
        for doubt in doubts:
            by_address[doubt.send.channel, doubt.send.account, doubt.address].append(doubt)

        async def one(same: Sequence[Doubt]) -> None:
            account = self._account(same[0].send)
            assert account is not None, "only such are in doubt here"
            async with slots:
                try:
                    messages = await self.api.listed(account, same[0].address, min(d.routed_at for d in same) - SKEW)
                except AskError as error:
                    log.warning("the provider cannot be asked now", account=account.account_id, error=str(error))
                    metrics.uncertain_asked.labels(same[0].send.channel, account.account_id, "error").inc()
                    return
            answered.update(doubt.send.key for doubt in same)
            found.update((message.sid, message) for message in messages)

        await asyncio.gather(*[one(same) for same in by_address.values()])
        return answered, list(found.values())

    async def _claimed(self, listed: Sequence[Listed]) -> set[str]:
        """Of these messages, those that the ledger knows."""
        if not listed:
            return set()
        since = min(message.created_at for message in listed) - SKEW
        wanted = {"since": round(since.timestamp() * 1000), "sids": [message.sid for message in listed]}
        return {str(row[0]) for row in await self.store.rows_once(_CLAIMED, wanted)}
