"""Who may act for the brand: people and their login links, machines and their keys."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from services.console.api.operators import MACHINE, PERSON, of_the_brand
from services.console.core.operators import of_brand
from services.console.hub import HubOf
from services.console.pages.common import Visitor, page

router = APIRouter()


@router.get("/operators")
async def people(request: Request, hub: HubOf, visitor: Visitor) -> HTMLResponse:
    found = of_brand(hub.operators.items, visitor.brand, PERSON)
    return page(request, "settings/operators.html", operators=found, now=hub.now())


@router.get("/operators/{operator_id}/{act}")
async def ask(operator_id: str, act: str, request: Request, hub: HubOf, visitor: Visitor) -> HTMLResponse:
    """The content of a dialog; `act`: change, link or, as all else, remove."""
    operator = of_the_brand(hub, visitor, operator_id, PERSON)
    name = act if act in ("change", "link") else "remove"
    return page(request, f"settings/operator_{name}.html", operator=operator)


@router.get("/api-keys")
async def keys(request: Request, hub: HubOf, visitor: Visitor) -> HTMLResponse:
    return page(request, "settings/api_keys.html", keys=of_brand(hub.operators.items, visitor.brand, MACHINE))


@router.get("/api-keys/{key_id}/revoke")
async def ask_to_revoke(key_id: str, request: Request, hub: HubOf, visitor: Visitor) -> HTMLResponse:
    return page(request, "settings/api_key_revoke.html", key=of_the_brand(hub, visitor, key_id, MACHINE))
