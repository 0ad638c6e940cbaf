"""The statements for a ClickHouse server with analysts of several brands (deploy/clickhouse): the engine reads each of
them; the embedded one, which knows no users, runs those that make views."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
from clickhouse_connect.driver.asyncclient import AsyncClient
from tracker_stage import event

from services.tracker.core.rows import LEDGER_COLUMNS, ledger_row
from services.tracker.migrate import statements
from services.tracker.store import Store

FOLDER = Path(__file__).parents[2] / "deploy" / "clickhouse"
ONCE, BRAND = ((FOLDER / name).read_text() for name in ("analysts.sql", "brand.sql"))
VIEWS = ("sends", "events", "campaign_channel_daily", "reach", "costs", "engagement_by_hour")
WORDS = "550 5.1.1 <asha.k@example.com>: no such user; +919812345678 of 2026-11-20 10:00"


async def columns(client: AsyncClient, view: str) -> list[str]:
    return [row[0] for row in (await client.query(f"DESCRIBE TABLE {view}")).result_rows]


async def is_sound(client: AsyncClient, statement: str) -> bool:
    [(written,)] = (await client.query("SELECT formatQueryOrNull({text:String})", {"text": statement})).result_rows
    return written is not None


async def test_an_analyst_sees_the_brand_of_their_role_in_every_view_and_no_address(client: AsyncClient) -> None:
    assert not await is_sound(client, BRAND.replace("ROW POLICY", "ROW POLICE"))
    database = (await client.query("SELECT currentDatabase()")).result_rows[0][0]
    walled = f"{database}_analysts"
    text = ONCE.replace("default.", f"{database}.").replace("analysts", walled)
    try:
        for statement in [*statements(text), *statements(BRAND)]:
            assert await is_sound(client, statement), statement
            if re.search(r"^CREATE (DATABASE|OR REPLACE VIEW)", statement, re.MULTILINE):
                await client.command(statement)
        told = [
            msgspec.structs.replace(told, recipient=f"{brand}/c-{number}", detail=WORDS, cost_micros=900)
            for number, brand in enumerate(("acme", "other"), 1)
            for told in (event("spring", number, "accepted"), event("spring", number, "bounced", after_s=60))
        ]
        await Store(client).insert("delivery_events", LEDGER_COLUMNS, [ledger_row(e, 0, n) for n, e in enumerate(told)])
        [policy] = re.findall(r"USING (.+) TO", BRAND)
        for view in VIEWS:
            assert await columns(client, f"{walled}.{view}") == await columns(client, view)
            seen = (await client.query(f"SELECT DISTINCT brand FROM {walled}.{view} WHERE {policy}")).result_rows
            assert seen == ([("acme",)] if view not in ("reach", "engagement_by_hour") else []), view
        for view in ("sends", "events"):
            shown = {row[0] for row in (await client.query(f"SELECT detail FROM {walled}.{view}")).result_rows}
            assert shown == {"550 5.1.1 <***>: no such user; *** of 2026-11-20 10:00"}
    finally:
        await client.command(f"DROP DATABASE IF EXISTS {walled} SYNC")
