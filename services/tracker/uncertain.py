"""Watches the sends that stand at `uncertain`: has the provider asked, and ends the doubt after the deadline."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog
from aiokafka.errors import KafkaError
from clickhouse_connect.driver.exceptions import ClickHouseError

from schemas import Account
from services.runtime import metrics
from services.runtime.clock import utc_now
from services.runtime.endings import raise_if_cancelled
from services.tracker.asking import Asker
from services.tracker.core.uncertain import Policy, UncertainSend, settle
from services.tracker.publish import Publisher
from services.tracker.settings import TrackerSettings
from services.tracker.store import Store

log = structlog.get_logger("uncertain")
MOST: Final = 20_000
"""Sends settled in one go; the rest comes in the next."""

# Whose highest set is the one of `uncertain`, walked as in v_state; only where anybody ever was uncertain.
STANDING: Final = """
WITH sets AS (
    SELECT campaign_id, step, channel, status,
           (status >= 'delivered', if(status >= 'delivered', 0, attempt), status, reason != 'assumed', reason) AS sc,
           groupBitmapMergeState(bm) AS b
    FROM funnel_bits
    WHERE (campaign_id, step, channel) IN (
        SELECT campaign_id, step, channel FROM funnel_bits WHERE status = 'uncertain'
    )
    GROUP BY campaign_id, step, channel, status, sc
), only AS (
    SELECT campaign_id, step, channel, status,
           bitmapAndnot(b, groupBitmapOrState(b) OVER (
               PARTITION BY campaign_id, step, channel ORDER BY sc DESC ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
           )) AS b
    FROM sets
)
SELECT campaign_id, step, groupArray({most:UInt32})(ord)
FROM (SELECT campaign_id, step, arrayJoin(bitmapToArray(b)) AS ord FROM only WHERE status = 'uncertain')
GROUP BY campaign_id, step
"""
SENDS: Final = """
SELECT recipient_id, channel, ord, attempt, account, toUnixTimestamp64Milli(occurred_at) FROM v_sends
WHERE campaign_id = %(campaign)s AND step = %(step)s AND ord IN %(ords)s AND status = 'uncertain'
"""


class UncertainWatch:
    """Only the owner of the first partition of delivery-events acts. Should two do so at once, they say the same."""

    def __init__(
        self,
        settings: TrackerSettings,
        store: Store,
        publisher: Publisher,
        asker: Asker,
        accounts: Callable[[], dict[str, Account]],
        owner: Callable[[], bool],
    ) -> None:
        self.settings, self.store, self.publisher, self.asker = settings, store, publisher, asker
        self.accounts, self.owner = accounts, owner
        self.deadline = timedelta(seconds=settings.uncertain_deadline_s)
        self.found: set[tuple[str, int]] = set()
        """Sends whose find is told, and may not yet be in ClickHouse: no policy touches them any more."""

    async def run(self) -> None:
        while True:
            await asyncio.sleep(self.settings.uncertain_interval_s)
            if not self.owner():
                metrics.uncertain_now.clear()
                continue
            try:
                await self.look(utc_now())
            except (ClickHouseError, KafkaError, OSError) as error:
                raise_if_cancelled()
                log.warning("cannot look after uncertain sends now", error=repr(error))

    async def look(self, now: datetime) -> int:
        """One look. Returns how many were settled by policy.

        The provider is asked first, also at the deadline: a process that was started just before it has not asked yet.
        """
        waiting = await self.standing()
        self._tell(waiting)
        self.found &= {send.key for send in waiting}
        finds = await self.asker.ask([send for send in waiting if send.key not in self.found], now)
        await self.publisher.events(finds)
        self.found |= {(event.send_id, event.attempt) for event in finds}
        events = [
            event
            for send in waiting
            if send.key not in self.found
            and (event := settle(send, self.policy(send.account), now, self.deadline)) is not None
        ][:MOST]
        if events:
            await self.publisher.events(events)
            log.info("doubts ended by policy", count=len(events))
        return len(events)

    async def standing(self) -> list[UncertainSend]:
        """Every send whose fate nobody knows."""
        found = []
        for campaign_id, step, ords in await self.store.rows_once(STANDING, {"most": MOST}):
            wanted = {"campaign": campaign_id, "step": step, "ords": list(ords)}
            for recipient, channel, ordinal, attempt, account, at in await self.store.rows_once(SENDS, wanted):
                moment = datetime.fromtimestamp(at / 1000, UTC)
                found.append(UncertainSend(campaign_id, step, recipient, channel, ordinal, attempt, account, moment))
        return found

    def policy(self, account: str) -> Policy:
        known = self.accounts().get(account)
        return known.uncertain_policy if known else self.settings.uncertain_policy

    def _tell(self, waiting: list[UncertainSend]) -> None:
        metrics.uncertain_now.clear()
        for send in waiting:
            metrics.uncertain_now.labels(send.channel, send.account).inc()
