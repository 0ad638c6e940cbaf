"""`/campaigns/{id}/launch|pause|resume|cancel|approve|clone|edit`: one command each."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request

from schemas import Command, CommandResult, CommandType
from schemas.base import CampaignId
from services.console.api.models import Edit, IdempotencyKey, Steer
from services.console.core.idempotency import command_id
from services.console.hub import Hub, HubOf
from services.console.security import Caller, Identity

router = APIRouter(tags=["campaigns"])


async def steer(
    hub: Hub, caller: Identity, kind: CommandType, campaign_id: str, command: str, **content: Any
) -> CommandResult:
    """Raises `Problem`: 404, 409 where the campaign does not stand so, 422, 503."""
    record = await hub.campaign(campaign_id, caller)
    return await hub.command(
        Command(
            type=kind,
            command_id=command,
            brand=caller.brand,
            at=hub.now(),
            campaign_id=CampaignId(record.campaign_id),
            operator=caller.name,
            **content,
        ),
        record.campaign_id,
    )


def _add(verb: str, kind: CommandType, summary: str, status: int = 200) -> None:
    async def act(
        campaign_id: str,
        request: Request,
        hub: HubOf,
        caller: Caller,
        body: Steer | None = None,
        key: IdempotencyKey = None,
    ) -> CommandResult:
        command = command_id(caller.brand, key, f"POST {request.url.path}")
        content: dict[str, Any] = {"expected_epoch": body.expected_epoch if body else None}
        if kind is CommandType.CLONE and body and body.clone_id:
            content["clone_id"] = body.clone_id
        return await steer(hub, caller, kind, campaign_id, command, **content)

    router.add_api_route(
        f"/campaigns/{{campaign_id}}/{verb}", act, methods=["POST"], name=verb, summary=summary, status_code=status
    )


_add("launch", CommandType.LAUNCH, "Choose the audience and send, now or at the scheduled time")
_add("pause", CommandType.PAUSE, "Let nothing leave; what is queued comes back")
_add("resume", CommandType.RESUME, "Go on after a pause")
_add("cancel", CommandType.CANCEL, "End it for good; what has not left never leaves")
_add("approve", CommandType.APPROVE, "Give the second person's approval")
_add("clone", CommandType.CLONE, "Copy settings, content, audience filter and budget into a new draft", 201)


@router.post("/campaigns/{campaign_id}/edit")
async def edit(
    campaign_id: str, body: Edit, request: Request, hub: HubOf, caller: Caller, key: IdempotencyKey = None
) -> CommandResult:
    """Change the content of what is not sent yet, the limits, or the budget."""
    command = command_id(caller.brand, key, f"POST {request.url.path}")
    if body.budget is not None and not (body.body or body.content or body.limits):
        return await steer(
            hub,
            caller,
            CommandType.BUDGET,
            campaign_id,
            command,
            budget=body.budget,
            expected_epoch=body.expected_epoch,
        )
    parts = {name: getattr(body, name) for name in ("body", "content", "limits", "budget", "expected_epoch")}
    return await steer(hub, caller, CommandType.EDIT, campaign_id, command, **parts)
