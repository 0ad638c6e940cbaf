"""`/drafts`: campaigns that are still being written, changed field by field."""

from __future__ import annotations

from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field, model_validator
from ulid import ULID

from schemas import CommandResult, Draft, Wire
from schemas.base import CampaignKey, Time
from services.console.api.models import IdempotencyKey
from services.console.contents import ContentDesk
from services.console.core.drafts import name_of
from services.console.core.findings import Finding, marks
from services.console.core.idempotency import campaign_id, command_id
from services.console.core.reviews import Review
from services.console.drafts import Drafts
from services.console.hub import HubOf
from services.console.launching import launch, review, take_over
from services.console.security import Caller, Identity

router = APIRouter(prefix="/drafts", tags=["drafts"])


def drafts_of(request: Request) -> Drafts:
    return cast(Drafts, request.app.state.drafts)


DraftsOf = Annotated[Drafts, Depends(drafts_of)]


class NewDraft(Wire):
    sheet: dict[str, Any] = {}
    """A campaign file as far as it is written."""
    campaign_id: CampaignKey | None = None
    """Go on with this campaign, which is a Draft: its record is the sheet, and the people that it lists are in it."""

    @model_validator(mode="after")
    def _one_source(self) -> NewDraft:
        if self.sheet and self.campaign_id:
            raise ValueError("give either sheet or campaign_id")
        return self


class Send(Wire):
    """Body of launch; may be left out."""

    expected_revision: Annotated[int, Field(ge=0)] | None = None
    """Send it only as it was when it was looked at."""


class Changes(Wire):
    expected_revision: Annotated[int, Field(ge=0)]
    """The revision that was read. If somebody has changed the draft since, the answer is 409 and says who, and what it
    is now."""
    changes: dict[str, Any]
    """By dotted path, such as `budget.total`; null takes away. A list is given whole."""


class DraftView(BaseModel):
    draft_id: str
    revision: int
    sheet: dict[str, Any]
    created_at: Time
    updated_at: Time
    updated_by: str
    problems: list[Finding]
    """What keeps it from being sent, each with its step, its field and the remedy."""
    steps: dict[str, str]
    """`done`, `open` (something is not written yet) or `wrong`."""


class DraftItem(BaseModel):
    draft_id: str
    name: str
    revision: int
    created_at: Time
    updated_at: Time
    updated_by: str


class DraftPage(BaseModel):
    items: list[DraftItem]
    next: str | None = None


class Saved(BaseModel):
    draft_id: str
    revision: int
    saved_at: Time
    updated_by: str
    problems: list[Finding]
    steps: dict[str, str]


@router.post("", status_code=201)
async def create(
    request: Request, response: Response, drafts: DraftsOf, caller: Caller, body: NewDraft | None = None,
    key: IdempotencyKey = None,
) -> DraftView:  # fmt: skip
    """Begin a campaign."""
    body = body or NewDraft()
    if body.campaign_id:
        return await view(drafts, caller, await take_over(drafts, caller, body.campaign_id))
    draft_id = campaign_id(command_id(caller.brand, key, f"POST {request.url.path}")) if key else str(ULID())
    made = await drafts.create(caller, drafts.new(caller, draft_id, body.sheet))
    response.headers["Location"] = f"{request.url.path}/{made.draft_id}"
    return await view(drafts, caller, made)


@router.get("")
async def listing(hub: HubOf, caller: Caller) -> DraftPage:
    """The one that was changed last comes first."""
    return DraftPage(items=[_item(draft) for draft in hub.drafts_of(caller)])


@router.get("/{draft_id}")
async def show(draft_id: CampaignKey, drafts: DraftsOf, caller: Caller) -> DraftView:
    return await view(drafts, caller, await drafts.draft(draft_id, caller))


@router.patch("/{draft_id}")
async def change(draft_id: CampaignKey, body: Changes, drafts: DraftsOf, caller: Caller) -> Saved:
    """Lay each value where its path says. All that is given is kept, also what is wrong: `problems` says so."""
    made = await drafts.change(caller, draft_id, body.expected_revision, body.changes)
    found = await drafts.findings(caller, made)
    return Saved(
        draft_id=made.draft_id, revision=made.revision, saved_at=made.updated_at, updated_by=made.updated_by,
        problems=found, steps=marks(found),
    )  # fmt: skip


@router.delete("/{draft_id}", status_code=204)
async def remove(draft_id: CampaignKey, drafts: DraftsOf, caller: Caller) -> None:
    """Nobody has been messaged by it, and nobody will be."""
    await drafts.remove(caller, await drafts.draft(draft_id, caller))


@router.get("/{draft_id}/review")
async def look_over(draft_id: CampaignKey, request: Request, drafts: DraftsOf, caller: Caller) -> Review:
    """What is wrong, what is doubtful, and what it would come to, sent now. Nothing is stored."""
    contents: ContentDesk = request.app.state.contents
    return await review(drafts, contents, caller, await drafts.draft(draft_id, caller))


@router.post("/{draft_id}/launch")
async def send(
    draft_id: CampaignKey, request: Request, drafts: DraftsOf, caller: Caller, body: Send | None = None,
    key: IdempotencyKey = None,
) -> CommandResult:  # fmt: skip
    """Make the campaign and launch it, in one. It has the draft's id; the draft is gone afterwards. Asked again, it
    answers as before."""
    command = command_id(caller.brand, key, f"POST {request.url.path}")
    return await launch(drafts, caller, draft_id, body.expected_revision if body else None, command)


async def view(drafts: Drafts, caller: Identity, draft: Draft) -> DraftView:
    found = await drafts.findings(caller, draft)
    return DraftView(
        **draft.model_dump(include={"draft_id", "revision", "sheet", "created_at", "updated_at", "updated_by"}),
        problems=found, steps=marks(found),
    )  # fmt: skip


def _item(draft: Draft) -> DraftItem:
    values = draft.model_dump(include={"draft_id", "revision", "created_at", "updated_at", "updated_by"})
    return DraftItem(name=name_of(draft.sheet), **values)
