"""`/campaigns`: define, list, show."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any, Protocol, TypeVar

from fastapi import APIRouter, Query, Request, Response

from schemas import Campaign, CampaignRecord, CampaignStatus, Command, CommandResult, CommandType
from schemas.base import CampaignId, CampaignKey
from services.console.api.models import CampaignItem, CampaignPage, Cursor, IdempotencyKey, Limit
from services.console.core.cursors import BadCursorError, decode_cursor, encode_cursor
from services.console.core.idempotency import campaign_id as made_campaign_id
from services.console.core.idempotency import command_id
from services.console.hub import Hub, HubOf
from services.console.problems import one_field
from services.console.security import Caller, Identity

router = APIRouter(tags=["campaigns"])


@router.post("/campaigns", status_code=201)
async def create(
    campaign: Campaign,
    request: Request,
    response: Response,
    hub: HubOf,
    caller: Caller,
    key: IdempotencyKey = None,
    launch: Annotated[bool, Query(description="launch it at once")] = False,
) -> CommandResult:
    """Make a draft, or replace one with the same id; with `launch=true`, send it."""
    result = await apply(hub, caller, campaign, command_id(caller.brand, key, f"POST {request.url.path}"), launch)
    response.headers["Location"] = f"{request.url.path}/{result.campaign_id}"
    return result


@router.get("/campaigns")
async def listing(
    hub: HubOf,
    caller: Caller,
    status: CampaignStatus | None = None,
    cursor: Cursor = "",
    limit: Limit = 50,
) -> CampaignPage:
    """The newest first."""
    records = [record for record in hub.campaigns_of(caller) if status is None or record.status is status]
    records = after_cursor(records, cursor)
    page = records[:limit]
    following = cursor_of(page[-1]) if len(records) > limit else None
    return CampaignPage(items=[item_of(record) for record in page], next=following)


@router.get("/campaigns/{campaign_id}")
async def show(campaign_id: str, hub: HubOf, caller: Caller) -> dict[str, Any]:
    """The campaign as it stands, and how far each step has come."""
    record = await hub.campaign(campaign_id, caller)
    progress = [step.model_dump(mode="json") for step in hub.progress_of(record).values()]
    return record.model_dump(mode="json", by_alias=True) | {"progress": progress}


@router.put("/campaigns/{campaign_id}")
async def replace(
    campaign_id: CampaignKey,
    campaign: Campaign,
    request: Request,
    hub: HubOf,
    caller: Caller,
    key: IdempotencyKey = None,
) -> CommandResult:
    """Replace a draft, or make it."""
    if campaign.id not in (None, campaign_id):
        raise one_field(
            "id", "mismatch", f"the address says '{campaign_id}' and the body '{campaign.id}': make them agree"
        )
    named = campaign.model_copy(update={"id": campaign_id})
    return await apply(hub, caller, named, command_id(caller.brand, key, f"PUT {request.url.path}"), launch=False)


async def apply(hub: Hub, caller: Identity, campaign: Campaign, command: str, launch: bool) -> CommandResult:
    """Give the planner the definition. The id follows from the command where the author gave none."""
    if "brand" in campaign.model_fields_set and campaign.brand != caller.brand:
        message = f"this key belongs to brand '{caller.brand}': leave brand out, or use the key of '{campaign.brand}'"
        raise one_field("brand", "wrong_brand", message)
    target = campaign.id or CampaignId(made_campaign_id(command))
    return await hub.command(
        Command(
            type=CommandType.SEND if launch else CommandType.APPLY,
            command_id=command,
            brand=caller.brand,
            at=hub.now(),
            campaign=campaign.model_copy(update={"id": target, "brand": caller.brand}),
            operator=caller.name,
        ),
        target,
    )


def cursor_key(cursor: str, *kinds: type) -> tuple[Any, ...]:
    """Raises `Problem` 422."""
    try:
        return decode_cursor(cursor, kinds)
    except BadCursorError:
        raise one_field("cursor", "invalid", "this is no cursor of this list: take `next` of the page before") from None


class Listed(Protocol):
    """What stands in a list, the newest first."""

    @property
    def created_at(self) -> datetime: ...
    @property
    def campaign_id(self) -> CampaignId: ...


L = TypeVar("L", bound=Listed)


def after_cursor(records: list[L], cursor: str) -> list[L]:
    """Those behind the last of the page before; empty: all. Raises `Problem` 422."""
    if not cursor:
        return records
    after = cursor_key(cursor, str, str)
    return [record for record in records if _key(record) < after]


def cursor_of(record: Listed) -> str:
    return encode_cursor(*_key(record))


def item_of(record: CampaignRecord) -> CampaignItem:
    return CampaignItem(
        campaign_id=record.campaign_id,
        name=record.name,
        status=record.status.value,
        epoch=record.epoch,
        channels=list(dict.fromkeys(step.channel.value for step in record.steps)),
        audience=record.audience.count if record.audience else None,
        created_at=record.created_at,
        updated_at=record.updated_at,
        launched_at=record.launched_at,
        ended_at=record.ended_at,
    )


def _key(record: Listed) -> tuple[str, str]:
    return record.created_at.isoformat(), record.campaign_id
