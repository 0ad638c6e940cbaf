"""The list of campaigns, and the live page of one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import quote

from fastapi import APIRouter, Request
from markupsafe import escape
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.responses import HTMLResponse, RedirectResponse, Response

from schemas import CampaignRecord, CampaignStatus
from services.console.api.campaigns import after_cursor, cursor_of
from services.console.core.figures import Stats
from services.console.core.listing import Entry, entries
from services.console.drafts import draft_key
from services.console.hub import HubOf
from services.console.live import StatsDesk
from services.console.overview import Overview
from services.console.pages.common import Visitor, page, templates
from services.console.security import Identity
from services.console.watch import watch

router = APIRouter()
ROWS = 25
REGIONS = ("title", "actions", "head", "steps", "reasons", "money", "plan")
"""Parts of the page that are sent again when they change, each from its own template."""
MOVING = frozenset({CampaignStatus.ACTIVE, CampaignStatus.PAUSED})


@router.get("/campaigns")
async def listing(
    request: Request, hub: HubOf, visitor: Visitor, name: str = "", status: str = "", cursor: str = ""
) -> HTMLResponse:
    """The newest first; `name`: a part of the name or id."""
    listed, text = entries(hub.campaigns_of(visitor), hub.drafts_of(visitor)), name.strip().lower()
    found = [entry for entry in listed if status in ("", entry.status.value) and entry.holds(text)]
    rest = after_cursor(found, cursor)
    overview: Overview = request.app.state.overview
    records = [entry.record for entry in rest[:ROWS] if entry.record]
    stats = await overview.settled([each for each in records if each.status in MOVING and each.launched_at])
    rows = [_row(entry, stats.get(entry.campaign_id)) for entry in rest[:ROWS]]
    return page(
        request, "campaigns.html", rows=rows, found=len(found), any_campaign=bool(listed), name=name, wanted=status,
        cursor=cursor, following=cursor_of(rest[ROWS - 1]) if len(rest) > ROWS else "",
        statuses=[each.value for each in CampaignStatus],
    )  # fmt: skip


def _row(entry: Entry, stats: Stats | None) -> tuple[Entry, int | None, int]:
    """The campaign, its planned and its settled messages. One that has ended has settled all: nobody needs be asked."""
    record = entry.record
    if stats is not None:
        return entry, stats.planned, stats.settled
    if record is None or record.launched_at is None or record.audience is None:
        return entry, None, 0
    planned = record.audience.count * len(record.steps)
    return entry, planned, planned if record.ended_at else 0


@router.get("/campaigns/{campaign_id}")
async def show(campaign_id: str, request: Request, hub: HubOf, visitor: Visitor) -> Response:
    """Of one that is still being written there is nothing to show: on to where it is."""
    if campaign_id not in hub.campaigns.items and draft_key(visitor.brand, campaign_id) in hub.drafts.items:
        return RedirectResponse(f"/campaigns/{quote(campaign_id, safe='')}/edit", status_code=303)
    record = await hub.campaign(campaign_id, visitor)
    desk: StatsDesk = request.app.state.stats
    regions = _regions(record, await desk.lately(record), visitor)
    return page(request, "campaign.html", record=record, regions=regions)


@router.get("/campaigns/{campaign_id}/live")
async def live(campaign_id: str, request: Request, hub: HubOf, visitor: Visitor) -> EventSourceResponse:
    """An event for each region that has changed, named as it is, with its HTML; `activity`: lines; `problem`: words."""
    await hub.campaign(campaign_id, visitor)

    async def stream() -> AsyncIterator[ServerSentEvent]:
        shown: dict[str, str] = {}
        async for change in watch(request, campaign_id, visitor):
            if change.stats is not None:
                now = _regions(await hub.campaign(campaign_id, visitor), change.stats, visitor)
                for name, html in now.items():
                    if shown.get(name) != html:
                        yield ServerSentEvent(event=name, data=html)
                shown = now
            elif change.activity:
                yield ServerSentEvent(event="activity", data=_html("parts/activity.html", events=change.activity))
            else:
                yield ServerSentEvent(event="problem", data=str(escape(change.problem)))

    return EventSourceResponse(stream(), ping=15)


def _regions(record: CampaignRecord, stats: Stats, visitor: Identity) -> dict[str, str]:
    return {name: _html(f"parts/{name}.html", record=record, stats=stats, role=visitor.role) for name in REGIONS}


def _html(template: str, **values: Any) -> str:
    return templates.get_template(template).render(**values)
