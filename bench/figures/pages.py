"""How long the console takes to answer, behind a finished campaign: 95th percentile of each page and REST read."""

from __future__ import annotations

import time

import httpx

from bench.campaigns import Desk
from bench.figure import Figure, Scale
from bench.people import ensure_people, mail_campaign
from bench.stage import Whole, clickhouse

MOST_MS = 100
CAMPAIGN = "bench-end_to_end"
READS = {
    "stats": f"/campaigns/{CAMPAIGN}/stats",
    "sends": f"/campaigns/{CAMPAIGN}/sends?limit=100",
    "sends_accepted": f"/campaigns/{CAMPAIGN}/sends?limit=100&status=accepted",
    "campaigns": "/campaigns",
    "campaign": f"/campaigns/{CAMPAIGN}",
    "ledger": "/recipients/c-{number}/ledger",
    "send": f"/sends/{CAMPAIGN}/1/c-{{number}}",
    "dashboard": "/dashboard",
}
PAGES = {
    "dashboard": "/",
    "campaigns": "/campaigns",
    "campaign": f"/campaigns/{CAMPAIGN}",
    "people": f"/campaigns/{CAMPAIGN}/people",
    "person": "/recipients/c-{number}",
}


async def measure(stage: Whole, scale: Scale) -> list[Figure]:
    access = stage.installation.access
    async with stage.rest() as rest:
        await _ensure_campaign(stage, Desk(stage, rest), scale.people)
        reads = {name: await _p95_ms(rest, path, scale.reads) for name, path in READS.items()}
    async with httpx.AsyncClient(base_url=access.console_url, follow_redirects=True, timeout=60) as browser:
        (await browser.get(access.admin_link)).raise_for_status()
        pages = {name: await _p95_ms(browser, path, scale.reads) for name, path in PAGES.items()}
    details = {f"rest_{name}_p95_ms": value for name, value in reads.items()}
    return [
        Figure("rest_sends_p95_ms", reads["sends"], target=MOST_MS, lower_is_better=True, more=details),
        Figure("rest_reads_p95_ms", max(reads.values()), target=MOST_MS, lower_is_better=True),
        Figure(
            "pages_p95_ms",
            max(pages.values()),
            target=MOST_MS,
            lower_is_better=True,
            more={f"page_{name}_p95_ms": value for name, value in pages.items()},
        ),
    ]


async def _ensure_campaign(stage: Whole, desk: Desk, people: int) -> None:
    """The one that `end_to_end` leaves, else one like it."""
    if (await desk.rest.get(f"/campaigns/{CAMPAIGN}")).is_success:
        return
    async with clickhouse(stage) as client:
        await ensure_people(client, people)
    await desk.launch(mail_campaign(CAMPAIGN))
    await desk.until(CAMPAIGN, lambda stats: stats["settled"] == people)


async def _p95_ms(client: httpx.AsyncClient, path: str, count: int) -> float:
    taken = []
    for number in range(count):
        began = time.perf_counter()
        response = await client.get(path.format(number=number))
        response.raise_for_status()
        taken.append((time.perf_counter() - began) * 1000)
    return sorted(taken)[min(len(taken) - 1, int(len(taken) * 0.95))]
