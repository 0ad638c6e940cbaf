"""One watcher of a campaign: what has changed, as it changes, until the campaign, the page or the process ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Literal

from fastapi import Request

from schemas import CampaignStatus
from services.console.activity import ActivityFeed
from services.console.core.figures import Stats
from services.console.hub import Hub
from services.console.live import StatsDesk
from services.console.problems import Problem
from services.console.security import Identity
from services.runtime import metrics

INTERVAL_S = 1.0


@dataclass(frozen=True)
class Change:
    kind: Literal["stats", "activity", "problem"]
    stats: Stats | None = None
    activity: tuple[dict[str, Any], ...] = ()
    problem: str = ""

    def json(self) -> str:
        if self.stats is not None:
            return self.stats.model_dump_json()
        return json.dumps(self.problem if self.kind == "problem" else self.activity)


async def watch(request: Request, campaign_id: str, identity: Identity) -> AsyncIterator[Change]:
    """`stats` at once and when they change, `activity` with the newest events; a failure is told and got over."""
    state = request.app.state
    hub: Hub = state.hub
    desk: StatsDesk = state.stats
    feed: ActivityFeed = state.activity
    stop: asyncio.Event = state.stop
    told: Stats | None = None
    metrics.live_pages.inc()
    try:
        with feed.following(campaign_id) as news:
            while not stop.is_set() and not await request.is_disconnected():
                try:
                    record = await hub.campaign(campaign_id, identity)
                    stats = await desk.stats(record)
                except Problem as problem:
                    yield Change("problem", problem=problem.detail)
                else:
                    if stats != told:
                        told = stats
                        yield Change("stats", stats=stats)
                if fresh := news.take():
                    yield Change("activity", activity=fresh)
                ended = told is not None and told.status in (CampaignStatus.COMPLETED, CampaignStatus.CANCELLED)
                await pause(stop, INTERVAL_S * (5 if ended else 1))
    finally:
        metrics.live_pages.dec()


async def pause(stop: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return
