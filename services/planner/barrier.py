"""When ClickHouse's silence means something: once everybody has passed what was there when the question was asked."""

from __future__ import annotations

import asyncio

from schemas.topics import DELIVERY_EVENTS, ROUTER_GROUP, SEND_REQUESTED, TRACKER_GROUP
from services.planner.core.sweep import Offsets, passed
from services.planner.shared import Shared
from services.runtime import metrics

POLL_S = 0.1


class Barrier:
    def __init__(self, shared: Shared) -> None:
        self.shared = shared

    async def wait(self, stop: asyncio.Event) -> bool:
        """Until the router has passed all requests, and router and tracker all that came of them. False: stopped."""
        metrics.sweep_barrier_since.set_to_current_time()
        try:
            return await self._wait(stop)
        finally:
            metrics.sweep_barrier_since.set(0)

    async def _wait(self, stop: asyncio.Event) -> bool:
        offsets = self.shared.offsets
        requested = await offsets.ends([SEND_REQUESTED])
        if not await self._until_passed(ROUTER_GROUP, requested, stop):
            return False
        events = await offsets.ends([DELIVERY_EVENTS])
        routed = await offsets.ends(self.shared.send_topics())
        return await self._until_passed(ROUTER_GROUP, events, stop) and await self._until_passed(
            TRACKER_GROUP, {**events, **routed}, stop
        )

    async def _until_passed(self, group: str, ends: Offsets, stop: asyncio.Event) -> bool:
        while not passed(await self.shared.offsets.committed(group), ends):
            if stop.is_set():
                return False
            await asyncio.sleep(POLL_S)
        return True
