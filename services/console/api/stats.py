"""`/campaigns/{id}/stats`, `/events` and `/sends`: how it goes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from sse_starlette import EventSourceResponse, ServerSentEvent

from schemas import Channel
from services.console.api.campaigns import cursor_key
from services.console.api.models import Cursor, Limit, SendItem, SendPage
from services.console.core.cursors import encode_cursor
from services.console.core.figures import Stats
from services.console.hub import HubOf
from services.console.live import StatsDesk
from services.console.security import Caller
from services.console.sends import Chosen, Sends, statuses_of
from services.console.watch import watch

router = APIRouter(tags=["campaigns"])


@router.get("/campaigns/{campaign_id}/stats")
async def stats(campaign_id: str, request: Request, hub: HubOf, caller: Caller) -> Stats:
    """Each planned message counted once: settled + open = planned."""
    desk: StatsDesk = request.app.state.stats
    return await desk.stats(await hub.campaign(campaign_id, caller))


@router.get("/campaigns/{campaign_id}/events", response_class=EventSourceResponse)
async def events(campaign_id: str, request: Request, hub: HubOf, caller: Caller) -> EventSourceResponse:
    """Server-sent events: `stats` as they change, `activity` with deliveries as they come, `end` when it has ended."""
    await hub.campaign(campaign_id, caller)

    async def stream() -> AsyncIterator[ServerSentEvent]:
        async for event in watch(request, campaign_id, caller):
            yield ServerSentEvent(event=event.kind, data=event.json())

    return EventSourceResponse(stream(), ping=15)


@router.get("/campaigns/{campaign_id}/sends")
async def sends(
    campaign_id: str,
    hub: HubOf,
    caller: Caller,
    status: Annotated[str, Query(description="where the send stands; also open, settled, planned")] = "",
    channel: Channel | None = None,
    only_step: Annotated[int, Query(alias="step", ge=0, description="only of this step; 0: of all")] = 0,
    reason: Annotated[str | None, Query(description="only those that stand there for this reason")] = None,
    cursor: Cursor = "",
    limit: Limit = 50,
) -> SendPage:
    """One row a send, by step and place in the audience."""
    record = await hub.campaign(campaign_id, caller)
    step, ord_ = cursor_key(cursor, int, int) if cursor else (1, 0)
    chosen = Chosen(
        statuses_of(status, record), channel.value if channel else "", int(step), int(ord_), limit, reason=reason,
        only_step=only_step,
    )  # fmt: skip
    rows, following = await Sends(hub).page(record, chosen)
    items = [SendItem.model_validate(_item(row)) for row in rows]
    return SendPage(items=items, next=encode_cursor(*following) if following else None)


def _item(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[name] for name in SendItem.model_fields}
