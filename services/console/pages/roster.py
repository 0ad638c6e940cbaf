"""The people of a campaign: who stands where, and why; as a page and as a file."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, StreamingResponse

from schemas import CampaignRecord
from services.console.api.campaigns import cursor_key
from services.console.core.cursors import encode_cursor
from services.console.hub import HubOf, Row
from services.console.pages.common import Visitor, page
from services.console.sends import FOUND_AT_MOST, WORDS, Chosen, Sends, statuses_of

router = APIRouter()
ROWS = 100
ROWS_OF_FILE = 1000
"""Asked for at once, while a file is written."""
COLUMNS = ("contact", "step", "channel", "status", "reason", "attempt", "account", "provider_message_id", "cost", "at")


@router.get("/campaigns/{campaign_id}/people")
async def people(
    campaign_id: str,
    request: Request,
    hub: HubOf,
    visitor: Visitor,
    status: str = "",
    channel: str = "",
    search: str = "",
    cursor: str = "",
) -> HTMLResponse:
    """Each leads to the person's own page. `search`: a part of the id or name, a whole mail address or number."""
    record = await hub.campaign(campaign_id, visitor)
    step, ord_ = cursor_key(cursor, int, int) if cursor else (1, 0)
    sends, text = Sends(hub), search.strip()
    recipients = await sends.search(record, text) if text else ()
    chosen = Chosen(statuses_of(status, record), channel, step, ord_, ROWS, recipients)
    rows, following = ([], None) if text and not recipients else await sends.page(record, chosen)
    return page(
        request, "people.html", record=record, rows=rows, wanted=status, channel=channel, search=text, cursor=cursor,
        following=encode_cursor(*following) if following else "", statuses=WORDS,
        too_many=FOUND_AT_MOST if len(recipients) == FOUND_AT_MOST else 0,
        channels=list(dict.fromkeys(step.channel.value for step in record.steps)),
    )  # fmt: skip


@router.get("/campaigns/{campaign_id}/people.csv")
async def people_file(
    campaign_id: str, hub: HubOf, visitor: Visitor, status: str = "", channel: str = ""
) -> StreamingResponse:
    """All of them, one row a send, written as they are read."""
    record = await hub.campaign(campaign_id, visitor)
    first = Chosen(statuses_of(status, record), channel, 1, 0, ROWS_OF_FILE)
    headers = {"Content-Disposition": f'attachment; filename="{campaign_id}-people.csv"'}
    return StreamingResponse(_lines(Sends(hub), record, first), media_type="text/csv", headers=headers)


async def _lines(sends: Sends, record: CampaignRecord, chosen: Chosen) -> AsyncIterator[str]:
    currency = record.budget.currency if record.budget else "USD"
    yield _csv([(*COLUMNS[:-2], f"cost_{currency.lower()}", "at")])
    following: tuple[int, int] | None = (chosen.step, chosen.ord)
    while following:
        page_ = Chosen(chosen.statuses, chosen.channel, *following, chosen.limit)
        rows, following = await sends.page(record, page_)
        yield _csv([_cells(row) for row in rows])


def _cells(row: Row) -> tuple[object, ...]:
    contact = row["recipient"].partition("/")[2]
    cost = f"{row['cost_micros'] / 1_000_000:.6f}"
    at = row["at"].isoformat() if row["at"] else ""
    return (contact, *(row[name] for name in COLUMNS[1:-2]), cost, at)


def _csv(rows: list[tuple[object, ...]]) -> str:
    file = io.StringIO()
    csv.writer(file, lineterminator="\r\n").writerows(rows)
    return file.getvalue()
