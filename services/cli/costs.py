"""`peal costs`: what a month has cost."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from services.cli.client import ConsoleClient
from services.cli.output import Json, out, print_json


def costs(
    month: Annotated[str, typer.Option("--month", help="Month in UTC, such as 2026-11.", show_default=False)],
    as_csv: Annotated[bool, typer.Option("--csv", help="Print CSV, for whoever writes the bills.")] = False,
    as_json: Json = False,
) -> None:
    """Show what a month of the brand has cost, by campaign, channel and account.

    Exit codes: 0 shown, 4 no such month, 1 anything else.
    """
    with ConsoleClient() as client:
        if as_csv:
            typer.echo(client.text("/costs.csv", month=month), nl=False)
            return
        found = client.get("/costs", month=month)
    if as_json:
        print_json(found)
        return
    if not found["items"]:
        out.print(f"Nothing was spent in {month}.", highlight=False)
        return
    table = Table("campaign", "channel", "account", "messages", "cost", title=f"{found['brand']}, {month}")
    for column in table.columns[3:]:
        column.justify = "right"
    for item in found["items"]:
        name = escape(item["campaign"] or item["campaign_id"])
        cost = f"{item['cost']} {item['currency']}"
        table.add_row(name, item["channel"], item["account"], f"{item['attempts']:,}", cost)
    for currency, total in found["totals"].items():
        table.add_row("[bold]all[/]", "", "", "", f"[bold]{total} {currency}[/]")
    out.print(table)
