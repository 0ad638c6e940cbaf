"""`/content`: what is written so far, as people would get it."""

from __future__ import annotations

from typing import Annotated, Any, Final, cast

from fastapi import APIRouter, Depends, Request
from markupsafe import escape
from pydantic import AfterValidator, BaseModel, Field, ValidationError
from starlette.responses import HTMLResponse

from schemas import BrandLook, Channel, Wire
from schemas.base import ContactKey
from services.console.contents import Audience, ContentDesk, audience_of
from services.console.core.drafts import size_of
from services.console.core.placeholders import Placeholder
from services.console.core.previews import ChannelPreview, Found, Person, consistency
from services.console.problems import one_field, rejected_fields
from services.console.security import Caller, Identity
from services.domain.field_errors import field_errors

router = APIRouter(prefix="/content", tags=["content"])
MAIL_POLICY = (
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:; form-action 'none'; "
    "frame-ancestors 'self'; base-uri 'none'"
)
"""A mail is somebody else's HTML: it may be styled, and do nothing else; nothing is fetched for it."""
_NOWHERE = '<base target="_blank">'
"""A link in a sandboxed frame that may open nothing leads nowhere, and the mail stays."""
LARGEST: Final = 1_000_000
"""Bytes of a sheet."""


def _sound(sheet: dict[str, Any]) -> dict[str, Any]:
    if (size := size_of(sheet)) > LARGEST:
        raise ValueError(f"the sheet takes {size:,} bytes, and may take {LARGEST:,}")
    return sheet


Sheet = Annotated[dict[str, Any], AfterValidator(_sound)]


class MadeUp(Wire):
    """Somebody who is no contact."""

    name: str | None = None
    email: str | None = None
    phone: str | None = None
    attributes: Annotated[dict[str, str | int | float | bool | None], AfterValidator(_sound)] = {}
    """Fields such as `city` too."""


class PreviewContent(Wire):
    sheet: Sheet = {}
    """A campaign file as far as it is written; `name`, `body`, `content`, `channels`, `templates`, `tracking`,
    `audience`, `kind`, `accounts` and `send_without` count here."""
    contact: ContactKey | None = None
    """As whom it is shown; absent: as somebody made up."""
    person: MadeUp | None = None
    """What is known of somebody made up; the rest is filled in."""
    look: BrandLook | None = None
    """As if the brand's mails looked so; absent: as they do."""
    count: bool = True
    """Whether people who lack placeholders are to be counted."""


class PeopleSearch(Wire):
    audience: dict[str, Any] = {}
    """As in a campaign; empty: everybody of the brand."""
    text: Annotated[str, Field(max_length=200)] = ""
    """Part of a name, the beginning of an address, or an id; empty: anybody."""
    limit: Annotated[int, Field(ge=1, le=50)] = 8


class FoundPerson(BaseModel):
    contact: str
    name: str
    email: str
    phone: str
    city: str


class FoundPeople(BaseModel):
    items: list[FoundPerson]


class ContentPreview(BaseModel):
    person: Person
    channels: list[ChannelPreview]
    consistency: float | None
    """The share of the channels that follow the message body, from 0 to 1; None: no channel is chosen."""
    placeholders: list[Placeholder]
    people: int | None
    """Among whom those were counted who lack a placeholder: the audience, or the brand's people where none is chosen.
    None: not counted."""
    problems: list[Found]
    """Those of no one channel."""


def desk_of(request: Request) -> ContentDesk:
    return cast(ContentDesk, request.app.state.contents)


Desk = Annotated[ContentDesk, Depends(desk_of)]


@router.post("/preview")
async def show(body: PreviewContent, desk: Desk, caller: Caller) -> ContentPreview:
    """What a person would get by each channel, made by the functions that the senders use. Nothing is stored."""
    written, audience = desk.read(caller, body.sheet), audience_of(body.sheet)
    person = await person_of(desk, caller, body, audience)
    channels = await desk.previews(caller, written, person, audience, body.look)
    used, people = await desk.placeholders(caller, written, audience if body.count else [])
    own = {error.field for channel in Channel for error in written.errors_of(channel)}
    return ContentPreview(
        person=person,
        channels=channels,
        consistency=consistency(written),
        placeholders=used if body.count else [each.model_copy(update={"lacking": None}) for each in used],
        people=people if body.count else None,
        problems=[Found(**error.model_dump()) for error in written.errors if error.field not in own],
    )


@router.post("/mail", response_class=HTMLResponse)
async def mail(request: Request, desk: Desk, caller: Caller) -> HTMLResponse:
    """The mail of a preview as a document of its own, for a frame: a form with `request`, a body of `/content/preview`
    as JSON. It runs no script and fetches nothing."""
    text = str((await request.form()).get("request", ""))
    try:
        body = PreviewContent.model_validate_json(text)
    except ValidationError as error:
        raise rejected_fields(field_errors(error, "request")) from None
    written, audience = desk.read(caller, body.sheet), audience_of(body.sheet)
    person = await person_of(desk, caller, body, audience)
    [shown] = await desk.previews(caller, written.of([Channel.EMAIL]), person, audience, body.look)
    html = shown.html.replace("<head>", f"<head>{_NOWHERE}", 1) or _instead(shown.problems)
    return HTMLResponse(html, headers={"Content-Security-Policy": MAIL_POLICY, "Cache-Control": "no-store"})


@router.post("/people")
async def people(body: PeopleSearch, desk: Desk, caller: Caller) -> FoundPeople:
    """Some people of an audience, to look at messages as one of them would."""
    rows = await desk.people(caller, audience_of({"audience": body.audience}), body.text.strip(), body.limit)
    return FoundPeople(items=[FoundPerson.model_validate(row) for row in rows])


async def person_of(desk: ContentDesk, caller: Identity, body: PreviewContent, audience: Audience | None) -> Person:
    """As whom messages are shown. Raises `Problem` 404, 422, 503."""
    if body.contact is not None:
        if body.person is not None:
            raise one_field("person", "given_twice", "contact is given as well: keep one of them")
        return await desk.person(caller, body.contact, audience)
    given = body.person or MadeUp()
    fields = {name: value for name in ("name", "email", "phone") if (value := getattr(given, name)) is not None}
    return await desk.made_up(caller, given.attributes | fields)


def _instead(problems: list[Found]) -> str:
    """Where there is no mail to show."""
    told = "".join(f"<li>{escape(each.message)}</li>" for each in problems)
    return (
        '<!DOCTYPE html><html><body style="font-family:system-ui,sans-serif;padding:24px;color:#56626d">'
        f"<ul>{told}</ul></body></html>"
    )
