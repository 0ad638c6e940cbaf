"""Numbered migrations of ClickHouse: each file once, recorded in `schema_migrations`."""

from __future__ import annotations

import asyncio
import hashlib
import re
import sys
from collections.abc import Iterator
from importlib.resources import files

import structlog
from clickhouse_connect.driver.asyncclient import AsyncClient

from services.runtime.clickhouse import make_clickhouse
from services.runtime.errors import StopProcessError
from services.runtime.settings import Settings

log = structlog.get_logger("migrations")

SETTINGS = {"allow_experimental_json_type": 1}
LEDGER = """
CREATE TABLE IF NOT EXISTS schema_migrations (name String, checksum String, applied_at DateTime('UTC') DEFAULT now())
ENGINE = ReplacingMergeTree ORDER BY name
"""


def migrations() -> list[tuple[str, str]]:
    """Name and text of each migration, in order."""
    folder = files("services.tracker").joinpath("migrations")
    return sorted((file.name, file.read_text()) for file in folder.iterdir() if file.name.endswith(".sql"))


def statements(text: str) -> Iterator[str]:
    """Split at each `;` that ends a line. Comments stay with the statement that follows them."""
    for part in re.split(r";[ \t]*$", text, flags=re.MULTILINE):
        if re.sub(r"--[^\n]*", "", part).strip():
            yield part.strip()


def checksum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


async def migrate(client: AsyncClient) -> list[str]:
    """Apply what is not yet applied; returns the names. Every statement can be repeated, so a crash needs no repair.

    Raises `StopProcessError` where an applied file has been changed since.
    """
    await client.command(LEDGER)
    rows = (await client.query("SELECT name, checksum FROM schema_migrations FINAL")).result_rows
    known = {str(name): str(digest) for name, digest in rows}
    done = []
    for name, text in migrations():
        if name in known:
            if known[name] != checksum(text):
                raise StopProcessError(
                    f"migration {name} has changed since it was applied: put it back and write the change as a new file"
                )
            continue
        for statement in statements(text):
            await client.command(statement, settings=SETTINGS)
        await client.insert("schema_migrations", [[name, checksum(text)]], ["name", "checksum"])
        log.info("migrated", name=name)
        done.append(name)
    return done


async def _main() -> None:
    client = await make_clickhouse(Settings())
    try:
        done = await migrate(client)
    finally:
        await client.close()
    print("\n".join(f"applied {name}" for name in done) or "nothing to do")


if __name__ == "__main__":
    try:
        asyncio.run(_main())
    except StopProcessError as error:
        sys.exit(str(error))
