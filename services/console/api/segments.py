"""`/segments`: conditions on people, kept under a name."""

from __future__ import annotations

import re
from typing import Final

from fastapi import APIRouter, Response
from pydantic import BaseModel
from ulid import ULID

from schemas import AudienceFilter, Channel, Segment, Wire
from schemas.base import Identifier, Time
from services.console.api.models import ChannelReach
from services.console.auditing import entry
from services.console.hub import Hub, HubOf
from services.console.problems import Problem, not_found
from services.console.reach import reach_of, require_sound
from services.console.security import Caller, Identity

router = APIRouter(prefix="/segments", tags=["contacts"])
USUAL: Final = (Channel.EMAIL, Channel.SMS, Channel.WHATSAPP)


class SegmentBody(Wire):
    name: str
    filter: AudienceFilter
    """As `audience.filter` of a campaign."""


class SegmentPage(BaseModel):
    items: list[Segment]
    next: str | None = None


class SegmentReach(BaseModel):
    segment_id: str
    people: int
    by_channel: dict[str, ChannelReach]
    at: Time


def segments_of(hub: Hub, brand: str) -> list[Segment]:
    """By name."""
    own = [each for each in hub.segments.items.values() if each.brand == brand]
    return sorted(own, key=lambda each: (each.name.lower(), each.segment_id))


async def segment_named(hub: Hub, caller: Identity, segment_id: str) -> Segment:
    """Raises `Problem` 404."""
    key = f"{caller.brand}/{segment_id}"
    if key not in hub.segments.items:
        await hub.segments.catch_up()
    if (found := hub.segments.items.get(key)) is None:
        raise not_found("segment", segment_id)
    return found


@router.get("")
async def listing(hub: HubOf, caller: Caller) -> SegmentPage:
    """By name. How many people each of them means: `/segments/{segment_id}/reach`."""
    return SegmentPage(items=segments_of(hub, caller.brand))


@router.post("", status_code=201)
async def create(body: SegmentBody, response: Response, hub: HubOf, caller: Caller) -> Segment:
    """Its id is made from the name."""
    await hub.segments.catch_up()
    wanted = re.sub(r"[^a-z0-9]+", "-", body.name.lower()).strip("-")[:60]
    taken = not wanted or f"{caller.brand}/{wanted}" in hub.segments.items
    made = await _put(hub, caller, f"{wanted}-{str(ULID())[-6:].lower()}".strip("-") if taken else wanted, body)
    response.headers["Location"] = f"/api/v1/segments/{made.segment_id}"
    return made


@router.get("/{segment_id}")
async def show(segment_id: Identifier, hub: HubOf, caller: Caller) -> Segment:
    return await segment_named(hub, caller, segment_id)


@router.get("/{segment_id}/reach")
async def reach(segment_id: Identifier, hub: HubOf, caller: Caller) -> SegmentReach:
    """How many people it means now, whom each channel reaches, and why not the others."""
    segment = await segment_named(hub, caller, segment_id)
    found = await reach_of(hub, caller.brand, segment.filter, USUAL, "marketing")
    return SegmentReach(
        segment_id=segment_id, people=found.matched, at=hub.now(),
        by_channel={
            channel.value: ChannelReach(reachable=each.reachable, dropped=dict(each.dropped.most_common()))
            for channel, each in found.by_channel.items()
        },
    )  # fmt: skip


@router.put("/{segment_id}")
async def put(segment_id: Identifier, body: SegmentBody, hub: HubOf, caller: Caller) -> Segment:
    """Make it, or replace it. Campaigns keep the conditions that they took from it."""
    return await _put(hub, caller, segment_id, body)


@router.delete("/{segment_id}", status_code=204)
async def remove(segment_id: Identifier, hub: HubOf, caller: Caller) -> None:
    """Campaigns keep the conditions that they took from it, and nobody is deleted."""
    await segment_named(hub, caller, segment_id)
    told = entry(caller, hub.now(), "segment.remove", f"segment/{segment_id}")
    await hub.keep(hub.segments, f"{caller.brand}/{segment_id}", None, told)


async def _put(hub: Hub, caller: Identity, segment_id: str, body: SegmentBody) -> Segment:
    name = body.name.strip()
    if not 1 <= len(name) <= 100:
        raise Problem(422, "invalid", "a segment needs a name of at most 100 letters")
    await require_sound(hub, caller.brand, body.filter)
    made = Segment(
        segment_id=segment_id, brand=caller.brand, name=name, filter=body.filter, updated_at=hub.now(),
        updated_by=caller.name,
    )  # fmt: skip
    told = entry(caller, hub.now(), "segment.put", f"segment/{segment_id}")
    await hub.keep(hub.segments, f"{caller.brand}/{segment_id}", made, told)
    return made
