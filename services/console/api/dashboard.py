"""`/dashboard`: the five figures, and what needs attention."""

from __future__ import annotations

from fastapi import APIRouter, Request

from services.console.core.dashboard import Dashboard
from services.console.overview import Overview
from services.console.security import Caller

router = APIRouter(tags=["dashboard"])


@router.get("/dashboard")
async def show(request: Request, caller: Caller) -> Dashboard:
    overview: Overview = request.app.state.overview
    return await overview.figures(caller)
