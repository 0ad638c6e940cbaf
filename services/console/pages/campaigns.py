"""The list of campaigns, and the live page of one."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter, Request
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.responses import HTMLResponse

from schemas import CampaignRecord
from services.console.api.campaigns import cursor_key
from services.console.core.cursors import encode_cursor
from services.console.core.figures import Stats
from services.console.hub import HubOf
from services.console.live import StatsDesk
from services.console.pages.common import Visitor, page, templates
from services.console.sends import WORDS, Chosen, Sends, statuses_of
from services.console.watch import watch

router = APIRouter()
NEWEST = 100
PEOPLE = 100
"""Rows of a page of people."""
REGIONS = ("actions", "head", "steps", "reasons", "money")
"""Parts of the page that are sent again when they change, each from its own template."""


@router.get("/campaigns")
async def listing(request: Request, hub: HubOf, visitor: Visitor) -> HTMLResponse:
    records = hub.campaigns_of(visitor)
    desk: StatsDesk = request.app.state.stats
    rows = [(record, await desk.stats(record) if record.launched_at else None) for record in records[:NEWEST]]
    return page(request, "campaigns.html", rows=rows, more=max(0, len(records) - NEWEST))


@router.get("/campaigns/{campaign_id}")
async def show(campaign_id: str, request: Request, hub: HubOf, visitor: Visitor) -> HTMLResponse:
    record = await hub.campaign(campaign_id, visitor)
    desk: StatsDesk = request.app.state.stats
    regions = _regions(record, await desk.stats(record))
    return page(request, "campaign.html", record=record, regions=regions)


@router.get("/campaigns/{campaign_id}/people")
async def people(
    campaign_id: str,
    request: Request,
    hub: HubOf,
    visitor: Visitor,
    status: str = "",
    channel: str = "",
    cursor: str = "",
) -> HTMLResponse:
    """Who stands where, and why; each leads to the person's own page."""
    record = await hub.campaign(campaign_id, visitor)
    step, ord_ = cursor_key(cursor, int, int) if cursor else (1, 0)
    chosen = Chosen(statuses_of(status, record), channel, step, ord_, PEOPLE)
    rows, following = await Sends(hub).page(record, chosen)
    return page(
        request, "people.html", record=record, rows=rows, wanted=status, channel=channel, page_size=PEOPLE,
        next=encode_cursor(*following) if following else "", statuses=WORDS,
        channels=list(dict.fromkeys(step.channel.value for step in record.steps)),
    )  # fmt: skip


@router.get("/campaigns/{campaign_id}/live")
async def live(campaign_id: str, request: Request, hub: HubOf, visitor: Visitor) -> EventSourceResponse:
    """`regions`: {name: HTML} of what has changed; `activity`: HTML of new lines; `problem`: a sentence."""
    await hub.campaign(campaign_id, visitor)

    async def stream() -> AsyncIterator[ServerSentEvent]:
        shown: dict[str, str] = {}
        async for change in watch(request, campaign_id, visitor):
            if change.stats is not None:
                now = _regions(await hub.campaign(campaign_id, visitor), change.stats)
                fresh = {name: html for name, html in now.items() if shown.get(name) != html}
                shown = now
                yield ServerSentEvent(event="regions", data=json.dumps(fresh))
            elif change.activity:
                yield ServerSentEvent(event="activity", data=_html("parts/activity.html", events=change.activity))
            else:
                yield ServerSentEvent(event="problem", data=json.dumps(change.problem))

    return EventSourceResponse(stream(), ping=15)


def _regions(record: CampaignRecord, stats: Stats) -> dict[str, str]:
    return {name: _html(f"parts/{name}.html", record=record, stats=stats) for name in REGIONS}


def _html(template: str, **values: Any) -> str:
    return templates.get_template(template).render(**values)
