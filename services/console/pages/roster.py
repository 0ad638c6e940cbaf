"""The people of a campaign: who stands where, and why; as a page and as a file."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, StreamingResponse

from schemas import CampaignRecord, Suppression
from services.console.api.campaigns import cursor_key
from services.console.core.csv_text import csv_text
from services.console.core.cursors import encode_cursor
from services.console.hub import HubOf, Row
from services.console.pages.common import Visitor, page
from services.console.queries.contacts import words_of
from services.console.sends import FOUND_AT_MOST, WORDS, Chosen, Sends, statuses_of

router = APIRouter()
ROWS = 100
ROWS_OF_FILE = 1000
"""Asked for at once, while a file is written."""
COLUMNS = ("contact", "step", "channel", "status", "reason", "attempt", "account", "provider_message_id", "cost", "at")
REASONS = tuple(reason.value for reason in Suppression)


@router.get("/campaigns/{campaign_id}/people")
async def people(
    campaign_id: str, request: Request, hub: HubOf, visitor: Visitor, status: str = "", channel: str = "",
    step: str = "", reason: str = "", search: str = "", cursor: str = "",
) -> HTMLResponse:  # fmt: skip
    """Each leads to the person's own page. `search`: parts of the id, name, mail address, number or city; `reason`:
    `-` stands for none."""
    record = await hub.campaign(campaign_id, visitor)
    number, ord_ = cursor_key(cursor, int, int) if cursor else (1, 0)
    sends, text = Sends(hub), search.strip()
    recipients = await sends.search(record, text) if text else ()
    wanted = _chosen(record, status, channel, step, reason, ROWS)
    chosen = replace(wanted, step=int(number), ord=int(ord_), recipients=recipients)
    rows, following = ([], None) if text and not recipients else await sends.page(record, chosen)
    given = {"status": status, "channel": channel, "step": step, "reason": reason, "search": search}
    return page(
        request, "people.html", record=record, rows=rows, given=given, cursor=cursor, reasons=_reasons(reason),
        following=encode_cursor(*following) if following else "", statuses=WORDS,
        too_many=FOUND_AT_MOST if len(recipients) == FOUND_AT_MOST else 0, short=bool(text) and not words_of(text),
        channels=list(dict.fromkeys(step.channel.value for step in record.steps)),
    )  # fmt: skip


@router.get("/campaigns/{campaign_id}/people.csv")
async def people_file(
    campaign_id: str, hub: HubOf, visitor: Visitor, status: str = "", channel: str = "", step: str = "",
    reason: str = "", search: str = "",
) -> StreamingResponse:  # fmt: skip
    """All of them, one row a send, written as they are read."""
    record = await hub.campaign(campaign_id, visitor)
    sends, text = Sends(hub), search.strip()
    recipients = await sends.search(record, text) if text else ()
    first = replace(_chosen(record, status, channel, step, reason, ROWS_OF_FILE), recipients=recipients)
    headers = {"Content-Disposition": f'attachment; filename="{campaign_id}-people.csv"'}
    lines = _lines(sends, record, first, nobody=bool(text) and not recipients)
    return StreamingResponse(lines, media_type="text/csv", headers=headers)


def _chosen(record: CampaignRecord, status: str, channel: str, step: str, reason: str, limit: int) -> Chosen:
    """From the first send on. Raises `Problem` 422 for an unknown status."""
    only = int(step) if step.isdecimal() and len(step) < 4 else 0
    why = None if not reason else "" if reason == "-" else reason
    return Chosen(statuses_of(status, record), channel, 1, 0, limit, reason=why, only_step=only)


def _reasons(chosen: str) -> list[str]:
    """What a send may be left out for; of providers' own words the one that was asked for."""
    return [*REASONS, *([chosen] if chosen and chosen not in REASONS else [])]


async def _lines(sends: Sends, record: CampaignRecord, chosen: Chosen, *, nobody: bool) -> AsyncIterator[str]:
    currency = record.budget.currency if record.budget else "USD"
    yield csv_text([(*COLUMNS[:-2], f"cost_{currency.lower()}", "at")])
    following: tuple[int, int] | None = None if nobody else (chosen.step, chosen.ord)
    while following:
        rows, following = await sends.page(record, replace(chosen, step=following[0], ord=following[1]))
        yield csv_text([_cells(row) for row in rows])


def _cells(row: Row) -> tuple[Any, ...]:
    contact = row["recipient"].partition("/")[2]
    cost = f"{row['cost_micros'] / 1_000_000:.6f}"
    at = row["at"].isoformat() if row["at"] else ""
    return (contact, *(row[name] for name in COLUMNS[1:-2]), cost, at)
