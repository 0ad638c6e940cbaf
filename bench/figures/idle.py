"""What an installation costs that has nothing to do: memory and CPU of everything that `make up` runs."""

from __future__ import annotations

import asyncio

from bench.figure import Figure, Scale
from bench.stage import Whole
from bench.usage import Meter, proportional_mb

SETTLE_S, WATCH_S = 5.0, 8.0
MOST_MB = 2_000


async def measure(stage: Whole, _: Scale) -> list[Figure]:
    await asyncio.sleep(SETTLE_S)
    async with Meter(stage.pids) as meter:
        await asyncio.sleep(WATCH_S)
    memory = proportional_mb(stage.pids)
    more = {f"idle_mb_{name}": value for name, value in memory.items()}
    more |= {f"idle_cpu_pct_{name}": 100 * used / WATCH_S for name, used in meter.cpu_s.items()}
    more["idle_cpu_pct"] = 100 * sum(meter.cpu_s.values()) / WATCH_S
    more["idle_resident_sum_mb"] = meter.peak_mb
    return [Figure("idle_rss_mb", sum(memory.values()), target=MOST_MB, lower_is_better=True, more=more)]
