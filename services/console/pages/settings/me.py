"""Whoever is signed in: name, password, sessions."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from services.console.hub import HubOf
from services.console.pages.common import Visitor, page
from services.console.passwords import SHORTEST

router = APIRouter()


@router.get("/me")
async def show(request: Request, hub: HubOf, visitor: Visitor) -> HTMLResponse:
    operator = hub.operators.items.get(visitor.operator)
    person = operator if operator is not None and operator.kind == "person" else None
    return page(request, "settings/me.html", person=person, shortest=SHORTEST, by_link=visitor.by == "link")
