"""`/audience/preview`: how many people a filter means, whom each channel reaches, and why not the others. `/lists`."""

from __future__ import annotations

from fastapi import APIRouter

from schemas import Channel
from services.console.api.drafts import DraftsOf
from services.console.api.models import AudienceNames, ChannelReach, ContactLists, ListItem, Preview, PreviewBody
from services.console.hub import HubOf
from services.console.problems import Problem
from services.console.queries import audience as queries
from services.console.reach import reach_of
from services.console.security import Caller

router = APIRouter(tags=["audience"])
USUAL = (Channel.EMAIL, Channel.SMS, Channel.WHATSAPP)


@router.post("/audience/preview")
async def preview(body: PreviewBody, hub: HubOf, caller: Caller) -> Preview:
    """Each person under the first reason in the router's order, which a launch now would meet."""
    channels = dict.fromkeys(body.channels or USUAL)
    found = await reach_of(hub, caller.brand, body.filter, channels, body.kind, body.caps)
    by_channel = {
        channel.value: ChannelReach(reachable=reach.reachable, dropped=dict(reach.dropped.most_common()))
        for channel, reach in found.by_channel.items()
    }
    return Preview(matched=found.matched, by_channel=by_channel)


@router.get("/lists")
async def lists(hub: HubOf, caller: Caller) -> ContactLists:
    """Uploaded lists of people, with how many are on each."""
    rows = await hub.rows(queries.LISTS, brand=caller.brand)
    return ContactLists(items=[ListItem.model_validate(row) for row in rows])


@router.get("/audience/known")
async def known(drafts: DraftsOf, caller: Caller) -> AudienceNames:
    """What a filter may name: the cities with most people, lists, attributes. At most some 20 seconds old."""
    offers = await drafts.names.offers(caller.brand)
    if offers is None:
        raise Problem(503, "clickhouse_unavailable", "ClickHouse does not answer: try again shortly")
    return AudienceNames(
        roles=["customer", "partner"],
        cities=[ListItem.model_validate(row) for row in offers.cities],
        lists=[ListItem.model_validate(row) for row in offers.lists],
        attributes=offers.attributes,
    )
