"""The last step: everything on one page, what is wrong and what is doubtful, and the sending."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, Response
from ulid import ULID

from schemas.base import CampaignKey
from services.console.api.drafts import DraftsOf
from services.console.hub import HubOf
from services.console.launching import review
from services.console.pages.common import Visitor, page
from services.console.pages.editor import step_page
from services.console.pages.editor_audience import reason_names
from services.console.pages.summary import summary
from services.domain.brands import brand_named

router = APIRouter()


@router.get("/campaigns/{campaign_id}/edit/review")
async def show(campaign_id: CampaignKey, request: Request, drafts: DraftsOf, visitor: Visitor) -> Response:
    """What was found comes a moment later: it asks ClickHouse."""
    return await step_page(request, drafts, visitor, campaign_id, "review", summary=summary)


@router.get("/campaigns/{campaign_id}/edit/review/findings")
async def found(
    campaign_id: CampaignKey, request: Request, hub: HubOf, drafts: DraftsOf, visitor: Visitor
) -> HTMLResponse:
    """A part of the page: what is blocking, what is doubtful, what it comes to, and the button that sends it."""
    draft = await drafts.draft(campaign_id, visitor)
    looked_over = await review(drafts, request.app.state.contents, visitor, draft)
    return page(
        request, "editor/findings.html", review=looked_over, draft=draft, key=str(ULID()), reasons=reason_names(),
        brand=brand_named(hub.brands.items, visitor.brand), scheduled=draft.sheet.get("schedule"),
    )  # fmt: skip
