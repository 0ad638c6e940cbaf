"""From the command to the last settled: a campaign by email through the whole of Peal, everything on this machine.

Beside it a plain pipeline, which promises nothing: read the people, one Kafka topic, the same calls, the same rows.
"""

from __future__ import annotations

import time

from bench.campaigns import Desk, sent
from bench.figure import Figure, Scale
from bench.figures.plain_pipeline import run_plain
from bench.people import ensure_people, mail_campaign
from bench.stage import Whole, clickhouse
from bench.usage import Meter

TARGET = 3_500


async def measure(stage: Whole, scale: Scale) -> list[Figure]:
    async with clickhouse(stage) as client:
        await ensure_people(client, scale.people)
        async with stage.rest() as rest:
            desk = Desk(stage, rest)
            figures = [await _run(desk, scale.people, 0), await _run(desk, scale.people, 50)]
            await desk.set_world()
        plain = await run_plain(stage, client, scale.people)
    return [
        Figure(
            f.key, f.value, f.target, cpu_s_per_100k=f.cpu_s_per_100k, peak_mb=f.peak_mb, plain_per_s=plain, more=f.more
        )
        for f in figures
    ]


async def _run(desk: Desk, people: int, latency_ms: int) -> Figure:
    await desk.set_world(latency_ms=latency_ms)
    name = "end_to_end" + (f"_{latency_ms}ms" if latency_ms else "")
    campaign_id = f"bench-{name}"
    async with Meter(desk.stage.pids) as meter:
        began = time.perf_counter()
        await desk.launch(mail_campaign(campaign_id))
        await desk.until(campaign_id, lambda stats: sent(stats) > 0)
        first_s = time.perf_counter() - began
        stats = await desk.until(campaign_id, lambda stats: stats["settled"] == stats["planned"] == people)
        took = time.perf_counter() - began
        meter.stop()
    received = len(await desk.received(campaign_id))
    if received != people or sent(stats) != people:
        raise RuntimeError(f"{people} planned, {sent(stats)} accepted, but the provider has {received}")
    more = {f"{name}_first_settled_s": first_s, f"{name}_s": took}
    more |= {f"{name}_cpu_s_{part}": used for part, used in meter.cpu_s.items()}
    return Figure(
        f"{name}_messages_per_s",
        people / took,
        target=TARGET,
        cpu_s_per_100k=meter.cpu_s_per_100k(people),
        peak_mb=meter.peak_mb,
        more=more,
    )
