"""`/uncertain`: sends whose fate nobody knows, and what somebody who knows better decides."""

from __future__ import annotations

from itertools import groupby
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Request
from pydantic import Field

from schemas import Account, Wire
from schemas.base import ContactKey
from schemas.topics import DELIVERY_EVENTS
from services.console.api.campaigns import cursor_key
from services.console.api.models import Cursor, IdempotencyKey, Limit
from services.console.auditing import entry
from services.console.core.cursors import encode_cursor
from services.console.core.resolving import Resolution, resolution
from services.console.first_answers import first_answers_of
from services.console.hub import Hub, HubOf, Row
from services.console.problems import Problem, not_found
from services.console.queries import uncertain as queries
from services.console.security import Caller, Identity
from services.console.sends import utc
from services.domain.messages import SendAttempt, encode_json

router = APIRouter(prefix="/uncertain", tags=["people"])


class Resolve(Wire):
    """`accepted`: the provider has it. `failed`: it certainly did not go out, and shall not."""

    fate: Annotated[Literal["accepted", "failed"], Field(alias="as")]


@router.get("")
async def listing(hub: HubOf, caller: Caller, cursor: Cursor = "", limit: Limit = 100) -> dict[str, Any]:
    """By campaign, step and place in the audience; with what the account's policy will be after the deadline."""
    campaign, step, place = cursor_key(cursor, str, int, int) if cursor else ("", 0, -1)
    found = await hub.tuples(
        queries.PAGE, brand=caller.brand, campaign=campaign, step=step, ord=place, most=limit + 1
    )  # fmt: skip
    items: list[Row] = []
    for (campaign_id, number), sends in groupby(found[:limit], key=lambda row: (row[0], row[1])):
        ords = [row[2] for row in sends]
        rows = await hub.rows(queries.ROWS, campaign=campaign_id, step=number, ords=ords)
        items += [_item(hub, row) for row in rows]
    following = encode_cursor(*found[limit - 1]) if len(found) > limit else None
    return {"items": items, "next": following}


@router.post("/{campaign_id}/{step}/{contact}/resolve")
async def resolve(
    campaign_id: str, step: int, contact: ContactKey, body: Resolve, request: Request, hub: HubOf, caller: Caller,
    key: IdempotencyKey = None,
) -> dict[str, Any]:  # fmt: skip
    """Say what became of it. The provider's own word, should it come later, counts more."""
    return await _decide(hub, caller, request, (campaign_id, step, contact), body.fate, key)


@router.post("/{campaign_id}/{step}/{contact}/resend")
async def resend(
    campaign_id: str, step: int, contact: ContactKey, request: Request, hub: HubOf, caller: Caller,
    key: IdempotencyKey = None,
) -> dict[str, Any]:  # fmt: skip
    """Send it again: the person may get it twice, for nobody knows whether the first one left."""
    return await _decide(hub, caller, request, (campaign_id, step, contact), "resend", key)


async def _decide(
    hub: Hub, caller: Identity, request: Request, name: tuple[str, int, str], decided: Resolution, key: str | None
) -> dict[str, Any]:
    """Raises `Problem`: 404, 409 where the send is in no doubt, 503."""
    answers, act = first_answers_of(request), request.url.path
    if first := answers.get(caller.brand, act, key):
        return dict(first)
    send = await in_doubt(hub, caller, *name)
    account = _account(hub, send.channel, send.account)
    event = resolution(send, decided, caller.name, account.rate_card if account else None, hub.now())
    told = entry(
        caller, hub.now(), f"send.{'resend' if decided == 'resend' else 'resolve'}", f"send/{name[0]}/{name[1]}",
        recipient=event.recipient, detail=decided,
    )  # fmt: skip
    await hub.publish(DELIVERY_EVENTS, event.recipient, encode_json(event), told)
    answer = {
        "send_id": send.send_id, "attempt": send.attempt, "status": event.status, "reason": event.reason,
        "event_id": event.event_id,
    }  # fmt: skip
    return answers.put(caller.brand, act, key, answer)


async def in_doubt(hub: Hub, caller: Identity, campaign_id: str, step: int, contact: str) -> SendAttempt:
    record = await hub.campaign(campaign_id, caller)
    if not 1 <= step <= len(record.steps):
        raise not_found("step", str(step))
    recipient = caller.recipient(contact)
    rows = await hub.rows(queries.ONE, campaign=campaign_id, step=step, recipient=recipient)
    if not rows:
        raise not_found("send", f"{campaign_id}/{step}/{contact}")
    row = rows[0]
    if row["status"] != "uncertain":
        stands = " ".join(filter(None, (row["status"], row["reason"])))
        raise Problem(409, "not_uncertain", f"{campaign_id}/{step}/{contact} is in no doubt: it stands at {stands}")
    return SendAttempt(
        campaign_id=campaign_id, step=step, recipient=recipient, ord=row["ord"], attempt=row["attempt"],
        channel=row["channel"], account=row["account"],
    )  # fmt: skip


def _account(hub: Hub, channel: str, account_id: str) -> Account | None:
    connected = hub.accounts.items.get(account_id)
    if connected is not None and connected.channel == channel:
        return connected
    defaults = hub.settings.default_accounts().values()
    return next((a for a in defaults if a.channel == channel and a.account_id == account_id), None)


def _item(hub: Hub, row: Row) -> Row:
    account = _account(hub, row["channel"], row["account"])
    item = {name: value for name, value in row.items() if name != "ord"}
    return item | {"at": utc(row["at"]), "policy": account.uncertain_policy if account else "assume_sent"}
