"""How long the console takes to answer behind 200 campaigns and ten million events: 95th percentile of each page and
REST read, each time of another campaign and another person, so that nothing is warm but what all pages share."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from datetime import timedelta

import httpx
from clickhouse_connect.driver.asyncclient import AsyncClient

from bench.figure import Figure, Scale
from bench.people import active_record
from bench.stage import Bare, clickhouse
from bench.world import BIG, FAITHFUL, SNAPSHOT, Past, history, write_history
from schemas import CampaignRecord, StepProgress
from schemas.topics import CAMPAIGN_PROGRESS, CAMPAIGNS
from services.runtime.kafka import make_producer
from services.tracker.mirror import COLUMNS, campaign_row

MOST_MS = 50
CAMPAIGNS_BEHIND, EVENTS_BEHIND, CONTACTS = 200, 10_000_000, 1_000_000
QUICK_PART = 20
RUNNING = 5
"""Campaigns, the newest, that are active or paused: lists and the dashboard ask for them again and again."""
PAGES = {
    "dashboard": "/",
    "campaigns": "/campaigns",
    "campaign": "/campaigns/{campaign}",
    "campaign_big": f"/campaigns/{BIG}",
    "people": "/campaigns/{campaign}/people",
    "people_big": f"/campaigns/{BIG}/people",
    "people_big_failed": f"/campaigns/{BIG}/people?status=failed",
    "people_big_reason": f"/campaigns/{BIG}/people?reason=no_address",
    "people_big_search": f"/campaigns/{BIG}/people?search=98000{{number:05}}",
    "person": "/contacts/c-{person}",
    "person_faithful": "/contacts/c-{faithful}",
    "person_why": "/contacts/c-{faithful}?campaign={campaign}",
    "contacts": "/contacts",
    "contacts_by_number": "/contacts?q=98000{number:05}",
    "contacts_by_name": "/contacts?q=meera+khan",
    "contacts_on_list": "/contacts?on=spring&city=Pune",
    "segments": "/segments",
    "imports": "/imports",
    "contact_new": "/people/new",
}
READS = {
    "stats": "/api/v1/campaigns/{campaign}/stats",
    "sends": f"/api/v1/campaigns/{BIG}/sends?limit=100",
    "sends_failed": f"/api/v1/campaigns/{BIG}/sends?limit=100&status=failed",
    "ledger": "/api/v1/recipients/c-{person}/ledger",
    "send": f"/api/v1/sends/{BIG}/1/c-{{faithful}}",
    "contact": "/api/v1/contacts/c-{person}",
    "contacts": "/api/v1/contacts?search=98000{number:05}",
}


async def measure(stage: Bare, scale: Scale) -> list[Figure]:
    part = QUICK_PART if scale.people < 100_000 else 1
    past = history(CAMPAIGNS_BEHIND, int(os.environ.get("PEAL_BENCH_EVENTS", EVENTS_BEHIND // part)))
    async with clickhouse(stage) as client:
        await write_history(client, past, CONTACTS // part)
        return await of_history(stage, client, past, scale.reads)


async def of_history(stage: Bare, client: AsyncClient, past: Sequence[Past], reads: int, **given: str) -> list[Figure]:
    """With the history in ClickHouse already; `given`: settings of the console."""
    records = [record_of(each, number) for number, each in enumerate(past)]
    await client.insert("campaigns", [list(campaign_row(record)) for record in records], list(COLUMNS))
    await _publish(stage, records)
    access = stage.installation.access
    async with stage.service("console", 0, **given) as console:
        await console.wait_ready()
        async with httpx.AsyncClient(base_url=access.console_url, follow_redirects=True, timeout=60) as browser:
            (await browser.post("/login", data={"api_key": access.api_key})).raise_for_status()
            pages = {name: await _p95_ms(browser, path, past, reads) for name, path in PAGES.items()}
            rest = {name: await _p95_ms(browser, path, past, reads) for name, path in READS.items()}
    return [
        Figure("history_pages_p95_ms", max(pages.values()), target=MOST_MS, lower_is_better=True,
               more={f"history_page_{name}_p95_ms": value for name, value in pages.items()}),
        Figure("history_reads_p95_ms", max(rest.values()), target=MOST_MS, lower_is_better=True,
               more={f"history_rest_{name}_p95_ms": value for name, value in rest.items()}),
    ]  # fmt: skip


def record_of(past: Past, number: int) -> CampaignRecord:
    """Most have ended; the newest run."""
    base = active_record(past.campaign_id)
    status = ("active" if number % 2 else "paused") if number < RUNNING else "completed"
    ended = past.launched_at + timedelta(hours=2) if number >= RUNNING else None
    return CampaignRecord.model_validate(base | {
        "name": f"Bench {past.campaign_id}", "status": status, "steps": base["steps"][: past.steps], "filter": {},
        "audience": {"snapshot_id": SNAPSHOT, "count": past.people}, "created_at": past.launched_at,
        "updated_at": past.launched_at, "launched_at": past.launched_at, "ended_at": ended,
        "budget": {"total": "5000.00"},
    })  # fmt: skip


async def _publish(stage: Bare, records: Sequence[CampaignRecord]) -> None:
    producer = make_producer(stage.settings)
    await producer.start()
    try:
        for record in records:
            key = record.campaign_id.encode()
            await producer.send(CAMPAIGNS, record.write(), key=key)
            for step in range(1, len(record.steps) + 1):
                progress = StepProgress(
                    campaign_id=record.campaign_id, step=step, epoch=1, updated_at=record.updated_at,
                    cursor=record.audience.count if record.audience else 0,
                )  # fmt: skip
                await producer.send(CAMPAIGN_PROGRESS, progress.write(), key=f"{record.campaign_id}/{step}".encode())
        await producer.flush()
    finally:
        await producer.stop()


async def _p95_ms(client: httpx.AsyncClient, path: str, past: Sequence[Past], count: int) -> float:
    taken = []
    for number in range(count):
        ended = past[RUNNING + number * 7 % (len(past) - RUNNING)]
        address = path.format(
            campaign=ended.campaign_id, number=number * 11, person=FAITHFUL + number * 997, faithful=number % FAITHFUL
        )
        began = time.perf_counter()
        response = await client.get(address)
        response.raise_for_status()
        taken.append((time.perf_counter() - began) * 1000)
    return sorted(taken)[min(len(taken) - 1, int(len(taken) * 0.95))]
