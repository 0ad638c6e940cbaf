"""Clicks on their way to the topic: whose they were is looked up behind the redirect's back."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

import msgspec
import structlog
from aiokafka.errors import KafkaError
from clickhouse_connect.driver.exceptions import ClickHouseError

from schemas import UNKNOWN_ORDINAL, CampaignRecord, Status
from services.domain.clicks import Click
from services.domain.messages import DeliveryEvent, SendAttempt, event_for
from services.runtime import metrics
from services.runtime.clock import utc_now
from services.tracker.core.machines import too_soon
from services.tracker.publish import Publisher
from services.tracker.store import Store

log = structlog.get_logger("webhooks")
SOURCE: Final = "link"
MOST_WAITING: Final = 50_000
MOST_AT_ONCE: Final = 1_000
PAUSE_S: Final = 1.0
PATIENCE: Final = timedelta(seconds=5)
"""How long the ledger may take to learn that the message has left; then it no longer matters how soon the click was."""
MOST_TOLD: Final = 100_000
_WHOSE = """
SELECT m.ord, m.recipient_id, s.accepted_at, s.delivered_at
FROM
(
    SELECT ord, recipient_id FROM audience_members
    WHERE campaign_id = %(campaign)s AND snapshot_id = %(snapshot)s AND ord IN %(ords)s LIMIT 1 BY ord
) AS m
LEFT JOIN
(
    SELECT recipient_id, min(accepted_at) AS accepted_at, min(delivered_at) AS delivered_at FROM standings
    WHERE campaign_id = %(campaign)s AND step = %(step)s AND ord IN %(ords)s GROUP BY recipient_id
) AS s ON s.recipient_id = m.recipient_id
"""
_KNOWN: Final = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC))
"""Outside of these a time stands for "not yet": the views have no empty ones."""
Key = tuple[str, int, int, int, bool]


@dataclass(frozen=True)
class Followed:
    click: Click
    at: datetime
    machine: bool

    @property
    def key(self) -> Key:
        click = self.click
        return click.campaign_id, click.step, click.ord, click.attempt, self.machine


class ClickDesk:
    """Takes clicks without waiting, at most `MOST_WAITING` of them; while Kafka or ClickHouse do not answer they wait.

    They are in memory alone: those that wait when the process ends, or find no room, are lost. The person's way is not.
    """

    def __init__(self, store: Store, publisher: Publisher, find: Callable[[str], CampaignRecord | None]) -> None:
        self.store, self.publisher, self.find = store, publisher, find
        self.waiting: list[Followed] = []
        self._told: OrderedDict[Key, None] = OrderedDict()
        self._wake = asyncio.Event()

    def note(self, followed: Followed) -> None:
        """A link was followed. Of each send the first click counts, and the first by a machine."""
        if followed.click.ord >= UNKNOWN_ORDINAL or followed.key in self._told:
            return
        if len(self.waiting) >= MOST_WAITING:
            metrics.callbacks.labels(SOURCE, "lost").inc()
            return
        self._remember(followed.key)
        self.waiting.append(followed)
        self._wake.set()

    async def run(self) -> None:
        while True:
            if not self.waiting:
                self._wake.clear()
                await self._wake.wait()
            taken, self.waiting = self.waiting[:MOST_AT_ONCE], self.waiting[MOST_AT_ONCE:]
            later = taken
            try:
                later = await self._tell(taken)
            except (ClickHouseError, KafkaError, OSError, TimeoutError) as error:
                log.warning("clicks wait", count=len(taken) + len(self.waiting), error=repr(error)[:300])
            finally:
                self.waiting += later
            if later:
                await asyncio.sleep(PAUSE_S)

    async def _tell(self, taken: list[Followed]) -> list[Followed]:
        """Publish what can be told; returns what is to be looked at once more."""
        by_step: dict[tuple[str, int], list[Followed]] = {}
        for followed in taken:
            by_step.setdefault((followed.click.campaign_id, followed.click.step), []).append(followed)
        events, later = list[DeliveryEvent](), list[Followed]()
        for (campaign_id, step), clicks in by_step.items():
            campaign = self.find(campaign_id)
            if campaign is None or campaign.audience is None:
                continue
            parameters = {
                "campaign": campaign_id, "step": step, "snapshot": campaign.audience.snapshot_id,
                "ords": sorted({followed.click.ord for followed in clicks}),
            }  # fmt: skip
            rows = await self.store.rows_once(_WHOSE, parameters)
            whose = {int(row[0]): (str(row[1]), _time(row[2]), _time(row[3])) for row in rows}
            for followed in clicks:
                recipient, accepted_at, delivered_at = whose.get(followed.click.ord, ("", None, None))
                if not recipient:
                    continue
                unknown = accepted_at is None and delivered_at is None
                if unknown and not followed.machine and utc_now() - followed.at < PATIENCE:
                    later.append(followed)
                    continue
                machine = followed.machine or too_soon(followed.at, accepted_at, delivered_at)
                events.append(_event(campaign, followed, recipient, machine))
        await self.publisher.events(events)
        if events:
            metrics.callbacks.labels(SOURCE, "clicked").inc(len(events))
        return later

    def _remember(self, key: Key) -> None:
        self._told[key] = None
        if len(self._told) > MOST_TOLD:
            self._told.popitem(last=False)


def _event(campaign: CampaignRecord, followed: Followed, recipient: str, machine: bool) -> DeliveryEvent:
    click, step = followed.click, campaign.steps[followed.click.step - 1]
    attempt = SendAttempt(
        campaign_id=click.campaign_id, step=click.step, recipient=recipient, ord=click.ord, attempt=click.attempt,
        channel=step.channel.value, account=step.account,
    )  # fmt: skip
    event = event_for(attempt, Status.CLICKED.value, source=SOURCE, occurred_at=followed.at)
    return msgspec.structs.replace(event, machine=machine)


def _time(value: datetime | None) -> datetime | None:
    if value is None:
        return None
    at = value.replace(tzinfo=UTC)
    return at if _KNOWN[0] < at < _KNOWN[1] else None
