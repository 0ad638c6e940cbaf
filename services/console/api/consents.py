"""`/consents`: what a person agreed to or declined, with time, source and proof."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from schemas import Consent
from schemas.topics import CONSENTS
from services.console.api.models import ConsentBody, IdempotencyKey
from services.console.auditing import entry
from services.console.hub import HubOf
from services.console.security import Caller

router = APIRouter(tags=["contacts"])


@router.post("/consents", status_code=202)
async def record(
    body: ConsentBody, request: Request, hub: HubOf, caller: Caller, key: IdempotencyKey = None
) -> dict[str, Any]:
    """The greater `at` wins; at a tie, the opt-out."""
    answers = request.app.state.first_answers
    if key and (first := answers.get((caller.brand, "consent", key))):
        return dict(first)
    consent = Consent.model_validate(
        body.model_dump(exclude={"contact", "at"})
        | {"recipient": caller.recipient(body.contact), "at": body.at or hub.now()}
    )
    told = entry(
        caller, hub.now(), "consent.record", recipient=consent.recipient,
        detail=f"{consent.channel} {consent.state} ({consent.purpose})",
    )  # fmt: skip
    await hub.publish(CONSENTS, [(consent.recipient, consent.write())], told)
    answer = consent.model_dump(mode="json")
    if key:
        answers.put((caller.brand, "consent", key), answer)
    return answer
