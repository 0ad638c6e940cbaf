"""The people of a brand: searched, counted, added, kept as segments."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, StreamingResponse

from schemas.base import ContactKey, Identifier
from services.console.api import contacts as rest
from services.console.api.campaigns import cursor_key
from services.console.api.segments import reach, segment_named, segments_of
from services.console.core.cursors import encode_cursor
from services.console.hub import HubOf, Row
from services.console.pages.common import Visitor, page
from services.console.people import People
from services.console.problems import Problem, not_found

router = APIRouter()
ROWS = 50
NOBODY: dict[str, Any] = {"name": "", "email": "", "phone": "", "role": "", "city": "", "pincode": "", "zone": ""}


@router.get("/contacts")
async def listing(
    request: Request, hub: HubOf, visitor: Visitor, q: str = "", city: str = "", on: str = "", segment: str = "",
    cursor: str = "",
) -> HTMLResponse:  # fmt: skip
    """`q`: parts of what is known of a person; `on`: a list."""
    chosen = {"q": q.strip(), "city": city.strip(), "on": on.strip(), "segment": segment}
    roll, trouble = rest.roll_of(request), ""
    rows: list[Row] = []
    following = ""
    try:
        wanted = await rest.wanted_of(hub, visitor, q, city, on.strip(), segment)
        after = str(cursor_key(cursor, str)[0]) if cursor else ""
        rows, following = await roll.page(wanted, visitor.brand, ROWS, after)
    except Problem as problem:
        if problem.status != 422:
            raise
        trouble = problem.detail
    return page(
        request, "contacts.html", rows=rows, chosen=chosen, trouble=trouble, cursor=cursor,
        following=encode_cursor(following) if following else "", segments=segments_of(hub, visitor.brand),
        counts=roll.known_counts(visitor.brand), filtered=any(chosen.values()),
    )  # fmt: skip


@router.get("/contacts.csv")
async def export(
    request: Request, hub: HubOf, visitor: Visitor, q: str = "", city: str = "", on: str = "", segment: str = ""
) -> StreamingResponse:
    """Whom the list shows, all pages of it."""
    return await rest.export(request, hub, visitor, q, city, on.strip(), segment)


@router.get("/contact-counts")
async def counts(request: Request, visitor: Visitor) -> HTMLResponse:
    """Asked for by the page itself, for it takes a look at everybody."""
    found = await rest.roll_of(request).counts(visitor.brand)
    return page(request, "contacts/counts.html", counts=found, fresh=True)


@router.get("/people/new")
async def new(request: Request, visitor: Visitor) -> HTMLResponse:
    return page(request, "contacts/edit.html", contact="", known=NOBODY | {"attributes": {}, "last_active_at": None})


@router.get("/contacts/{contact}/edit")
async def edit(contact: ContactKey, request: Request, hub: HubOf, visitor: Visitor) -> HTMLResponse:
    known = await People(hub).contact(visitor.recipient(contact))
    if known is None:
        raise not_found("person", contact)
    return page(request, "contacts/edit.html", contact=contact, known=known)


@router.get("/segments")
async def segments(request: Request, hub: HubOf, visitor: Visitor) -> HTMLResponse:
    return page(request, "contacts/segments.html", segments=segments_of(hub, visitor.brand))


@router.get("/segments/{segment_id}/counts")
async def segment_counts(segment_id: Identifier, request: Request, hub: HubOf, visitor: Visitor) -> HTMLResponse:
    return page(request, "contacts/segment_counts.html", reach=await reach(segment_id, hub, visitor))


@router.get("/segments/{segment_id}/remove")
async def ask_to_remove(segment_id: Identifier, request: Request, hub: HubOf, visitor: Visitor) -> HTMLResponse:
    segment = await segment_named(hub, visitor, segment_id)
    return page(request, "contacts/segment_remove.html", segment=segment)


@router.get("/segments/{segment_id}/edit")
async def edit_segment(segment_id: str, request: Request, hub: HubOf, visitor: Visitor) -> HTMLResponse:
    """`new`: one that is yet to be."""
    chosen = request.query_params
    if segment_id == "new":
        given = {"cities": "city", "lists": "on"}
        filter_ = {name: [chosen[key]] if chosen.get(key) else [] for name, key in given.items()}
        return page(request, "contacts/segment.html", segment=None, filter=filter_)
    segment = await segment_named(hub, visitor, segment_id)
    sheet = _sheet(segment.filter.model_dump(mode="json", by_alias=True))
    return page(request, "contacts/segment.html", segment=segment, filter=sheet)


def _sheet(given: dict[str, Any]) -> dict[str, Any]:
    """A filter as the form shows it; what the form has no fields for stays as it is, under `rest`."""
    shown = ("role", "cities", "pincodes", "active_within_days", "lists", "attributes")
    others = {name: value for name, value in given.items() if name not in shown and value}
    return {name: given.get(name) for name in shown} | {"rest": others}
