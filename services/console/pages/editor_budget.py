"""The fourth step: what a campaign may cost, when it goes out, and how its channels work together."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from schemas import Channel
from schemas.base import CampaignKey
from services.console.api.drafts import DraftsOf
from services.console.hub import HubOf
from services.console.pages.common import CHANNEL_NAMES, Visitor
from services.console.pages.editor import step_page
from services.console.pages.editor_audience import reason_names
from services.domain.brands import brand_named

router = APIRouter()


@router.get("/campaigns/{campaign_id}/edit/budget")
async def budget(
    campaign_id: CampaignKey, request: Request, hub: HubOf, drafts: DraftsOf, visitor: Visitor
) -> Response:
    currencies = [each.account.rate_card.currency for found in drafts.accounts(visitor).values() for each in found]
    return await step_page(
        request, drafts, visitor, campaign_id, "budget", brand=brand_named(hub.brands.items, visitor.brand),
        currencies=list(dict.fromkeys(currencies)) or ["USD"], channel_names=CHANNEL_NAMES,
        all_channels=[channel.value for channel in Channel], reason_names=reason_names(),
    )  # fmt: skip
