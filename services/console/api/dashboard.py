"""`/dashboard`: the five figures, and what needs attention."""

from __future__ import annotations

from fastapi import APIRouter, Request

from schemas import CampaignStatus
from services.console.core.dashboard import Dashboard, dashboard
from services.console.hub import Hub, HubOf
from services.console.live import StatsDesk
from services.console.queries import stats as queries
from services.console.security import Caller, Identity

router = APIRouter(tags=["dashboard"])
WATCHED = 20
"""Running campaigns whose channels are looked at, the newest."""


@router.get("/dashboard")
async def show(request: Request, hub: HubOf, caller: Caller) -> Dashboard:
    return await figures(hub, request.app.state.stats, caller)


async def figures(hub: Hub, desk: StatsDesk, caller: Identity) -> Dashboard:
    records = hub.campaigns_of(caller)
    ids = [record.campaign_id for record in records if record.launched_at]
    spent = await hub.tuples(queries.SPENT_BY_CAMPAIGN, campaigns=ids) if ids else []
    channels = await hub.tuples(queries.REACHED_BY_CHANNEL, campaigns=ids) if ids else []
    active = [record for record in records if record.status is CampaignStatus.ACTIVE][:WATCHED]
    running = [(record, await desk.stats(record)) for record in active]
    return dashboard(
        records,
        {row[0]: row[1] for row in spent},
        {row[0]: (row[1], row[2]) for row in channels},
        running,
    )
