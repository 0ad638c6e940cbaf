"""Test sends: what is written so far, really sent, to an address of one's own, and counted nowhere."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from fastapi import APIRouter, Request
from pydantic import BaseModel, ValidationError

from schemas import Campaign, Channel, FieldError, Wire, is_test
from schemas.base import ContactKey
from services.console.api.campaigns import apply
from services.console.api.content import Desk, MadeUp, PreviewContent, Sheet, person_of
from services.console.api.models import IdempotencyKey
from services.console.contents import ContentDesk, audience_of
from services.console.core.idempotency import campaign_id as made_id
from services.console.core.idempotency import command_id
from services.console.core.previews import Found
from services.console.core.testing import ADDRESS_OF, clean, hindrances, made_test, message_of
from services.console.hub import Hub, HubOf
from services.console.problems import Problem, rejected_fields
from services.console.queries import content as queries
from services.console.security import Caller, Identity
from services.domain.field_errors import field_errors

router = APIRouter(tags=["content"])
MOST_AN_HOUR: Final = 60
"""Test sends of a brand: they are for those who write, not for those who are written to."""


class TestTo(Wire):
    """Where a test goes: to whoever asks for it."""

    email: str = ""
    phone: str = ""


class TestSheet(Wire):
    to: TestTo
    sheet: Sheet
    """As for `/content/preview`."""
    contact: ContactKey | None = None
    """Whose data fill it; absent: somebody's made up."""
    person: MadeUp | None = None
    channels: list[Channel] = []
    """Empty: all of the sheet's."""


class TestCampaign(Wire):
    to: TestTo
    contact: ContactKey | None = None
    person: MadeUp | None = None
    channels: list[Channel] = []


class TestSend(BaseModel):
    campaign_id: str
    """Of the test: `/campaigns/{id}/sends` and `/campaigns/{id}/stats` tell what became of it."""
    channels: list[str]
    """Step 1, 2, ..."""
    cost_micros: int
    """At most. It is in the brand's costs, like every message."""
    currency: str


@router.post("/content/test", status_code=201)
async def send_test(
    body: TestSheet, request: Request, hub: HubOf, desk: Desk, caller: Caller, key: IdempotencyKey = None
) -> TestSend:
    """A real message by the real senders and accounts; in no statistics, under no caps."""
    command = command_id(caller.brand, key, f"POST {request.url.path}")
    return await _send(hub, desk, caller, body, command)


@router.post("/campaigns/{campaign_id}/test", status_code=201)
async def send_test_of(
    campaign_id: str, body: TestCampaign, request: Request, hub: HubOf, desk: Desk, caller: Caller,
    key: IdempotencyKey = None,
) -> TestSend:  # fmt: skip
    """As `/content/test`, with the content of a campaign that there is."""
    record = await hub.campaign(campaign_id, caller)
    sheet = TestSheet(
        to=body.to, sheet=message_of(record), contact=body.contact, person=body.person, channels=body.channels
    )
    return await _send(hub, desk, caller, sheet, command_id(caller.brand, key, f"POST {request.url.path}"))


async def _send(hub: Hub, desk: ContentDesk, caller: Identity, body: TestSheet, command: str) -> TestSend:
    if _recent(hub, caller) >= MOST_AN_HOUR:
        raise Problem(429, "too_many_tests", f"{MOST_AN_HOUR} tests went out within an hour: wait a little")
    audience = audience_of(body.sheet)
    asked = PreviewContent(sheet=body.sheet, contact=body.contact, person=body.person)
    person = await person_of(desk, caller, asked, audience)
    to = clean(body.to.email, body.to.phone, hub.settings.phone_region or None)
    person = person.model_copy(update={**to, "data": person.data | to})
    written = desk.read(caller, body.sheet)
    channels = body.channels or written.channels
    if not channels:
        raise rejected_fields([FieldError(field="channels", problem="missing", message="choose a channel to test")])
    shown = await desk.previews(caller, written.of(channels), person, audience)
    if found := hindrances(shown, to) or await _opted_out(hub, caller, channels, to):
        raise rejected_fields([_field_error(each) for each in found])
    made = made_test(body.sheet, channels, to, person, made_id(command), caller.brand)
    try:
        campaign = Campaign.model_validate(made)
    except ValidationError as error:
        raise rejected_fields(field_errors(error)) from None
    result = await apply(hub, caller, campaign, command, launch=True)
    currency = next((each.currency for each in shown if each.currency), "")
    return TestSend(
        campaign_id=result.campaign_id, channels=[channel.value for channel in channels],
        cost_micros=sum(each.cost_micros or 0 for each in shown), currency=currency,
    )  # fmt: skip


def _recent(hub: Hub, caller: Identity) -> int:
    since = hub.now() - timedelta(hours=1)
    return sum(
        is_test(record.campaign_id) and record.brand == caller.brand and record.created_at > since
        for record in hub.campaigns.items.values()
    )


async def _opted_out(hub: Hub, caller: Identity, channels: list[Channel], to: Mapping[str, str]) -> list[Found]:
    """An address whose owner has said no gets no test either."""
    rows = await hub.tuples(queries.SUPPRESSED, brand=caller.brand, addresses=[each for each in to.values() if each])
    words = {"opted_out": "has opted out", "bounced_before": "did not exist when a message went there",
             "complained_before": "has complained about a message"}  # fmt: skip
    told = {(channel, address): words.get(reason, reason) for channel, address, reason in rows}
    return [
        Found(
            field=f"to.{ADDRESS_OF[channel]}", problem="opted_out",
            message=f"this address {told[channel.value, address]} by {channel.value}: use another one of yours",
        )
        for channel in channels
        if channel in ADDRESS_OF and (channel.value, address := to[ADDRESS_OF[channel]]) in told
    ]  # fmt: skip


def _field_error(found: Found) -> FieldError:
    return FieldError(field=found.field, problem=found.problem, message=found.message)
