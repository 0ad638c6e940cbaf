"""The page of a person: what became of each message, as a time line and in words."""

from __future__ import annotations

import asyncio
from datetime import datetime
from urllib.parse import quote

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from schemas import Status
from schemas.base import ContactKey
from schemas.status import RANK
from services.console.hub import HubOf, Row
from services.console.pages.common import Visitor, page
from services.console.people import People
from services.console.problems import not_found

router = APIRouter()
SHOWN = 10
"""Campaigns that are explained on one page, the newest."""


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
async def show(contact: ContactKey, request: Request, hub: HubOf, visitor: Visitor, campaign: str = "") -> HTMLResponse:
    """`campaign`: explain this one, also where nothing of it is in the ledger."""
    people, recipient = People(hub), visitor.recipient(contact)
    ids = [] if campaign else await people.campaigns_of(recipient, SHOWN)
    records = [await hub.campaign(campaign, visitor)] if campaign else [
        record for id_ in ids if (record := hub.campaigns.items.get(id_)) and record.brand == visitor.brand
    ]  # fmt: skip
    known, events, consents = await asyncio.gather(
        people.contact(recipient), people.ledger(recipient), people.standing_consents(recipient)
    )
    explanations = await asyncio.gather(*(people.explain(record, recipient) for record in records))
    if known is None and not events and not explanations:
        raise not_found("person", contact)
    return page(
        request, "recipient.html", contact=contact, known=known, explanations=explanations, events=newest_first(events),
        consents=consents, campaigns=hub.campaigns.items, only=campaign,
    )  # fmt: skip
