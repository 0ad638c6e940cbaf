"""`/consents`: what a person agreed to or declined, with time, source and proof."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel
from starlette.responses import Response

from schemas import Consent
from schemas.base import ContactKey, Time
from schemas.topics import CONSENTS
from services.console.api.models import ConsentBody, IdempotencyKey
from services.console.auditing import entry
from services.console.core.consent_rows import COLUMNS, EXPORTED_TOO, check_time, read_consent
from services.console.core.contact_files import BadRow, FileError, RowFile, kind_of
from services.console.core.contact_rows import BadRowError, Imported
from services.console.core.csv_text import csv_text
from services.console.description import CSV
from services.console.first_answers import FirstAnswersOf
from services.console.hub import HubOf
from services.console.imports import ImportRun, refused_file
from services.console.people import People
from services.console.problems import rejected_fields
from services.console.security import Caller

router = APIRouter(tags=["contacts"])
EXPORTED = (*COLUMNS, *EXPORTED_TOO)


class ConsentImport(BaseModel):
    imported: int
    rejected: int
    errors: list[BadRow]
    """The bad rows, by line; at most 10,000 of them."""


class Word(BaseModel):
    """What was said of one channel, or of `all`."""

    channel: str
    purpose: str
    state: str
    reason: str
    """Why not, where it was not the person who said so."""
    at: Time
    source: str
    proof: str
    told_at: Time
    """When it came to be known here."""


class Holding(BaseModel):
    """What follows from all words, for one channel and purpose."""

    channel: str
    purpose: str
    state: str
    reason: str
    at: Time


class ConsentHistory(BaseModel):
    recipient: str
    holds: list[Holding]
    words: list[Word]
    """Every one that is kept, oldest first."""


@router.post("/consents", status_code=202)
async def record(
    body: ConsentBody, hub: HubOf, caller: Caller, answers: FirstAnswersOf, key: IdempotencyKey = None
) -> dict[str, Any]:
    """The greater `at` wins; at a tie, the opt-out."""
    if first := answers.get(caller.brand, "consent", key):
        return dict(first)
    at = body.at or hub.now()
    try:
        check_time(at, hub.now())
    except BadRowError as error:
        raise rejected_fields([error.error]) from None
    consent = Consent.model_validate(
        body.model_dump(exclude={"contact", "at"}) | {"recipient": caller.recipient(body.contact), "at": at}
    )
    told = entry(
        caller, hub.now(), "consent.record", recipient=consent.recipient,
        detail=f"{consent.channel} {consent.state} ({consent.purpose})",
    )  # fmt: skip
    await hub.publish(CONSENTS, consent.recipient, consent.write(), told)
    return answers.put(caller.brand, "consent", key, consent.model_dump(mode="json"))


@router.post("/consents/import")
async def import_consents(request: Request, hub: HubOf, caller: Caller, name: str = "") -> ConsentImport:
    """CSV (contact,channel,state,at,source,proof,purpose) or NDJSON as the body. Good rows go in, bad ones come back
    with line and reason. The same file again changes nothing."""
    try:
        kind = kind_of(request.headers.get("content-type", ""), name)
    except FileError as error:
        raise refused_file(error) from None
    imported = Imported(caller.brand, hub.now(), f"import {name}".strip())
    file = RowFile(kind, lambda row: read_consent(row, imported), COLUMNS)
    run = ImportRun(hub, file, lambda consent: [(CONSENTS, consent.recipient, consent.write())])
    try:
        await run.take_body(request)
    finally:
        counts = f"{run.good:,} words, {run.bad:,} bad rows"
        await hub.audit(entry(caller, hub.now(), "consent.import", "consents", detail=counts))
    return ConsentImport(imported=run.good, rejected=run.bad, errors=run.errors)


@router.get("/recipients/{contact}/consents", response_model=ConsentHistory, responses=CSV)
async def history(
    contact: ContactKey,
    hub: HubOf,
    caller: Caller,
    format_: Annotated[Literal["json", "csv"], Query(alias="format")] = "json",
) -> ConsentHistory | Response:
    """All that a person ever said, each word with time, source and proof, and what holds now: the proof of consent. As
    CSV: the words, in columns that an import takes."""
    recipient, people = caller.recipient(contact), People(hub)
    words = [Word.model_validate(row) for row in await people.words(recipient)]
    if format_ == "csv":
        return Response(_csv(contact, words), media_type="text/csv; charset=utf-8")
    holds = [Holding.model_validate(row) for row in await people.standing_consents(recipient)]
    return ConsentHistory(recipient=recipient, holds=holds, words=words)


def _csv(contact: str, words: list[Word]) -> str:
    told = (word.model_dump(mode="json") | {"contact": contact} for word in words)
    return csv_text([EXPORTED, *([fields[name] for name in EXPORTED] for fields in told)])
