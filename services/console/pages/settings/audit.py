"""Who did what, and when."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from services.console.api import audit as api
from services.console.hub import HubOf
from services.console.pages.common import Visitor, page

router = APIRouter()
ROWS = 50


@router.get("/audit")
async def listing(
    request: Request, hub: HubOf, visitor: Visitor, operator: str = "", action: str = "", about: str = "",
    cursor: str = "",
) -> HTMLResponse:  # fmt: skip
    """The newest first. `about`: an object such as `campaign/summer`, or a person as `brand/contact`."""
    chosen = {"operator": operator.strip(), "action": action.strip(), "about": about.strip()}
    found = await api.listing(hub, visitor, chosen["operator"], chosen["action"], chosen["about"], cursor, ROWS)
    return page(request, "settings/audit.html", entries=found.items, following=found.next, cursor=cursor, chosen=chosen)
