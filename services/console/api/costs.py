"""`/costs` and `/costs.csv`: what a month of the brand has cost."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel
from starlette.responses import Response

from schemas import DEFAULT_ACCOUNT, Channel
from services.console.core.cost_rows import CostRow, as_csv, in_cents, money, month_of
from services.console.description import CSV
from services.console.hub import Hub, HubOf
from services.console.problems import one_field
from services.console.queries import costs as queries
from services.console.security import Caller

router = APIRouter(tags=["costs"])
Month = Annotated[str, Query(description="a month in UTC, such as 2026-11", examples=["2026-11"])]


class CostItem(BaseModel):
    campaign_id: str
    campaign: str
    channel: str
    account: str
    attempts: int
    currency: str
    cost: str
    """In the currency, to the cent; those of a currency add up to its total."""
    cost_micros: int
    """Exact, in millionths."""


class Costs(BaseModel):
    month: str
    brand: str
    items: list[CostItem]
    totals: dict[str, str]
    """Currency -> sum."""


@router.get("/costs")
async def costs(month: Month, hub: HubOf, caller: Caller) -> Costs:
    """By campaign, channel and account. A month is not settled while its sends may still get their last price."""
    rows = await _rows(hub, caller.brand, month)
    items = [CostItem(**(asdict(row) | {"cost": money(row.cents)})) for row in rows]
    sums: dict[str, int] = {}
    for row in rows:
        sums[row.currency] = sums.get(row.currency, 0) + row.cents
    totals = {currency: money(cents) for currency, cents in sorted(sums.items())}
    return Costs(month=month, brand=caller.brand, items=items, totals=totals)


@router.get("/costs.csv", response_class=Response, responses=CSV)
async def as_file(month: Month, hub: HubOf, caller: Caller) -> Response:
    """The same as CSV, for whoever writes the bills."""
    text = as_csv(month, caller.brand, await _rows(hub, caller.brand, month))
    name = f"costs-{caller.brand}-{month}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(text, media_type="text/csv; charset=utf-8", headers=headers)


async def _rows(hub: Hub, brand: str, month: str) -> list[CostRow]:
    """Raises `Problem` 422 and 503."""
    days = month_of(month)
    if days is None:
        raise one_field("month", "invalid", f"'{month[:20]}' is no month: write it as 2026-11")
    found = await hub.rows(queries.BY_CAMPAIGN, brand=brand, first=days[0], behind=days[1])
    return in_cents(
        [
            CostRow(
                campaign_id=row["campaign_id"],
                campaign=record.name if (record := hub.campaigns.items.get(row["campaign_id"])) else "",
                channel=row["channel"],
                account=row["account"],
                attempts=int(row["attempts"]),
                currency=_currency(hub, row["channel"], row["account"]),
                cost_micros=int(row["cost_micros"]),
            )
            for row in found
        ]
    )


def _currency(hub: Hub, channel: str, account: str) -> str:
    """Of the account that the provider bills."""
    if account == DEFAULT_ACCOUNT:
        known = hub.settings.default_accounts().get(Channel(channel))
    else:
        known = hub.accounts.items.get(account)
    return known.rate_card.currency if known else hub.settings.currency
