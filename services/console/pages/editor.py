"""The five steps in which a campaign is written. What is typed goes to REST field by field, as one types."""

from __future__ import annotations

import json
from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from schemas import CampaignStatus, Channel, Draft
from schemas.base import CampaignKey
from services.console.api.drafts import DraftsOf
from services.console.core.drafts import channels_of, value_at
from services.console.core.findings import Finding, marks
from services.console.drafts import Drafts
from services.console.hub import HubOf
from services.console.pages.common import Visitor, page, templates
from services.console.problems import Problem
from services.console.security import Identity
from services.console.texts import _
from services.domain.brands import brand_named

router = APIRouter()

STEP_NAMES: Final = {
    "general": _("General"), "content": _("Content"), "audience": _("Audience"),
    "budget": _("Budget and schedule"), "review": _("Review and send"),
}  # fmt: skip
FIELD_NAMES: Final = {
    "name": _("Name"), "description": _("Description"), "channels": _("Channels"), "kind": _("Kind"),
    "accounts": _("Account"), "body.text": _("Message body"), "body.link": _("Link"), "content": _("Content"),
    "templates": _("Template"), "tracking": _("Tracking"), "audience": _("Audience"),
    "audience.filter.role": _("Role"), "audience.filter.cities": _("Cities"),
    "audience.filter.pincodes": _("Pincodes"), "audience.filter.active_within_days": _("Active in the last days"),
    "audience.filter.lists": _("Lists"), "audience.filter.attributes": _("Attributes"),
    "audience.recipients": _("Listed people"), "budget.total": _("Total"), "budget.currency": _("Currency"),
    "budget.allocation": _("Allocation"), "schedule": _("Schedule"), "schedule.at": _("Date and time"),
    "schedule.zone": _("Time zone"), "steps": _("How the channels work together"),
    "limits.quiet_hours": _("Quiet hours"), "limits.caps": _("Frequency caps"), "limits.expires_after": _("Expiry"),
}  # fmt: skip
"""Fields of a campaign file as a person calls them; the longest that a path begins with is its name."""


@router.get("/campaigns/new")
async def new(request: Request, hub: HubOf, visitor: Visitor) -> Response:
    """Asks REST for a draft and goes on to it: a page by itself changes nothing. One that its reader has opened before,
    and in which nothing is written, will do."""
    for draft in hub.drafts_of(visitor):
        if not draft.sheet and draft.updated_by == visitor.name:
            return RedirectResponse(f"/campaigns/{draft.draft_id}/edit/general", status_code=303)
    return page(request, "editor/open.html", body="{}", campaign_id="")


@router.get("/campaigns/{campaign_id}/edit")
async def begin(campaign_id: CampaignKey, request: Request, hub: HubOf, drafts: DraftsOf, visitor: Visitor) -> Response:
    """To the first step; a campaign that is a Draft without being written here is taken over first."""
    try:
        found = await drafts.draft(campaign_id, visitor)
    except Problem as problem:
        if problem.status != 404:
            raise
        record = await hub.campaign(campaign_id, visitor)
        if record.status is not CampaignStatus.DRAFT:
            return RedirectResponse(f"/campaigns/{campaign_id}", status_code=303)
        body = json.dumps({"campaign_id": campaign_id})
        return page(request, "editor/open.html", body=body, campaign_id=campaign_id)
    return RedirectResponse(f"/campaigns/{found.draft_id}/edit/general", status_code=303)


@router.get("/campaigns/{campaign_id}/edit/general")
async def general(
    campaign_id: CampaignKey, request: Request, hub: HubOf, drafts: DraftsOf, visitor: Visitor
) -> Response:
    return await step_page(
        request, drafts, visitor, campaign_id, "general", brand=brand_named(hub.brands.items, visitor.brand),
        all_channels=[channel.value for channel in Channel], accounts=drafts.accounts(visitor),
    )  # fmt: skip


async def step_page(
    request: Request, drafts: Drafts, visitor: Identity, draft_id: str, step: str, **values: Any
) -> Response:
    """A step of a draft, in the frame; where it has been sent meanwhile, the campaign's own page instead.

    Its template gets `draft`, `sheet`, `at(path)`, `channels`, `found` (findings) and the given values.
    """
    try:
        draft = await drafts.draft(draft_id, visitor)
    except Problem as problem:
        record = drafts.hub.campaigns.items.get(draft_id)
        if problem.status != 404 or record is None or record.brand != visitor.brand:
            raise
        where = "/edit" if record.status is CampaignStatus.DRAFT else ""
        return RedirectResponse(f"/campaigns/{draft_id}{where}", status_code=303)
    found = await drafts.findings(visitor, draft)
    return page(request, f"editor/{step}.html", **_common(draft, step, found, drafts), **values)


def _common(draft: Draft, step: str, found: list[Finding], drafts: Drafts) -> dict[str, Any]:
    steps, at = list(STEP_NAMES), list(STEP_NAMES).index(step)
    return {
        "found_json": json.dumps([each.model_dump() for each in found]),
        "draft": draft, "sheet": draft.sheet, "step": step, "found": found, "marks": marks(found),
        "at": lambda path: value_at(draft.sheet, path), "channels": [each.value for each in channels_of(draft.sheet)],
        "before": steps[at - 1] if at else "", "after": steps[at + 1] if at + 1 < len(steps) else "",
        "continues": drafts.hub.campaigns.items.get(draft.draft_id),
    }  # fmt: skip


templates.env.globals |= {"step_names": STEP_NAMES, "field_names": FIELD_NAMES}
