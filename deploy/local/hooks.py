"""What is set up once Kafka and ClickHouse answer, before any service starts. Each may be repeated at will."""

from __future__ import annotations

import asyncio
import os
import sys

from deploy.local.errors import LocalError
from deploy.local.jars import REPOSITORY
from services.runtime.settings import Settings
from services.runtime.topics import apply_topics


class HookError(LocalError):
    """A step of the set-up failed; the text is what it said."""


async def create_topics(settings: Settings) -> None:
    await apply_topics(settings)


async def migrate_database(settings: Settings) -> None:
    """The tracker owns the tables, so the tracker's own program makes them."""
    url = settings.clickhouse_url.get_secret_value()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "services.tracker.migrate"),
        env=os.environ | {"PEAL_CLICKHOUSE_URL": url},
        cwd=REPOSITORY,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    if process.returncode:
        lines = output.decode(errors="replace").strip().splitlines()
        raise HookError(f"the tables in ClickHouse could not be made: {lines[-1] if lines else process.returncode}")


SET_UP = (create_topics, migrate_database)
