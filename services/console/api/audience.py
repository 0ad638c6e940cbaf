"""`/audience/preview`: how many people a filter means, how many each channel reaches, and why not the others."""

from __future__ import annotations

from fastapi import APIRouter

from schemas import Channel
from services.console.api.models import ChannelReach, Preview, PreviewBody
from services.console.hub import HubOf
from services.console.queries import audience as queries
from services.console.security import Caller
from services.domain.audience import filter_parameters, matching

router = APIRouter(tags=["audience"])
USUAL = (Channel.EMAIL, Channel.SMS, Channel.WHATSAPP)


@router.post("/audience/preview")
async def preview(body: PreviewBody, hub: HubOf, caller: Caller) -> Preview:
    where, parameters = matching(body.filter), filter_parameters(body.filter, caller.brand, hub.now())
    matched = (await hub.tuples(queries.MATCHED % {"matching": where}, **parameters))[0][0]
    by_channel = {}
    for channel in dict.fromkeys(body.channels or USUAL):
        rows = await hub.tuples(queries.PREVIEW % {"matching": where}, **parameters, channel=channel.value)
        counts = {row[0]: row[1] for row in rows}
        reachable = counts.pop("", 0)
        dropped = dict(sorted(counts.items(), key=lambda item: -item[1]))
        by_channel[channel.value] = ChannelReach(reachable=reachable, dropped=dropped)
    return Preview(matched=matched, by_channel=by_channel)
