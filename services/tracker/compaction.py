"""Changed contacts back into the base, before reading them apart costs more than it saves.

With them go people of whom something was said since, so that the base says of everybody else what keeps messages from
them (`services.domain.reach`).
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import structlog
from clickhouse_connect.driver.exceptions import ClickHouseError

from services.domain.reach import with_reach
from services.runtime.clock import utc_now
from services.tracker.store import Store

log = structlog.get_logger("compaction")
INTERVAL_S: Final = 30.0
_SEEN: Final = "contacts_seen_"
NIGHTLY: Final = timedelta(hours=24)
HOURLY: Final = timedelta(hours=1)
HOURLY_ROWS: Final = 50_000
"""So many people told of since are reason enough, an hour after the last time."""
UNKNOWN_AT_ONCE: Final = 200_000
"""Rows of the base of which nothing was worked out yet: so many in one go."""
MOVED_AT_ONCE: Final = 40_000
"""People worked out and moved by one statement, which keeps it well below the embedded engine's memory for one."""
IN_FLIGHT_S: Final = 300
"""A word is noted beside its row, not with it: what is noted so lately waits, lest the row is yet to come."""

_WAITING: Final = f"""
SELECT (SELECT count() FROM contacts_changes),
       (SELECT count() FROM reach_changes WHERE at < now64(3) - {IN_FLIGHT_S}),
       (SELECT count() FROM contacts WHERE reach = 0)
"""
_CHANGED: Final = "INSERT INTO {seen} SELECT recipient_id, max(version) FROM contacts_changes GROUP BY recipient_id"
_TOLD: Final = """
INSERT INTO {seen} SELECT recipient_id, version FROM contacts
WHERE recipient_id IN (SELECT recipient_id FROM reach_changes WHERE {settled})
  AND recipient_id NOT IN (SELECT recipient_id FROM {seen})
"""
_UNKNOWN: Final = f"""
INSERT INTO {{seen}} SELECT recipient_id, version FROM contacts
WHERE reach = 0 AND recipient_id NOT IN (SELECT recipient_id FROM {{seen}}) LIMIT {UNKNOWN_AT_ONCE}
"""
_HOLDERS: Final = """
INSERT INTO {seen} SELECT recipient_id, version FROM contacts
WHERE recipient_id NOT IN (SELECT recipient_id FROM {seen}) AND (
    (email != '' AND email IN (SELECT email FROM contacts_changes))
    OR (phone != '' AND phone IN (SELECT phone FROM contacts_changes)))
"""
_PULL: Final = """
INSERT INTO contacts_changes SELECT * FROM contacts
WHERE recipient_id IN (SELECT recipient_id FROM {seen})
  AND version >= joinGet('{seen}', 'version', recipient_id)
  AND (recipient_id, version) NOT IN (SELECT recipient_id, version FROM contacts_changes)
"""
"""Also where there is another row in contacts_changes: it may have been written late, by who knew less."""
_DELETE: Final = {"lightweight_deletes_sync": 2, "allow_nondeterministic_mutations": 1}
"""Settings of a deletion: it has happened when it is answered, and may ask another table."""
_LEAVE: Final = "DELETE FROM contacts WHERE recipient_id IN (SELECT recipient_id FROM {seen})"
"""Their rows are in contacts_changes by now, and are read from there until they come back."""
_DOUBLED: Final = """
SELECT count() - uniqExact(recipient_id) FROM contacts WHERE recipient_id IN (SELECT recipient_id FROM {seen})
"""
_MOVED: Final = "DELETE FROM contacts_changes WHERE version <= joinGet('{seen}', 'version', recipient_id)"
_PART: Final = "cityHash64(recipient_id) % {parts} = {part}"


def _sharing(address: str) -> str:
    return (
        f"SELECT '{address}', brand, {address} FROM v_contacts WHERE {address} != '' AND {address} IN "
        f"(SELECT {address} FROM contacts_changes) GROUP BY brand, {address} HAVING count() > 1"
    )


_SHARED: Final = f"INSERT INTO {{seen}}_shared {_sharing('email')} UNION ALL {_sharing('phone')}"
"""Once for all parts: it looks through everybody's addresses."""


def _shared(address: str) -> str:
    return f"(c.brand, c.{address}) IN (SELECT brand, address FROM {{seen}}_shared WHERE kind = '{address}')"


_MOVE: Final = "INSERT INTO contacts " + with_reach(
    f"SELECT * FROM contacts_changes FINAL WHERE {_PART}",
    f"SELECT recipient_id FROM contacts_changes WHERE {_PART}",
    _shared("email"),
    _shared("phone"),
)


class Compaction:
    """Nobody needs to hold still meanwhile: only versions that were seen at the beginning leave contacts_changes, and
    by then the base has them or newer ones. Until they leave, they are read from there. A crash costs nothing.

    The base keeps one row a person without being merged as a whole, which would take the longer the more there are:
    what people come back from contacts_changes to, leaves it before."""

    def __init__(self, store: Store, most_rows: int, owner: Callable[[], bool]) -> None:
        self.store, self.most_rows, self.owner = store, most_rows, owner
        self._last = utc_now()
        self.alone = asyncio.Lock()
        """Held while contacts are moved; who deletes some of them holds it too."""

    async def run(self) -> None:
        while True:
            await asyncio.sleep(INTERVAL_S)
            if not self.owner():
                continue
            try:
                if await self.due(utc_now()):
                    async with self.alone:
                        await self.compact()
            except (ClickHouseError, OSError) as error:
                log.warning("contacts not compacted now", error=repr(error))

    async def due(self, now: datetime) -> bool:
        changed, told, unknown = (await self.store.rows_once(_WAITING))[0]
        rows, since = int(changed) + int(told), now - self._last
        if unknown or rows >= self.most_rows:
            return True
        return (rows > 0 and since >= NIGHTLY) or (rows >= HOURLY_ROWS and since >= HOURLY)

    async def compact(self) -> None:
        """Raises `ClickHouseError` or OSError; then it is simply done again later."""
        database, began = (
            await self.store.rows_once("SELECT currentDatabase(), toUnixTimestamp64Milli(now64(3)) AS began")
        )[0]
        seen = f"{database}.{_SEEN}{uuid.uuid4().hex}"
        await self.store.command(
            f"CREATE TABLE {seen} (recipient_id String, version UInt64) ENGINE = Join(ANY, LEFT, recipient_id)"
        )
        shared = f"{seen}_shared (kind String, brand String, address String)"
        await self.store.command(f"CREATE TABLE {shared} ENGINE = Memory")
        # Only now: of two that begin together, whoever does this later ends the other.
        await self._clear(but=seen)
        settled = f"at < fromUnixTimestamp64Milli({int(began) - IN_FLIGHT_S * 1000})"

        def here(statement: str) -> str:
            return statement.replace("{seen}", seen).replace("{settled}", settled)

        try:
            for statement in (_CHANGED, _TOLD, _UNKNOWN, _PULL, _HOLDERS, _PULL, _SHARED):
                await self.store.command(here(statement))
            await self.store.command(here(_LEAVE), _DELETE)
            await self._move(here(_MOVE))
            if (await self.store.rows_once(here(_DOUBLED)))[0][0]:  # somebody else moved them, too
                await self.store.command("OPTIMIZE TABLE contacts FINAL")
            await self.store.command(here(_MOVED), _DELETE)
            await self.store.command(f"DELETE FROM reach_changes WHERE {settled}", _DELETE)
            await self.store.command("OPTIMIZE TABLE contacts_changes FINAL")
            await self.store.command("OPTIMIZE TABLE reach_changes FINAL")
        finally:
            await self._drop(seen)
        self._last = utc_now()
        log.info("contacts compacted")

    async def _move(self, statement: str) -> None:
        rows = int((await self.store.rows_once("SELECT count() FROM contacts_changes"))[0][0])
        parts = rows // MOVED_AT_ONCE + 1
        for part in range(parts):
            await self.store.command(statement.replace("{parts}", str(parts)).replace("{part}", str(part)))

    async def _clear(self, but: str) -> None:
        """What an interrupted compaction left, or another one is doing: without its lists it ends."""
        await self._end_deletions(_SEEN)
        left = (
            "SELECT concat(currentDatabase(), '.', name) AS whole FROM system.tables "
            f"WHERE database = currentDatabase() AND startsWith(name, '{_SEEN}') AND NOT startsWith(whole, '{but}')"
        )
        for row in await self.store.rows_once(left):
            await self.store.command(f"DROP TABLE IF EXISTS {row[0]} SYNC")
        await self._end_deletions(_SEEN)

    async def _drop(self, seen: str) -> None:
        await self._end_deletions(seen.partition(".")[2])
        for table in (f"{seen}_shared", seen):
            await self.store.command(f"DROP TABLE IF EXISTS {table} SYNC")

    async def _end_deletions(self, which: str) -> None:
        """Those that ask a list of this name: without it they would be tried for ever."""
        await self.store.command(
            "KILL MUTATION WHERE database = currentDatabase() AND table IN ('contacts', 'contacts_changes') "
            f"AND NOT is_done AND position(command, '{which}') > 0 SYNC"
        )
