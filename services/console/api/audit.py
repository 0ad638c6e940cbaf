"""`/audit`: who did what and when."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel

from services.console.api.campaigns import cursor_key
from services.console.api.models import Cursor, Limit
from services.console.core.cursors import encode_cursor
from services.console.hub import HubOf
from services.console.queries.audit import PAGE
from services.console.security import Caller
from services.console.sends import utc

router = APIRouter(tags=["operators"])
END = (7_258_118_400_000, "")
"""Later than any entry: milliseconds since 1970, id."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class AuditPage(BaseModel):
    items: list[dict[str, Any]]
    next: str | None


@router.get("/audit")
async def listing(
    hub: HubOf,
    caller: Caller,
    operator: Annotated[str, Query(description="only what this operator did")] = "",
    action: Annotated[str, Query(description="only this, such as campaign.launch; or its first word")] = "",
    object_: Annotated[str, Query(alias="object", description="only on this, such as campaign/summer")] = "",
    cursor: Cursor = "",
    limit: Limit = 100,
) -> AuditPage:
    """The newest first. An entry is here a moment after the act."""
    before = cursor_key(cursor, int, str) if cursor else END
    rows = await hub.rows(
        PAGE, brand=caller.brand, before_ms=before[0], before_id=before[1], operator=operator, action=action,
        object=object_, most=limit + 1,
    )  # fmt: skip
    items = [row | {"at": utc(row["at"])} for row in rows[:limit]]
    last = items[-1] if len(rows) > limit else None
    following = encode_cursor((last["at"] - EPOCH) // timedelta(milliseconds=1), last["entry_id"]) if last else None
    return AuditPage(items=items, next=following)
