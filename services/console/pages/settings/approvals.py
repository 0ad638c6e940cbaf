"""Campaigns that wait for a second person."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse

from schemas import CampaignStatus
from services.console.hub import HubOf
from services.console.pages.common import Visitor, page
from services.domain.brands import brand_named, waits_for_approval

router = APIRouter()
OVER = frozenset({CampaignStatus.CANCELLED, CampaignStatus.COMPLETED})


@router.get("/approvals")
async def listing(request: Request, hub: HubOf, visitor: Visitor) -> HTMLResponse:
    """The longest waiting first."""
    waiting = [
        record for record in hub.campaigns_of(visitor) if waits_for_approval(record) and record.status not in OVER
    ]
    waiting.sort(key=lambda record: record.approval.requested_at if record.approval else record.created_at)
    above = brand_named(hub.brands.items, visitor.brand).approval_above
    return page(request, "settings/approvals.html", waiting=waiting, above=above)
