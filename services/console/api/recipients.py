"""`/recipients/{contact}/ledger`, `/sends/{campaign}/{step}/{contact}`, `/campaigns/{id}/explain/{contact}`."""

from __future__ import annotations

import dataclasses
from typing import Annotated, Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fastapi import APIRouter, Query

from schemas.base import ContactKey
from services.console.api import erasure
from services.console.api.campaigns import cursor_key
from services.console.api.models import Cursor, Ledger, Limit
from services.console.core.cursors import encode_cursor
from services.console.core.events import OLDEST, Place, following
from services.console.hub import HubOf, Row
from services.console.people import People
from services.console.problems import not_found, one_field
from services.console.security import Caller
from services.domain.explain import Explanation, StepExplanation

router = APIRouter(tags=["people"])
router.include_router(erasure.router)
Zone = Annotated[str, Query(description="zone of the times in words; empty: the person's own, else UTC")]


@router.get("/recipients/{contact}/ledger")
async def ledger(contact: ContactKey, hub: HubOf, caller: Caller, cursor: Cursor = "", limit: Limit = 200) -> Ledger:
    """All that became of a person's messages, oldest first."""
    place, recipient = place_of(cursor, OLDEST), caller.recipient(contact)
    rows = await People(hub).ledger(recipient, place=place, most=limit + 1)
    page = rows[:limit]
    after = cursor_of(following(page)) if len(rows) > limit else None
    return Ledger(recipient=recipient, items=[as_event(row) for row in page], next=after)


@router.get("/sends/{campaign_id}/{step}/{contact}")
async def send(
    campaign_id: str, step: int, contact: ContactKey, hub: HubOf, caller: Caller, zone: Zone = ""
) -> dict[str, Any]:
    """One send: where it stands, its events, and why."""
    record = await hub.campaign(campaign_id, caller)
    if not 1 <= step <= len(record.steps):
        raise not_found("step", str(step))
    people, recipient = People(hub), caller.recipient(contact)
    explanation = await people.explain(record, recipient, checked_zone(zone))
    events = [row for row in await people.of_campaign(recipient, campaign_id) if row["step"] == step]
    own = explanation.steps[step - 1]
    return step_view(own) | {"recipient": recipient, "zone": explanation.zone, "events": [as_event(e) for e in events]}


@router.get("/campaigns/{campaign_id}/explain/{contact}")
async def explain(campaign_id: str, contact: ContactKey, hub: HubOf, caller: Caller, zone: Zone = "") -> dict[str, Any]:
    """Why a person did or did not get each message of a campaign: every gate in order, and the whole in words."""
    record = await hub.campaign(campaign_id, caller)
    return explanation_view(await People(hub).explain(record, caller.recipient(contact), checked_zone(zone)))


def place_of(cursor: str, first: Place) -> Place:
    """`first`: where there is no cursor. Raises `Problem` 422."""
    if not cursor:
        return first
    at_ms, after = cursor_key(cursor, int, str)
    return Place(int(at_ms), str(after))


def cursor_of(place: Place) -> str:
    return encode_cursor(place.at_ms, place.after)


def checked_zone(zone: str) -> str:
    """Raises `Problem` 422."""
    try:
        return zone and ZoneInfo(zone).key
    except (ZoneInfoNotFoundError, ValueError, OSError):
        message = f"'{zone[:60]}' is no time zone: write an IANA name such as Asia/Kolkata"
        raise one_field("zone", "unknown_value", message) from None


def as_event(row: Row) -> Row:
    """A line of the ledger as a delivery event of the wire."""
    event = {name: value for name, value in row.items() if name != "recipient_id"}
    return event | {"recipient": row["recipient_id"]}


def explanation_view(explanation: Explanation) -> dict[str, Any]:
    return dataclasses.asdict(explanation) | {"steps": [step_view(step) for step in explanation.steps]}


def step_view(step: StepExplanation) -> dict[str, Any]:
    return dataclasses.asdict(step)
