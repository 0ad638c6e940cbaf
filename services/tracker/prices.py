"""Fetches what ended messages have cost, for the accounts that ask for it, behind everything else.

A thousand messages a second end faster than they can be fetched one by one: what finds no room in the queue keeps its
cost by the rate card, and is counted. So does what waits while the process ends. Nothing else hangs on it.
"""

from __future__ import annotations

import asyncio
from typing import Final

import structlog
from aiokafka.errors import KafkaError

from schemas import Account
from services.domain.messages import DeliveryEvent
from services.runtime import metrics
from services.runtime.endings import raise_if_cancelled
from services.tracker.core.prices import ENDED, price_event, price_micros
from services.tracker.publish import Publisher
from services.tracker.settings import TrackerSettings
from services.tracker.twilio_api import AskError, TwilioApi

log = structlog.get_logger("prices")
PROVIDER: Final = "twilio"


class PriceDesk:
    def __init__(self, settings: TrackerSettings, api: TwilioApi, publisher: Publisher) -> None:
        self.settings, self.api, self.publisher = settings, api, publisher
        self._ready: asyncio.Queue[tuple[DeliveryEvent, int]] = asyncio.Queue()
        self._pending = 0
        """Waiting for their time, in the queue, or being fetched."""

    def want(self, event: DeliveryEvent, word: str) -> None:
        """`word`: the provider's own of how the message ended."""
        account = self.api.accounts.account(event.channel, event.account)
        if word not in ENDED or account is None or not account.fetch_prices or account.provider != PROVIDER:
            return
        if self._pending >= self.settings.price_queue:
            metrics.prices_fetched.labels(account.account_id, "dropped").inc()
            return
        self._pending += 1
        self._later(event, 0)

    async def run(self) -> None:
        """Until cancelled."""
        async with asyncio.TaskGroup() as workers:
            for _ in range(self.settings.price_concurrency):
                workers.create_task(self._work())

    def _later(self, event: DeliveryEvent, tries: int) -> None:
        seconds = self.settings.price_after_s[tries]
        asyncio.get_running_loop().call_later(seconds, self._ready.put_nowait, (event, tries))

    async def _work(self) -> None:
        while True:
            event, tries = await self._ready.get()
            metrics.prices_waiting.set(self._pending)
            account = self.api.accounts.account(event.channel, event.account)
            result = await self._fetch(event, account) if account else "dropped"
            last = tries + 1 >= len(self.settings.price_after_s)
            if result in ("unsettled", "error") and not last:
                self._later(event, tries + 1)
                continue
            self._pending -= 1
            metrics.prices_fetched.labels(event.account, result).inc()

    async def _fetch(self, event: DeliveryEvent, account: Account) -> str:
        """`found`, `unsettled` (no price yet), `currency` (another than the account's) or `error`."""
        try:
            price, unit = await self.api.price(account, event.provider_message_id)
            if price is None:
                return "unsettled"
            currency = account.rate_card.currency
            micros = price_micros(price, unit, currency)
            if micros is None:
                log.warning("a price that cannot be counted", price=price, unit=unit, currency=currency)
                return "currency"
            await self.publisher.events([price_event(event, micros, currency)])
        except (AskError, KafkaError) as error:
            raise_if_cancelled()
            log.warning("a price cannot be fetched now", account=account.account_id, error=str(error)[:300])
            return "error"
        return "found"
