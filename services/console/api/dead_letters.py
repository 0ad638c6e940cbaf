"""`/dead-letters`: what could not be read, why, and trying it again once the cause is mended."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel

from schemas import Command, CommandType
from schemas.base import CampaignId
from services.console.api.campaigns import cursor_key
from services.console.api.models import Cursor, IdempotencyKey, Limit
from services.console.auditing import entry
from services.console.core.cursors import encode_cursor
from services.console.core.idempotency import command_id
from services.console.core.letters import Resend, Unreplayable, line_of, replay_of, whole
from services.console.hub import Hub, HubOf
from services.console.letters import LetterBox
from services.console.problems import Problem, not_found
from services.console.security import Caller, Identity

router = APIRouter(tags=["dead letters"])


class LetterPage(BaseModel):
    items: list[dict[str, Any]]
    """No personal data: ids, the reason, where it came from."""
    next: str | None


class Replayed(BaseModel):
    topic: str
    """Where the record went again; for a send: send-requested, by way of the planner."""
    campaign_id: str | None = None
    """Whose dead-lettered sends are tried again, each as a new attempt."""
    epoch: int | None = None


@router.get("/dead-letters")
async def listing(
    hub: HubOf,
    caller: Caller,
    topic: Annotated[str, Query(description="the topic that they could not be read from; empty: all")] = "",
    cursor: Cursor = "",
    limit: Limit = 100,
) -> LetterPage:
    """By topic, partition and age. What is nobody's for sure is for admins of the installation alone."""
    after = cursor_key(cursor, str, int, int) if cursor else None
    letters, last = await LetterBox(hub, caller).page(topic, after and (after[0], after[1], after[2]), limit)
    return LetterPage(items=[line_of(letter) for letter in letters], next=encode_cursor(*last) if last else None)


@router.get("/dead-letters/{topic}/{partition}/{offset}")
async def show(topic: str, partition: int, offset: int, hub: HubOf, caller: Caller) -> dict[str, Any]:
    """All of it, its value included."""
    return whole(await LetterBox(hub, caller).one(topic, partition, offset))


@router.post("/dead-letters/{topic}/{partition}/{offset}/replay", status_code=202)
async def replay(
    topic: str,
    partition: int,
    offset: int,
    request: Request,
    hub: HubOf,
    caller: Caller,
    key: IdempotencyKey = None,
) -> Replayed:
    """Try it again. Once or often is the same: a send that was made is not made again."""
    box = LetterBox(hub, caller)
    letter = await box.one(topic, partition, offset)
    place = f"dead-letter/{letter.topic}/{partition}/{offset}"
    match replay_of(letter):
        case Unreplayable(problem, message):
            raise Problem(409, problem, message)
        case Resend(campaign_id):
            await hub.audit(entry(caller, hub.now(), "dead-letter.replay", place, detail=f"campaign {campaign_id}"))
            return await reopen(hub, caller, campaign_id, command_id(caller.brand, key, f"POST {request.url.path}"))
        case again:
            await hub.audit(entry(caller, hub.now(), "dead-letter.replay", place))
            await box.produce(again)
            return Replayed(topic=again.topic)


async def reopen(hub: Hub, caller: Identity, campaign_id: str, command: str) -> Replayed:
    """The planner asks for the campaign's dead-lettered sends once more: it alone gives out attempts and money.

    Raises `Problem`: 404, 409 where the campaign is paused or cancelled, 503.
    """
    await hub.campaigns.catch_up()
    record = hub.campaigns.items.get(campaign_id)
    if record is None or (record.brand != caller.brand and not caller.installation):
        raise not_found("campaign", campaign_id)
    result = await hub.command(
        Command(
            type=CommandType.REOPEN, command_id=command, brand=record.brand, at=hub.now(),
            campaign_id=CampaignId(record.campaign_id), operator=caller.name,
        ),
        record.campaign_id,
    )  # fmt: skip
    return Replayed(topic="send-requested", campaign_id=record.campaign_id, epoch=result.epoch)
