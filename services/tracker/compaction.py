"""Changed contacts back into the base, before reading them apart costs more than it saves."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

import structlog
from clickhouse_connect.driver.exceptions import ClickHouseError

from services.runtime.clock import utc_now
from services.tracker.store import Store

log = structlog.get_logger("compaction")
INTERVAL_S: Final = 30.0
_SEEN: Final = "contacts_seen_"
NIGHTLY: Final = timedelta(hours=24)


class Compaction:
    """Nobody needs to hold still meanwhile: only versions that were seen at the beginning leave contacts_changes, and
    by then the base has them or newer ones. Until they leave, they are read from there. A crash costs nothing."""

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
        rows = int((await self.store.rows_once("SELECT count() FROM contacts_changes"))[0][0])
        return rows >= self.most_rows or (rows > 0 and now - self._last >= NIGHTLY)

    async def compact(self) -> None:
        """Raises `ClickHouseError` or OSError; then it is simply done again later."""
        await self._clear()
        database = (await self.store.rows_once("SELECT currentDatabase()"))[0][0]
        seen = f"{database}.{_SEEN}{uuid.uuid4().hex}"
        await self.store.command(
            f"CREATE TABLE {seen} (recipient_id String, version UInt64) ENGINE = Join(ANY, LEFT, recipient_id)"
        )
        try:
            await self.store.command(
                f"INSERT INTO {seen} SELECT recipient_id, max(version) FROM contacts_changes GROUP BY recipient_id"
            )
            await self.store.command("INSERT INTO contacts SELECT * FROM contacts_changes FINAL")
            await self.store.command("OPTIMIZE TABLE contacts FINAL")
            await self.store.command(
                f"DELETE FROM contacts_changes WHERE version <= joinGet('{seen}', 'version', recipient_id)",
                {"lightweight_deletes_sync": 2, "allow_nondeterministic_mutations": 1},
            )
            await self.store.command("OPTIMIZE TABLE contacts_changes FINAL")
        finally:
            await self._clear()
        self._last = utc_now()
        log.info("contacts compacted")

    async def _clear(self) -> None:
        """What an interrupted compaction left. A deletion without its list would be tried for ever: end it first."""
        await self.store.command(
            "KILL MUTATION WHERE database = currentDatabase() AND table = 'contacts_changes' AND NOT is_done SYNC"
        )
        left = f"SELECT name FROM system.tables WHERE database = currentDatabase() AND startsWith(name, '{_SEEN}')"
        for row in await self.store.rows_once(left):
            await self.store.command(f"DROP TABLE IF EXISTS {row[0]} SYNC")
