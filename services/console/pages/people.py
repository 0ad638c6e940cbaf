"""The page of a person: who it is, what they agreed to, what became of each message, and why."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from schemas import CampaignRecord, Channel, Status
from schemas.base import ContactKey
from schemas.status import RANK
from services.console.api import erasure
from services.console.api.recipients import cursor_of, place_of
from services.console.core.consents import standing
from services.console.core.events import NEWEST, following
from services.console.hub import HubOf, Row
from services.console.pages.common import Visitor, page
from services.console.people import People
from services.console.problems import not_found
from services.domain.explain import Explanation

router = APIRouter()
EVENTS = 60
"""Of the time line, at once."""
CHOICES = 200
"""Campaigns that one may ask about from a list, the newest; of any other by its address."""


@dataclass(frozen=True)
class Said:
    """What holds for one channel and purpose."""

    channel: str
    purpose: str
    state: str
    """Empty: nobody has said anything."""
    reason: str = ""
    at: datetime | None = None


def newest_first(events: list[Row]) -> list[Row]:
    """Providers tell whole seconds: within one, the order is that of a message's life."""

    def key(event: Row) -> tuple[datetime, int]:
        return event["occurred_at"].replace(microsecond=0), RANK[Status(event["status"])]

    return sorted(events, key=key, reverse=True)


@router.get("/recipients")
async def find(_visitor: Visitor, contact: ContactKey, campaign: str = "") -> Response:
    """The form on a campaign's page asks so."""
    query = f"?campaign={quote(campaign, safe='')}" if campaign else ""
    return RedirectResponse(f"/recipients/{quote(contact, safe='')}{query}", status_code=303)


@router.get("/recipients/{contact}")
@router.get("/contacts/{contact}")
async def show(
    contact: ContactKey, request: Request, hub: HubOf, visitor: Visitor, campaign: str = "", cursor: str = "",
    saved: str = "",
) -> HTMLResponse:  # fmt: skip
    """`campaign`: explain this one, whether or not the ledger has anything of it. `saved`: they may be on the way."""
    people, recipient = People(hub), visitor.recipient(contact)
    place = place_of(cursor, NEWEST)
    record = await hub.campaign(campaign, visitor) if campaign else None
    known, events, words, explanation = await asyncio.gather(
        people.contact(recipient), people.newest(recipient, place, EVENTS + 1),
        people.words(recipient), _explanation(people, record, recipient),
    )  # fmt: skip
    if known is None and not events and explanation is None:
        if not saved:
            raise not_found("person", contact)
        return page(request, "contacts/on_the_way.html", contact=contact)
    shown = events[:EVENTS]
    return page(
        request, "recipient.html", contact=contact, known=known, explanation=explanation, events=newest_first(shown),
        following=cursor_of(following(shown)) if len(events) > EVENTS else "", cursor=cursor,
        consents=_said(standing(words)), words=words[::-1], campaigns=hub.campaigns.items, only=campaign,
        choices=_choices(hub, visitor, campaign),
    )  # fmt: skip


@router.get("/contacts/{contact}/say")
async def ask_what_was_said(
    contact: ContactKey, request: Request, visitor: Visitor, channel: str = "all", state: str = "opted_out"
) -> HTMLResponse:
    """Before a word on consent is recorded: what it will do, and how it is proven."""
    channels = [*(each.value for each in Channel), "all"]
    if channel not in channels or state not in ("opted_in", "opted_out"):
        raise not_found("channel", channel)
    return page(request, "contacts/say.html", contact=contact, channel=channel, state=state)


@router.get("/recipients/{contact}/forget")
async def ask_to_erase(contact: ContactKey, request: Request, hub: HubOf, visitor: Visitor) -> HTMLResponse:
    """What an erasure does, and how far one is that was asked for."""
    found = await erasure.erasure(contact, hub, visitor)
    return page(request, "contacts/erase.html", contact=contact, erasure=found)


async def _explanation(people: People, record: CampaignRecord | None, recipient: str) -> Explanation | None:
    return await people.explain(record, recipient) if record else None


def _said(rows: list[Row]) -> list[Said]:
    """Of each channel what holds for marketing, and what was said of other purposes."""
    said = [Said(row["channel"], row["purpose"], row["state"], row["reason"], row["at"]) for row in rows]
    named = {each.channel for each in said if each.purpose == "marketing"}
    silent = [
        Said(each.value, "marketing", "") for each in Channel if each is not Channel.SOCIAL and each.value not in named
    ]
    order = [each.value for each in Channel]
    return sorted([*said, *silent], key=lambda each: (order.index(each.channel), each.purpose))


def _choices(hub: HubOf, visitor: Visitor, chosen: str) -> list[CampaignRecord]:
    own = [record for record in hub.campaigns_of(visitor) if record.launched_at or record.campaign_id == chosen]
    return own[:CHOICES]
