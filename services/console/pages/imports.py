"""Imports of people: bring a file, say what its columns are, watch it go in, see what was turned away."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from schemas import Channel
from services.console.api.imports import JobsOf
from services.console.core.column_maps import ATTRIBUTE, CONSENT, IGNORED, TARGETS
from services.console.pages.common import CHANNEL_NAMES, Visitor, page
from services.console.texts import _, gettext

router = APIRouter()

LABELS = {
    IGNORED: _("leave it out"), ATTRIBUTE: _("attribute of that name"), "id": _("id"), "name": _("name"),
    "email": _("mail address"), "phone": _("phone number"), "role": _("role"), "city": _("city"),
    "pincode": _("pincode"), "zone": _("time zone"), "last_active_at": _("last active at"), "lists": _("lists"),
    "opt_in": _("channels agreed to"), "opt_in_at": _("when they agreed"),
}  # fmt: skip


def targets() -> list[tuple[str, str]]:
    """What a column can be, with its name in words."""
    named = {target: gettext(label) for target, label in LABELS.items()}
    for channel in Channel:
        named[f"{CONSENT}{channel.value}"] = gettext("agreed to %(channel)s") % {
            "channel": CHANNEL_NAMES[channel.value]
        }
    return [(target, named[target]) for target in (*TARGETS, IGNORED)]


@router.get("/imports")
async def listing(request: Request, jobs: JobsOf, visitor: Visitor) -> HTMLResponse:
    return page(request, "imports/list.html", jobs=jobs.of(visitor))


@router.get("/imports/{import_id}")
async def show(import_id: str, request: Request, jobs: JobsOf, visitor: Visitor) -> HTMLResponse:
    return page(request, "imports/import.html", job=jobs.job(import_id, visitor), targets=targets())


@router.get("/imports/{import_id}/state")
async def state(import_id: str, request: Request, jobs: JobsOf, visitor: Visitor) -> HTMLResponse:
    """The part of the page that changes while it goes on."""
    return page(request, "imports/state.html", job=jobs.job(import_id, visitor))
