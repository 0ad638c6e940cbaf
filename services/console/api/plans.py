"""`/campaigns/plan` and `/campaigns/{id}/plan`: a dry run, and what became of it."""

from __future__ import annotations

from collections.abc import Sequence

from fastapi import APIRouter, Request
from ulid import ULID

from schemas import Campaign, CampaignRecord, InlineRecipient
from schemas.base import CampaignId
from services.console.core.plans import Comparison, Plan, outcome_of
from services.console.forecasts import forecast_of
from services.console.hub import Hub, HubOf
from services.console.live import StatsDesk
from services.console.problems import one_field
from services.console.queries import stats as queries
from services.console.reach import known_campaigns
from services.console.security import Caller
from services.domain.audience import ATTRIBUTE_NAMES, CONTACT_FIELDS, listed_names
from services.domain.brands import brand_named, needs_approval, with_brand
from services.domain.campaigns import check_campaign, check_filter, record_of, with_templates

router = APIRouter(tags=["campaigns"])


@router.post("/campaigns/plan")
async def plan(campaign: Campaign, hub: HubOf, caller: Caller) -> Plan:
    """What a definition would come to, launched now. Nothing is stored."""
    if campaign.brand != caller.brand:
        raise one_field("brand", "wrong_brand", f"this key belongs to brand '{caller.brand}': leave brand out")
    brand = brand_named(hub.brands.items, caller.brand)
    written, errors = with_templates(campaign, hub.templates.items)
    record = with_brand(record_of(written, campaign.id or CampaignId(str(ULID())), hub.now()), brand)
    people = campaign.audience.recipients
    errors += check_campaign(record, hub.account_lookup(caller.brand), await _known_names(hub, record, people))
    if record.filter is not None:
        errors += check_filter(record.filter, await known_campaigns(hub, caller.brand, record.filter))
    return Plan(
        campaign_id=record.campaign_id,
        sound=not errors,
        errors=errors,
        needs_approval=needs_approval(record, brand),
        forecast=await forecast_of(hub, record, people),
    )


@router.get("/campaigns/{campaign_id}/plan")
@router.post("/campaigns/{campaign_id}/plan")
async def compare(campaign_id: str, request: Request, hub: HubOf, caller: Caller) -> Comparison:
    """What a campaign was to come to when it was launched, beside what it has come to by now."""
    record = await hub.campaign(campaign_id, caller)
    if record.launched_at is None:
        found = await forecast_of(hub, record)
        return Comparison(campaign_id=campaign_id, forecast=found, outcome=None)
    desk: StatsDesk = request.app.state.stats
    stats = await desk.stats(record)
    spent = {row[0]: int(row[1]) for row in await hub.tuples(queries.SPENT_BY_STEP, campaign=campaign_id)}
    return Comparison(campaign_id=campaign_id, forecast=record.forecast, outcome=outcome_of(record, stats, spent))


async def _known_names(hub: Hub, record: CampaignRecord, people: Sequence[InlineRecipient] | None) -> frozenset[str]:
    if people is not None:
        return listed_names(people)
    return CONTACT_FIELDS | {row[0] for row in await hub.tuples(ATTRIBUTE_NAMES, brand=record.brand)}
