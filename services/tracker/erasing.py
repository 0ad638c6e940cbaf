"""Erases people: a job that can be killed at any step and is then simply done again.

First their hashes are noted, so that nothing new is planned or written about them; then what is under way ends;
then figures are kept under a pseudonym, everything else is deleted, and the router is told to forget.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Final

import structlog
from aiokafka.errors import KafkaError
from clickhouse_connect.driver.exceptions import ClickHouseError

from schemas.topics import CONSENTS, DELIVERY_EVENTS, ROUTER_GROUP, SEND_REQUESTED, TRACKER_GROUP
from services.domain.erasure import FORGOTTEN, looks_erased
from services.domain.messages import Consent
from services.runtime.clock import utc_now
from services.runtime.endings import raise_if_cancelled
from services.runtime.erased import ErasedPeople
from services.runtime.fail_points import fail_point
from services.tracker.barrier import Barrier
from services.tracker.core import erasure_sql as sql
from services.tracker.core.erasures import COLUMNS, MARK_COLUMNS, Person, state_row
from services.tracker.publish import Publisher
from services.tracker.source import FIXED
from services.tracker.store import Store

log = structlog.get_logger("erasure")
INTERVAL_S: Final = 1.0
_TIDY_LOOKS: Final = 60
DELETE_SETTINGS: Final = {"allow_nondeterministic_mutations": 1}


class Erasing:
    """`owner`: whether this instance does the work; should two do it, the result is the same. `alone`: held while
    contacts are moved, so that nobody comes back with them."""

    def __init__(
        self,
        store: Store,
        publisher: Publisher,
        erased: ErasedPeople,
        barrier: Barrier,
        owner: Callable[[], bool],
        alone: asyncio.Lock,
        patience_s: float,
    ) -> None:
        self.store, self.publisher, self.erased, self.barrier = store, publisher, erased, barrier
        self.owner, self.alone = owner, alone
        self.patience = timedelta(seconds=patience_s)

    async def ask(self, recipients: Sequence[str]) -> None:
        """Note that these are to be erased: from then on it happens, whatever is killed."""
        if not recipients:
            return
        if self.erased.hasher is None:
            log.error("nobody can be erased without PEAL_MASTER_KEY: set it, then ask again", people=len(recipients))
            return
        now = utc_now()
        now_ms = round(now.timestamp() * 1000)
        asked = [
            Person(recipient, self.erased.hasher.pseudonym(recipient), False, [], [], now_ms)
            for recipient in sorted(set(recipients))
            if not looks_erased(recipient)
        ]
        await self.store.insert("erasures", COLUMNS, [state_row(person, "requested", now) for person in asked])

    async def run(self) -> None:
        looks = 0
        while True:
            await asyncio.sleep(INTERVAL_S)
            looks += 1
            try:
                await self.erased.refresh()
                if self.erased.hasher is not None and self.owner():
                    await self.look(utc_now())
                if self.owner() and looks % _TIDY_LOOKS == 0:
                    await self._drop_old_parts([row[0] for row in await self.store.rows_once(sql.LEFT_PARTS)])
            except (ClickHouseError, KafkaError, OSError, TimeoutError) as error:
                raise_if_cancelled()
                log.warning("an erasure waits", error=repr(error)[:300])

    async def look(self, now: datetime) -> None:
        """As far as it goes. Raises `ClickHouseError`, `KafkaError`, OSError, TimeoutError: then again, later."""
        people = await self._open()
        if not people or self.erased.hasher is None:
            return
        await self._note(people, now)
        await self.barrier.passed([CONSENTS, SEND_REQUESTED], ROUTER_GROUP)
        await self.barrier.passed([*FIXED, *await self.barrier.send_topics()], TRACKER_GROUP)
        await self.barrier.passed([DELIVERY_EVENTS], ROUTER_GROUP)
        ready = await self._over(people, now)
        if not ready:
            return
        fail_point("tracker.erasure-ready")
        async with self.alone:
            for statement in sql.COPIES:
                await self.store.command(statement)
            fail_point("tracker.erasure-rewritten")
            await self._delete()
        fail_point("tracker.erasure-deleted")
        await self._tell_router(ready, now)
        if await self._traces():
            return  # something was written meanwhile: once more from the beginning
        await self._finish(ready)

    async def _open(self) -> list[Person]:
        rows = await self.store.rows_once(sql.OPEN)
        return [Person(row[0], row[1], bool(row[2]), sorted(row[3]), sorted(row[4]), int(row[5])) for row in rows]

    async def _note(self, people: list[Person], now: datetime) -> None:
        """Their addresses, which will be looked for in vain later; then the hashes of all."""
        assert self.erased.hasher is not None, "checked by the caller"
        found = {row[0]: (row[1], row[2]) for row in await self.store.rows_once(sql.ADDRESSES)}
        news = []
        for person in people:
            emails, phones = found.get(person.recipient, ([], []))
            known = (set(person.emails), set(person.phones))
            person.emails = sorted(known[0] | set(emails))
            person.phones = sorted(known[1] | set(phones))
            if known != (set(person.emails), set(person.phones)):
                news.append(state_row(person, "erasing" if person.erasing else "requested", now))
        await self.store.insert("erasures", COLUMNS, news)
        fail_point("tracker.erasure-noted")
        now_ms = round(now.timestamp() * 1000)
        marks = {
            mark
            for person in people
            for mark in self.erased.hasher.marks(person.recipient, person.emails, person.phones)
        }
        if news or not all(self.erased.name_of(person.recipient) for person in people):
            await self.store.insert("erased", MARK_COLUMNS, [(*mark, now_ms) for mark in sorted(marks)])
        await self.erased.refresh()
        fail_point("tracker.erasure-marked")

    async def _over(self, people: list[Person], now: datetime) -> list[Person]:
        """Those of whom nothing is under way, or for whom we have waited long enough: what comes later is refused."""
        under_way = {row[0]: int(row[1]) for row in await self.store.rows_once(sql.QUEUED)}
        ready, rows = [], []
        for person in people:
            waits = under_way.get(person.recipient, 0)
            late = now - datetime.fromtimestamp(person.requested_ms / 1000, UTC) > self.patience
            if person.erasing or not waits or late:
                ready.append(person)
                if not person.erasing:
                    rows.append(state_row(person, "erasing", utc_now()))
            else:
                detail = f"messages under way that must come back first: {waits}"
                rows.append(state_row(person, "requested", utc_now(), detail))
        await self.store.insert("erasures", COLUMNS, rows)
        return ready

    async def _delete(self) -> None:
        for table in sql.TRACES:
            if await self._count(table):
                await self.store.command(sql.delete(table), DELETE_SETTINGS)
        for table in sql.MASKED:
            await self.store.command(sql.unmask(table), DELETE_SETTINGS)

    async def _drop_old_parts(self, tables: Iterable[str]) -> None:
        """What a query reads at this moment stays until the next time."""
        for table in tables:
            await self.store.command(sql.drop_old_parts(table))

    async def _tell_router(self, people: list[Person], now: datetime) -> None:
        words = [
            Consent(
                recipient=person.recipient, channel="all", state="opted_out", at=now, source="tracker", reason=FORGOTTEN
            )
            for person in people
        ]
        await self.publisher.consents(words)
        await self.barrier.passed([CONSENTS], ROUTER_GROUP)
        fail_point("tracker.erasure-told")

    async def _traces(self) -> bool:
        """Looked for while nobody moves people from one table to another, past a look at each."""
        async with self.alone:
            return any([await self._count(table) for table in sql.TRACES])

    async def _count(self, table: str) -> int:
        return int((await self.store.rows_once(sql.count(table)))[0][0])

    async def _finish(self, people: list[Person]) -> None:
        """Last of all, the erasure's own knowledge of whom it was about."""
        await self.store.insert("erasures", COLUMNS, [state_row(person, "done", utc_now()) for person in people])
        names = ", ".join(f"'{person.name}'" for person in people)  # brands and hexadecimal digits: nothing to escape
        await self.store.command(sql.DELETE_IDENTITY % names, DELETE_SETTINGS)
        await self._drop_old_parts([*sql.TRACES, "erasures"])
        log.info("erased", people=len(people))
