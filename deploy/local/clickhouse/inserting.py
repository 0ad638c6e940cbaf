"""An INSERT whose rows come with the request: acknowledged only if they are really there.

chDB 4.4 takes rows as a stream, but keeps to itself what goes wrong when they are written (a full disk, a materialised
view that fails): it answers with the number of rows, and there are none. So they are streamed into a table in memory,
counted, and then moved by a statement of its own, whose errors do come out.
"""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterator
from typing import Any, Final

from deploy.local.clickhouse.errors import MEMORY_LIMIT_EXCEEDED, ServerError
from deploy.local.clickhouse.statement import Insert

_TARGET: Final = re.compile(
    r"\s*INSERT\s+INTO\s+(?:TABLE\s+)?(?!FUNCTION\b)(?P<table>(?:`[^`]*`|\"[^\"]*\"|[\w.])+)"
    r"\s*(?:\((?P<columns>.*)\))?\s*(?P<settings>SETTINGS\b.*)?\Z",
    re.IGNORECASE | re.DOTALL,
)


def insert(connection: Any, statement: Insert, body: Iterator[bytes]) -> Any:
    """What chDB says of the rows (`rows_written`, `bytes_written`, `elapsed`). Holds them in memory until it is done.

    Raises the engine's errors; ServerError 241 where memory did not hold the rows: then nothing was written.
    """
    target = _TARGET.match(statement.text)
    if target is None:
        return _stream(connection, statement.text, statement, body)  # INTO FUNCTION: a file or another server
    staged = f"staged_{uuid.uuid4().hex}"
    columns, settings = target["columns"], target["settings"] or ""
    listed = f"({columns})" if columns else ""
    connection.query(f"CREATE TEMPORARY TABLE {staged} ({_columns_of(connection, target['table'])}) ENGINE = Memory")
    try:
        done = _stream(connection, f"INSERT INTO {staged} {listed} {settings}", statement, body)
        rows = int(connection.query(f"SELECT count() FROM {staged}", "TSV").bytes())
        if rows != done.rows_written:
            text = f"{done.rows_written} rows were sent, but only {rows} had room in memory: send fewer at once."
            raise ServerError(MEMORY_LIMIT_EXCEEDED, text, "MEMORY_LIMIT_EXCEEDED")
        connection.query(f"INSERT INTO {target['table']} {listed} {settings} SELECT {columns or '*'} FROM {staged}")
    finally:
        connection.query(f"DROP TEMPORARY TABLE {staged}")
    return done


def _columns_of(connection: Any, table: str) -> str:
    """With their defaults, and without the table's constraints and indices: those are looked at on the way into it."""
    found = json.loads(connection.query(f"DESCRIBE TABLE {table}", "JSONCompact").bytes())
    return ", ".join(
        f"`{name.replace('`', '``')}` {kind} {f'DEFAULT {default}' if default_kind else ''}"
        for name, kind, default_kind, default, *_ in found["data"]
        if default_kind in ("", "DEFAULT")
    )


def _stream(connection: Any, text: str, statement: Insert, body: Iterator[bytes]) -> Any:
    stream = connection.send_insert(text, statement.format)
    try:
        if statement.data:
            stream.append(statement.data)
        for chunk in body:
            stream.append(chunk)
        return stream.finish()
    except BaseException:
        stream.cancel()
        raise
