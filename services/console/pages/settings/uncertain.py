"""Messages of which nobody knows whether they left, and the decision of somebody who knows better."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from services.console.api import uncertain as api
from services.console.hub import HubOf
from services.console.pages.common import Visitor, page

router = APIRouter()
ROWS = 50


@router.get("/uncertain")
async def listing(request: Request, hub: HubOf, visitor: Visitor, cursor: str = "") -> HTMLResponse:
    found = await api.listing(hub, visitor, cursor, ROWS)
    return page(
        request, "settings/uncertain.html", sends=found["items"], following=found["next"], cursor=cursor,
        campaigns=hub.campaigns.items,
    )  # fmt: skip


@router.get("/uncertain/{campaign_id}/{step}/{contact}")
async def ask(
    campaign_id: str, step: int, contact: str, request: Request, hub: HubOf, visitor: Visitor
) -> HTMLResponse:
    """The content of the dialog. Raises `Problem`: 404, 409 where it is in no doubt any more."""
    send = await api.in_doubt(hub, visitor, campaign_id, step, contact)
    record = hub.campaigns.items[campaign_id]
    return page(request, "settings/uncertain_send.html", send=send, record=record, contact=contact)
