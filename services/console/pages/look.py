"""The look of a brand's mails, beside a mail that has it."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from services.console.hub import HubOf
from services.console.pages.common import Visitor, page
from services.domain.brands import brand_named

router = APIRouter()


@router.get("/settings/look")
async def show(request: Request, hub: HubOf, visitor: Visitor) -> HTMLResponse:
    brand = brand_named(hub.brands.items, visitor.brand)
    return page(request, "settings/look.html", brand=brand, look=brand.look)
