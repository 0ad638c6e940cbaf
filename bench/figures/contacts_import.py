"""How many people a second come in by REST, over Kafka, merged into ClickHouse: from the first byte sent until the last
person is there. Ten million in a quarter of an hour are 11,112 a second.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator

import httpx
from clickhouse_connect.driver.asyncclient import AsyncClient

from bench.figure import Figure, Scale
from bench.stage import Bare, Service, clickhouse
from bench.usage import Meter

TARGET = 11_112
OF = 10_000_000
PIECE = 2_000
LOOK_S = 0.2
HEADER = "id,name,email,phone,role,city,pincode,zone,last_active_at,opt_in,plan\n"
MERGED = "peal_contacts_merged_total"
"""Asked for instead of ClickHouse, whose counting would be measured as well."""
COUNT = "SELECT count() FROM v_contacts WHERE startsWith(recipient_id, 'default/%s-')"


async def measure(stage: Bare, scale: Scale) -> list[Figure]:
    count = int(os.environ.get("PEAL_BENCH_IMPORTED", scale.requests))
    async with stage.service("console") as console, stage.service("tracker") as tracker, clickhouse(stage) as client:
        await console.wait_ready()
        await tracker.wait_ready()
        plain = await _run(stage, console, tracker, client, "contacts", "", count)
        agreed = await _run(stage, console, tracker, client, "contacts_with_opt_ins", "email sms", count // 2)
    return [plain, agreed]


async def _run(
    stage: Bare, console: Service, tracker: Service, client: AsyncClient, key: str, opt_in: str, count: int
) -> Figure:
    access = stage.installation.access
    headers = {"Authorization": f"Bearer {access.api_key}", "Content-Type": "text/csv"}
    async with (
        httpx.AsyncClient(base_url=f"{access.console_url}/api/v1", headers=headers, timeout=600) as rest,
        Meter(console.pids | tracker.pids) as meter,
        Meter(stage.engine) as engine,
    ):
        before = await tracker.metric(MERGED)
        began = time.perf_counter()
        answer = await rest.post("/contacts/import", content=_file(key, opt_in, count))
        answer.raise_for_status()
        sent = time.perf_counter() - began
        assert answer.json()["imported"] == count, answer.text[:500]
        while await tracker.metric(MERGED) - before < count:
            await asyncio.sleep(LOOK_S)
        took = time.perf_counter() - began
        meter.stop()
        engine.stop()
    assert (await client.query(COUNT % key)).result_rows[0][0] == count
    return Figure(
        f"{key}_imported_per_s",
        count / took,
        target=TARGET,
        cpu_s_per_100k=meter.cpu_s_per_100k(count),
        peak_mb=meter.peak_mb,
        more={
            f"{key}_import_10m_minutes": OF * took / count / 60,
            f"{key}_import_measured_people": count,
            f"{key}_import_sent_s": sent,
            f"{key}_import_engine_cpu_s_per_100k": engine.cpu_s_per_100k(count),
        },
    )


async def _file(key: str, opt_in: str, count: int) -> AsyncIterator[bytes]:
    yield HEADER.encode()
    for first in range(0, count, PIECE):
        lines = [
            f"{key}-{n},Asha {n % 1000},{key}-{n}@example.com,+9198{n:08d},customer,Pune,411001,Asia/Kolkata,"
            f"2026-10-01T10:00:00Z,{opt_in},gold\n"
            for n in range(first, min(first + PIECE, count))
        ]
        yield "".join(lines).encode()
