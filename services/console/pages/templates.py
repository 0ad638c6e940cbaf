"""The brand's library: which templates there are, who uses them, and the page on which one is written."""

from __future__ import annotations

from collections import Counter
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from schemas import Channel, Draft, Template
from schemas.base import Identifier
from services.console.api.templates import library_of, template_named
from services.console.core.drafts import name_of
from services.console.hub import Hub, HubOf
from services.console.pages.common import Visitor, page
from services.console.security import Identity

router = APIRouter()


@router.get("/templates")
async def listing(request: Request, hub: HubOf, visitor: Visitor, channel: str = "", name: str = "") -> HTMLResponse:
    """By channel and name; `name`: a part of it, or of the id."""
    library, text = library_of(hub, visitor), name.strip().lower()
    found = [
        each for each in library
        if channel in ("", each.channel.value) and (text in each.name.lower() or text in each.template_id.lower())
    ]  # fmt: skip
    return page(
        request, "templates.html", found=found, any_template=bool(library), wanted=channel, name=name,
        channels=[each.value for each in Channel], uses=_uses(hub, visitor),
    )  # fmt: skip


@router.get("/templates/new")
async def new(request: Request, visitor: Visitor, channel: Channel = Channel.EMAIL) -> HTMLResponse:
    return page(request, "templates/edit.html", kept=None, channel=channel.value, content={}, used=[],
                channels=[each.value for each in Channel])  # fmt: skip


@router.get("/templates/{template_id}")
async def show(template_id: Identifier, request: Request, hub: HubOf, visitor: Visitor) -> HTMLResponse:
    found = await template_named(hub, visitor, template_id)
    return page(
        request, "templates/edit.html", kept=found, channel=found.channel.value, content=found.content,
        used=_used(hub, visitor, found), channels=[],
    )  # fmt: skip


def _uses(hub: Hub, visitor: Identity) -> Counter[str]:
    """How many campaigns have a content from each, drafts included."""
    found = Counter(use.template_id for record in hub.campaigns_of(visitor) for use in record.templates.values())
    for draft in hub.drafts_of(visitor):
        found.update(_named(draft))
    return found


def _used(hub: Hub, visitor: Identity, template: Template) -> list[dict[str, Any]]:
    """Campaigns with a content from it, the newest first, and the version that each keeps; of drafts, none yet."""
    rows: list[dict[str, Any]] = [
        {"id": draft.draft_id, "name": name_of(draft.sheet) or draft.draft_id, "status": "draft", "version": None,
         "href": f"/campaigns/{draft.draft_id}/edit/content"}
        for draft in hub.drafts_of(visitor)
        if template.template_id in _named(draft)
    ]  # fmt: skip
    return rows + [
        {"id": record.campaign_id, "name": record.name, "status": record.status.value, "version": use.version,
         "href": f"/campaigns/{record.campaign_id}"}
        for record in hub.campaigns_of(visitor)
        for use in record.templates.values()
        if use.template_id == template.template_id
    ]  # fmt: skip


def _named(draft: Draft) -> list[str]:
    """The templates that contents of it are to be from."""
    named = draft.sheet.get("templates")
    return [name for name in named.values() if isinstance(name, str)] if isinstance(named, dict) else []
