"""`/engagements`: what people did elsewhere, such as a visit or a purchase."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

from fastapi import APIRouter

from schemas import Engagement
from schemas.topics import ENGAGEMENTS
from services.console.api.models import EngagementBody, IdempotencyKey
from services.console.first_answers import FirstAnswersOf
from services.console.hub import HubOf
from services.console.problems import one_field
from services.console.security import Caller

router = APIRouter(tags=["contacts"])
LARGEST = 10**12


@router.post("/engagements", status_code=202)
async def record(
    body: EngagementBody, hub: HubOf, caller: Caller, answers: FirstAnswersOf, key: IdempotencyKey = None
) -> dict[str, Any]:
    """The same as on the topic `engagements`. Told twice with the same time, it counts once."""
    if first := answers.get(caller.brand, "engagement", key):
        return dict(first)
    if not _is_value(body.value):
        raise one_field("value", "invalid", f"'{body.value[:40]}' is no decimal number below 1e12, such as 249.90")
    if body.campaign_id is not None:
        await hub.campaign(body.campaign_id, caller)
    content = body.model_dump(exclude={"contact", "at"})
    told = Engagement.model_validate(
        content | {"recipient": caller.recipient(body.contact), "at": body.at or hub.now()}
    )
    await hub.publish(ENGAGEMENTS, told.recipient, told.write())
    return answers.put(caller.brand, "engagement", key, told.model_dump(mode="json"))


def _is_value(text: str) -> bool:
    try:
        value = Decimal(text)
    except InvalidOperation:
        return False
    return value.is_finite() and abs(value) < LARGEST
