"""A database of a test's own on the shared engine, migrated."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from clickhouse_connect.driver.asyncclient import AsyncClient
from pydantic import SecretStr

from services.runtime.clickhouse import make_clickhouse
from services.runtime.settings import Settings
from services.tracker.migrate import migrate


@asynccontextmanager
async def own_database(settings: Settings) -> AsyncIterator[AsyncClient]:
    name = f"test_{uuid.uuid4().hex[:8]}"
    admin = await make_clickhouse(settings)
    await admin.command(f"CREATE DATABASE {name}")
    url = f"{settings.clickhouse_url.get_secret_value()}/{name}"
    own = await make_clickhouse(settings.model_copy(update={"clickhouse_url": SecretStr(url)}))
    await migrate(own)
    yield own
    await own.close()
    await admin.command(f"DROP DATABASE {name} SYNC")
    await admin.close()
