"""How many people a second come in by REST, over Kafka, merged into ClickHouse: from the first byte sent until the last
person is there. Ten million in a quarter of an hour are 11,112 a second.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator

import httpx

from bench.figure import Figure, Scale
from bench.stage import Bare, clickhouse
from bench.usage import Meter

TARGET = 11_112
OF = 10_000_000
PIECE = 2_000
LOOK_S = 0.2
HEADER = "id,name,email,phone,role,city,pincode,zone,last_active_at,opt_in,plan\n"
COUNT = "SELECT count() FROM v_contacts WHERE startsWith(recipient_id, 'default/import-')"


async def measure(stage: Bare, scale: Scale) -> list[Figure]:
    count = int(os.environ.get("PEAL_BENCH_IMPORTED", scale.requests))
    async with stage.service("console") as console, stage.service("tracker") as tracker, clickhouse(stage) as client:
        await console.wait_ready()
        await tracker.wait_ready()
        access = stage.installation.access
        headers = {"Authorization": f"Bearer {access.api_key}", "Content-Type": "text/csv"}
        async with (
            httpx.AsyncClient(base_url=f"{access.console_url}/api/v1", headers=headers, timeout=600) as rest,
            Meter(console.pids | tracker.pids) as meter,
            Meter(stage.engine) as engine,
        ):
            began = time.perf_counter()
            answer = await rest.post("/contacts/import", content=_file(count))
            answer.raise_for_status()
            sent = time.perf_counter() - began
            assert answer.json()["imported"] == count, answer.text[:500]
            while int((await client.query(COUNT)).result_rows[0][0]) < count:
                tracker.require_alive()
                await asyncio.sleep(LOOK_S)
            took = time.perf_counter() - began
            meter.stop()
            engine.stop()
    return [
        Figure(
            "contacts_imported_per_s",
            count / took,
            target=TARGET,
            cpu_s_per_100k=meter.cpu_s_per_100k(count),
            peak_mb=meter.peak_mb,
            more={
                "contacts_import_10m_minutes": OF * took / count / 60,
                "contacts_import_measured_people": count,
                "contacts_import_sent_s": sent,
                "contacts_import_engine_cpu_s_per_100k": engine.cpu_s_per_100k(count),
            },
        )
    ]


async def _file(count: int) -> AsyncIterator[bytes]:
    yield HEADER.encode()
    for first in range(0, count, PIECE):
        lines = [
            f"import-{n},Asha {n % 1000},import-{n}@example.com,+9198{n:08d},customer,Pune,411001,Asia/Kolkata,"
            f"2026-10-01T10:00:00Z,email sms,gold\n"
            for n in range(first, min(first + PIECE, count))
        ]
        yield "".join(lines).encode()
