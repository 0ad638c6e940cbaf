"""What is asked before a campaign is launched, paused, resumed, cancelled or cloned: what it will do, to how many."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse
from ulid import ULID

from schemas import CampaignRecord
from services.console.core.acts import VERBS, Scope, offered
from services.console.drafts import draft_key
from services.console.hub import Hub, HubOf
from services.console.live import StatsDesk
from services.console.pages.common import Visitor, page
from services.console.problems import Problem, not_found
from services.console.queries import acts as queries
from services.console.queries import audience as audience_queries
from services.console.sends import SETTLED
from services.domain.audience import filter_parameters, matching

router = APIRouter()


@router.get("/campaigns/{campaign_id}/acts/{verb}")
async def ask(campaign_id: str, verb: str, request: Request, hub: HubOf, visitor: Visitor) -> HTMLResponse:
    """The content of the dialog. Raises `Problem`: 404, 409 where the campaign does not stand so any more."""
    record = await hub.campaign(campaign_id, visitor)
    if verb not in VERBS:
        raise not_found("act", verb)
    if verb not in offered(record):
        raise Problem(409, "wrong_status", f"the campaign is {record.status.value} now: there is nothing to {verb}")
    desk: StatsDesk = request.app.state.stats
    stats = await desk.stats(record)
    return page(
        request, f"acts/{verb}.html", record=record, stats=stats, key=str(ULID()),
        scope=await _scope(hub, record, stats.open), draft=hub.drafts.items.get(draft_key(visitor.brand, campaign_id)),
    )  # fmt: skip


async def _scope(hub: Hub, record: CampaignRecord, messages: int) -> Scope:
    if record.launched_at is None:
        people = await _matched(hub, record)
        return Scope(people, people * len(record.steps))
    if record.audience is None:
        return Scope(0, 0)
    done = await hub.tuples(
        queries.PEOPLE_DONE, campaign=record.campaign_id, steps=[], all_steps=len(record.steps), statuses=list(SETTLED)
    )
    return Scope(max(0, record.audience.count - (done[0][0] if done else 0)) if messages else 0, messages)


async def _matched(hub: Hub, record: CampaignRecord) -> int:
    """How many people the campaign would go to, were it launched now."""
    if record.filter is None:
        return record.audience.count if record.audience else 0
    parameters = filter_parameters(record.filter, record.brand, hub.now())
    found = await hub.tuples(audience_queries.MATCHED % {"matching": matching(record.filter)}, **parameters)
    return int(found[0][0])
