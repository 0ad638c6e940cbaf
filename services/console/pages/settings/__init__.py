"""The settings' pages: one module a tab; the frame leads to the first of them."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response

from services.console.pages.common import Visitor
from services.console.pages.navigation import SETTINGS, places
from services.console.pages.settings import approvals, audit, brand, dead_letters, me, operators, uncertain

router = APIRouter(prefix="/settings")


@router.get("")
async def first(visitor: Visitor) -> Response:
    return RedirectResponse(places(visitor.role, SETTINGS)[0].path, status_code=303)


for tab in (brand, operators, approvals, uncertain, dead_letters, audit, me):
    router.include_router(tab.router)
