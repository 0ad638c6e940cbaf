"""`/contacts` and `/contacts/import`: people as upstream systems tell of them."""

from __future__ import annotations

from typing import Annotated, Any, cast

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel
from starlette.responses import StreamingResponse

from schemas import ContactChange, ContactFields
from schemas.audience import ListName
from schemas.base import ContactKey, Time
from schemas.topics import CONSENTS, CONTACT_CHANGES
from services.console.api.campaigns import cursor_key
from services.console.api.models import ConsentItem, ContactBody, ContactView, Cursor, IdempotencyKey, Limit
from services.console.api.segments import segment_named
from services.console.auditing import entry
from services.console.core.contact_files import BadRow, ContactFile, FileError, kind_of
from services.console.core.contact_rows import BadRowError, Imported, check_fields
from services.console.core.cursors import encode_cursor
from services.console.description import CSV
from services.console.first_answers import FirstAnswersOf
from services.console.hub import Hub, HubOf
from services.console.imports import ImportRun, records_of_contact, refused_file
from services.console.people import People
from services.console.problems import not_found, one_field, rejected_fields
from services.console.queries.contacts import SHORTEST_WORD, Wanted, words_of
from services.console.roll import Roll
from services.console.security import Caller, Identity

router = APIRouter(tags=["contacts"])
Search = Annotated[str, Query(description="parts of id, name, mail address, number or city; each must be found")]
City = Annotated[str, Query(description="only of this city")]
OnList = Annotated[str, Query(alias="list", description="only who is on this list")]
InSegment = Annotated[str, Query(description="only whom this segment means")]


class ContactItem(BaseModel):
    contact: str
    name: str
    email: str
    phone: str
    role: str
    city: str
    pincode: str
    zone: str
    lists: list[str]
    last_active_at: Time | None


class ContactPage(BaseModel):
    items: list[ContactItem]
    next: str | None


class ImportResult(BaseModel):
    imported: int
    opt_ins: int
    rejected: int
    errors: list[BadRow]
    """The bad rows, by line; at most 10,000 of them."""


@router.post("/contacts/import")
async def import_contacts(
    request: Request,
    hub: HubOf,
    caller: Caller,
    answers: FirstAnswersOf,
    name: str = "",
    onto: Annotated[ListName | None, Query(alias="list", description="the list that all of them come onto")] = None,
    key: IdempotencyKey = None,
) -> ImportResult:
    """CSV or NDJSON as the body. Good rows go in, bad ones come back with line and reason. Empty: unchanged."""
    if first := answers.get(caller.brand, "import", key):
        return cast(ImportResult, first)
    try:
        kind = kind_of(request.headers.get("content-type", ""), name)
    except FileError as error:
        raise refused_file(error) from None
    region = hub.settings.phone_region or None
    imported = Imported(caller.brand, hub.now(), f"import {name}".strip(), region, onto or "")
    run = ImportRun(hub, ContactFile(kind, imported), records_of_contact)
    try:
        await run.take_body(request)
    finally:
        counts = f"{run.good:,} people, {run.told[CONSENTS]:,} opt-ins, {run.bad:,} bad rows"
        await hub.audit(entry(caller, hub.now(), "contact.import", "contacts", detail=counts))
    result = ImportResult(imported=run.good, opt_ins=run.told[CONSENTS], rejected=run.bad, errors=run.errors)
    return answers.put(caller.brand, "import", key, result)


@router.get("/contacts")
async def listing(
    request: Request,
    hub: HubOf,
    caller: Caller,
    search: Search = "",
    city: City = "",
    onto: OnList = "",
    segment: InSegment = "",
    cursor: Cursor = "",
    limit: Limit = 50,
) -> ContactPage:
    """In the order of their ids."""
    wanted = await wanted_of(hub, caller, search, city, onto, segment)
    after = str(cursor_key(cursor, str)[0]) if cursor else ""
    rows, following = await roll_of(request).page(wanted, caller.brand, limit, after)
    items = [ContactItem.model_validate(row) for row in rows]
    return ContactPage(items=items, next=encode_cursor(following) if following else None)


@router.get("/contacts.csv", response_class=StreamingResponse, responses=CSV)
async def export(
    request: Request, hub: HubOf, caller: Caller, search: Search = "", city: City = "", onto: OnList = "",
    segment: InSegment = "",
) -> StreamingResponse:  # fmt: skip
    """All of them, in columns that an import takes, written as they are read."""
    wanted = await wanted_of(hub, caller, search, city, onto, segment)
    headers = {"Content-Disposition": 'attachment; filename="contacts.csv"'}
    lines = roll_of(request).file(wanted, caller.brand)
    return StreamingResponse(lines, media_type="text/csv; charset=utf-8", headers=headers)


async def wanted_of(hub: Hub, caller: Identity, search: str, city: str, onto: str, segment: str) -> Wanted:
    """Raises `Problem`: 404 for a segment that there is not, 422 for a search that is too short."""
    words = words_of(search)
    if search.strip() and not words:
        message = (
            f"write at least {SHORTEST_WORD} letters of the name, the mail address, the number, the id or the city"
        )
        raise one_field("search", "too_short", message)
    found = await segment_named(hub, caller, segment) if segment else None
    return Wanted(tuple(words), city.strip(), onto, found.filter if found else None)


def roll_of(request: Request) -> Roll:
    return cast(Roll, request.app.state.roll)


@router.get("/contacts/{contact}")
async def show(contact: ContactKey, hub: HubOf, caller: Caller) -> ContactView:
    recipient, people = caller.recipient(contact), People(hub)
    row = await people.contact(recipient)
    if row is None:
        raise not_found("contact", contact)
    consents = [ConsentItem.model_validate(item) for item in await people.standing_consents(recipient)]
    return ContactView.model_validate(row | {"contact": contact, "recipient": recipient, "consents": consents})


@router.put("/contacts/{contact}", status_code=202)
async def replace(contact: ContactKey, body: ContactBody, hub: HubOf, caller: Caller) -> dict[str, Any]:
    """The whole record: what is left out is emptied. It shows a moment later, when it has been merged."""
    fields = body.model_dump(exclude={"occurred_at"}, exclude_unset=True)
    try:
        check_fields(fields, hub.settings.phone_region or None)
    except BadRowError as error:
        raise rejected_fields([error.error]) from None
    change = ContactChange(
        recipient=caller.recipient(contact),
        occurred_at=body.occurred_at or hub.now(),
        set=ContactFields.model_validate(fields),
        replace=True,
    )
    told = entry(caller, hub.now(), "contact.replace", recipient=change.recipient)
    await hub.publish(CONTACT_CHANGES, change.recipient, change.write(), told)
    return change.model_dump(mode="json") | {"contact": contact}
