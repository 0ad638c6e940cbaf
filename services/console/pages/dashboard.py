"""The dashboard: five figures, two charts and what needs attention, live."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter, Request
from markupsafe import escape
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.responses import HTMLResponse

from services.console.core.dashboard import Dashboard
from services.console.hub import Hub, HubOf
from services.console.overview import Overview
from services.console.pages.common import Visitor, page, templates
from services.console.problems import Problem
from services.console.security import Identity
from services.console.watch import pause
from services.runtime import metrics

router = APIRouter()
REGIONS = ("figures", "attention", "by_status", "by_channel")
INTERVAL_S = 2.0


@router.get("/")
async def show(request: Request, hub: HubOf, visitor: Visitor) -> HTMLResponse:
    return page(request, "dashboard.html", regions=_regions(hub, visitor, await _overview(request).lately(visitor)))


@router.get("/live")
async def live(request: Request, hub: HubOf, visitor: Visitor) -> EventSourceResponse:
    """An event for each region that has changed, named as it is, with its HTML; `problem`: a sentence."""
    return EventSourceResponse(_changes(request, hub, visitor), ping=15)


async def _changes(request: Request, hub: Hub, visitor: Identity) -> AsyncIterator[ServerSentEvent]:
    stop: asyncio.Event = request.app.state.stop
    shown: dict[str, str] = {}
    metrics.live_pages.inc()
    try:
        while not stop.is_set() and not await request.is_disconnected():
            try:
                now = _regions(hub, visitor, await _overview(request).figures(visitor))
            except Problem as problem:
                yield ServerSentEvent(event="problem", data=str(escape(problem.detail)))
            else:
                for name, html in now.items():
                    if shown.get(name) != html:
                        yield ServerSentEvent(event=name, data=html)
                shown = now
            await pause(stop, INTERVAL_S)
    finally:
        metrics.live_pages.dec()


def _overview(request: Request) -> Overview:
    overview: Overview = request.app.state.overview
    return overview


def _regions(hub: Hub, visitor: Identity, figures: Dashboard) -> dict[str, str]:
    names = {record.campaign_id: record.name for record in hub.campaigns_of(visitor)}
    return {name: _html(f"dashboard/{name}.html", figures=figures, names=names) for name in REGIONS}


def _html(template: str, **values: Any) -> str:
    return templates.get_template(template).render(**values)
