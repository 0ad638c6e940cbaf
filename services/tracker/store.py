"""Rows into ClickHouse: columns, whole batches, again and again until they are acknowledged."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Final

import stamina
from clickhouse_connect.datatypes.base import ClickHouseType
from clickhouse_connect.datatypes.registry import get_from_name
from clickhouse_connect.driver.asyncclient import AsyncClient
from clickhouse_connect.driver.exceptions import ClickHouseError, DataError, ProgrammingError

from services.runtime import metrics
from services.runtime.errors import StopProcessError

SETTINGS: Final[dict[str, Any]] = {
    "async_insert": 0,
    "insert_deduplicate": 0,
    "optimize_on_insert": 0,
    "max_partitions_per_insert_block": 0,
    "input_format_try_infer_dates": 0,
    "input_format_try_infer_datetimes": 0,
}
"""An answer means that all is there. A repeated block must reach the views too. Equal rows are left to merges, which
halves what an insert costs. A batch may hold events of many months. A contact's attribute stays the text that it
is, also where it looks like a date."""
READ_SETTINGS: Final[dict[str, Any]] = {"max_query_size": 1 << 28, "max_ast_elements": 5_000_000}
"""For lists of some ten thousand keys."""
Rows = Sequence[tuple[Any, ...]]


def _again(error: Exception) -> bool:
    """Anything that the server or the way to it says may pass; what the client cannot even write never will."""
    return isinstance(error, ClickHouseError | OSError) and not isinstance(error, DataError | ProgrammingError)


class Store:
    """`healthy`: whether the last thing asked of ClickHouse was answered."""

    def __init__(self, client: AsyncClient) -> None:
        self.client, self.healthy = client, True
        self._types: dict[str, dict[str, ClickHouseType]] = {}

    async def insert(self, table: str, columns: Sequence[str], rows: Rows) -> None:
        """Returns when ClickHouse has acknowledged all rows, however long that takes.

        A repeated insert changes nothing: every table replaces equal rows, every set is a union. Raises
        `StopProcessError` for values that the client cannot write.
        """
        if not rows:
            return
        began = time.perf_counter()
        async for attempt in stamina.retry_context(
            on=_again, attempts=None, timeout=None, wait_initial=0.1, wait_max=5.0, wait_jitter=0.5
        ):
            with attempt:
                self.healthy = attempt.num == 1
                if attempt.num > 1:
                    metrics.insert_retries.labels(table).inc()
                await self._insert_once(table, columns, rows)
        self.healthy = True
        metrics.insert_seconds.labels(table).observe(time.perf_counter() - began)
        metrics.rows_inserted.labels(table).inc(len(rows))

    async def _insert_once(self, table: str, columns: Sequence[str], rows: Rows) -> None:
        known = self._types.get(table) or await self._describe(table)
        try:
            await self.client.insert(
                table,
                list(zip(*rows, strict=True)),
                column_names=list(columns),
                column_types=[known[name] for name in columns],
                column_oriented=True,
                settings=SETTINGS,
            )
        except (DataError, ProgrammingError) as error:
            raise StopProcessError(f"a row for {table} cannot be written ({error}): a defect of Peal") from error

    async def rows(self, query: str, parameters: dict[str, Any] | None = None) -> Sequence[Sequence[Any]]:
        """Read, again and again until ClickHouse answers."""
        async for attempt in stamina.retry_context(
            on=_again, attempts=None, timeout=None, wait_initial=0.1, wait_max=5.0, wait_jitter=0.5
        ):
            with attempt:
                self.healthy = attempt.num == 1
                found = (await self.client.query(query, parameters, settings=READ_SETTINGS)).result_rows
        self.healthy = True
        return found

    async def rows_once(self, query: str, parameters: dict[str, Any] | None = None) -> Sequence[Sequence[Any]]:
        """Read; raises `ClickHouseError` or OSError."""
        return (await self.client.query(query, parameters, settings=READ_SETTINGS)).result_rows

    async def command(self, statement: str, settings: dict[str, Any] | None = None) -> None:
        """Raises `ClickHouseError` or OSError."""
        await self.client.command(statement, settings=settings)

    async def _describe(self, table: str) -> dict[str, ClickHouseType]:
        found = (await self.client.query(f"DESCRIBE TABLE {table}")).result_rows
        self._types[table] = {str(row[0]): get_from_name(str(row[1])) for row in found}
        return self._types[table]
