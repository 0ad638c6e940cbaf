"""The third step: whom a campaign goes to."""

from __future__ import annotations

from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from schemas.base import CampaignKey
from services.console.api.drafts import DraftsOf
from services.console.api.segments import segments_of
from services.console.hub import HubOf
from services.console.pages.common import CHANNEL_NAMES, Visitor
from services.console.pages.editor import step_page
from services.console.texts import _, gettext

router = APIRouter()
OFFERED: Final = 200
"""Campaigns that may be left out, the newest."""
REASONS: Final = {
    "duplicate": _("same address as somebody before"), "no_address": _("no address"),
    "invalid_address": _("address cannot be right"), "no_consent": _("no opt-in"), "opted_out": _("opted out"),
    "bounced_before": _("bounced before"), "complained_before": _("complained before"),
    "frequency_capped": _("had enough messages lately"), "erased": _("erased"), "missing_data": _("data is missing"),
    "over_budget": _("not covered by the budget"), "expired": _("too late"),
}  # fmt: skip
"""Why somebody drops out before anything is sent, in a few words."""


def reason_names() -> dict[str, str]:
    """In the reader's language."""
    return {reason: gettext(words) for reason, words in REASONS.items()}


@router.get("/campaigns/{campaign_id}/edit/audience")
async def audience(
    campaign_id: CampaignKey, request: Request, hub: HubOf, drafts: DraftsOf, visitor: Visitor
) -> Response:
    campaigns = [each for each in hub.campaigns_of(visitor) if each.launched_at and each.campaign_id != campaign_id]
    return await step_page(
        request, drafts, visitor, campaign_id, "audience", campaigns=campaigns[:OFFERED], channel_names=CHANNEL_NAMES,
        reason_names=reason_names(), segments=segments_of(hub, visitor.brand),
    )  # fmt: skip
