"""ClickHouse clients by `PEAL_CLICKHOUSE_URL`: one way to the embedded engine and to a real server."""

from __future__ import annotations

import asyncio
from urllib.parse import unquote, urlsplit

import clickhouse_connect
from clickhouse_connect.driver.asyncclient import AsyncClient
from clickhouse_connect.driver.exceptions import ClickHouseError

from services.runtime.errors import StopProcessError
from services.runtime.settings import Settings

INSERT_SETTINGS = {"async_insert": 0}
"""Since 26.x inserts are asynchronous by default: an answer must mean that the rows are there."""


async def make_clickhouse(settings: Settings, patience_s: float = 60.0) -> AsyncClient:
    """Raises `StopProcessError` when ClickHouse does not answer in time."""
    url = urlsplit(settings.clickhouse_url.get_secret_value())
    error: Exception | None = None
    for _ in range(max(1, int(patience_s * 2))):
        try:
            return await clickhouse_connect.get_async_client(
                host=url.hostname or "127.0.0.1",
                port=url.port or (8443 if url.scheme == "https" else 8123),
                secure=url.scheme == "https",
                username=unquote(url.username or "default"),
                password=unquote(url.password or ""),
                database=url.path.strip("/") or "default",
                settings=INSERT_SETTINGS,
                autogenerate_session_id=False,
                query_retries=2,
            )
        except (ClickHouseError, OSError) as caught:
            error = caught
            await asyncio.sleep(0.5)
    raise StopProcessError(
        f"ClickHouse does not answer at {url.hostname}:{url.port} ({error}): start it or mend PEAL_CLICKHOUSE_URL"
    )
