"""From the first of so many to the last: how many that were, how long it took, and what was used for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bench.stage import Bare, Service
from bench.usage import Meter


@dataclass(frozen=True)
class Stretch:
    done: int
    """Without what had been done when the clock began."""
    began: float
    """By `time.perf_counter`."""
    seconds: float
    used: Meter
    """By the service."""
    engine: Meter
    """By ClickHouse."""

    @property
    def per_s(self) -> float:
        return self.done / self.seconds


async def stretch(
    stage: Bare, service: Service, count: int, so_far: Callable[[], Awaitable[int]], look_s: float
) -> Stretch:
    """The clock begins when `so_far` is no longer 0, and stops when it is `count`. Raises what `require_alive` does."""
    while not (first := await so_far()):
        service.require_alive()
        await asyncio.sleep(look_s)
    async with Meter(service.pids) as used, Meter(stage.engine) as engine:
        began = time.perf_counter()
        while await so_far() < count:
            service.require_alive()
            await asyncio.sleep(look_s)
        seconds = time.perf_counter() - began
        used.stop()
        engine.stop()
    return Stretch(count - first, began, seconds, used, engine)
