"""`peal brand`: on whose behalf messages go, and by which rules."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from services.cli.client import ConsoleClient, segment
from services.cli.files import read_named
from services.cli.output import Json, out, print_json

app = typer.Typer(no_args_is_help=True, help="Brands: list, show, make.")


@app.command("list")
def listing(as_json: Json = False) -> None:
    """List the brands that you may act for. PEAL_BRAND says for which one a command acts."""
    with ConsoleClient() as client:
        items = client.get("/brands")["items"]
    if as_json:
        print_json(items)
        return
    table = Table("brand", "name", "needs a yes", "zone")
    for item in items:
        table.add_row(
            item["brand_id"],
            escape(item["name"]),
            ", ".join(item["opt_in_channels"]) or "nowhere",
            item["zone"] or "UTC",
        )
    out.print(table)


@app.command("show")
def show(brand: Annotated[str, typer.Argument(help="Id of the brand.")]) -> None:
    """Print all that is said of a brand, as JSON: `peal brand apply` takes it back."""
    with ConsoleClient() as client:
        print_json(client.get(f"/brands/{segment(brand)}"))


@app.command("apply")
def apply(
    file: Annotated[Path, typer.Argument(help="YAML or JSON, with brand_id.", dir_okay=False)], as_json: Json = False
) -> None:
    """Make a brand, or replace all that is said of it. Campaigns that run keep what they were launched with.

    Exit codes: 0 done, 4 the file is wrong, or refused, 1 anything else.
    """
    brand, content = read_named(file, "brand", "brand_id")
    content.pop("updated_at", None)
    with ConsoleClient() as client:
        made = client.put(f"/brands/{segment(brand)}", content)
    if as_json:
        print_json(made)
    else:
        out.print(f"brand {brand} is as {file.name} says.", markup=False, highlight=False)
