"""The command palette: places and campaigns by a part of their name, from memory."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from schemas import CampaignStatus
from services.console.core.listing import Entry, entries
from services.console.core.matching import best
from services.console.hub import HubOf
from services.console.pages.common import Visitor, page
from services.console.pages.navigation import ACTIONS, MAIN, SETTINGS, places
from services.console.texts import _, gettext

router = APIRouter()
MOST_CAMPAIGNS = 8


@dataclass(frozen=True)
class Hit:
    label: str
    path: str
    kind: str
    """What it is, in a word, as the reader sees it."""


@router.get("/palette")
async def hits(request: Request, hub: HubOf, visitor: Visitor, q: str = "") -> HTMLResponse:
    """Options of the palette's list. Whoever is not found here may be a person: the last option looks for them."""
    text = q.strip()[:200]
    here = [
        Hit(gettext(place.label), place.path, gettext(kind))
        for kind, among in ((_("Go to"), MAIN + SETTINGS), (_("Do"), ACTIONS))
        for place in places(visitor.role, among)
    ]
    campaigns = [
        Hit(
            entry.name or gettext("New campaign"),
            f"/campaigns/{quote(entry.campaign_id, safe='')}",
            gettext(_kind(entry)),
        )
        for entry in entries(hub.campaigns_of(visitor), hub.drafts_of(visitor))
        if entry.record or visitor.role != "viewer"
    ]
    found = best(text, here, lambda hit: hit.label)
    found += best(text, campaigns, lambda hit: f"{hit.label} {hit.path}")[:MOST_CAMPAIGNS]
    if text:
        label = gettext("Look for “%(text)s” among the people") % {"text": text}
        found.append(Hit(label, f"/contacts?q={quote(text)}", gettext("People")))
    return page(request, "parts/palette_hits.html", hits=found)


def _kind(entry: Entry) -> str:
    return _("Draft") if entry.status is CampaignStatus.DRAFT else _("Campaign")
