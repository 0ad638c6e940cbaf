"""The settings' frame: leads to its first tab."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import RedirectResponse, Response

from services.console.pages.common import Visitor
from services.console.pages.navigation import SETTINGS, places

router = APIRouter(prefix="/settings")


@router.get("")
async def first(visitor: Visitor) -> Response:
    return RedirectResponse(places(visitor.role, SETTINGS)[0].path, status_code=303)
