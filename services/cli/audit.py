"""`peal audit`: who did what and when."""

from __future__ import annotations

from itertools import islice
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from services.cli.client import ConsoleClient
from services.cli.output import Json, out, print_json


def audit(
    operator: Annotated[str, typer.Option(help="Only what this operator did.")] = "",
    action: Annotated[str, typer.Option(help="Only this: campaign.launch; or a whole kind: consent.")] = "",
    what: Annotated[str, typer.Option("--object", help="Only on this: campaign/ID; a person: brand/contact.")] = "",
    limit: Annotated[int, typer.Option(help="Entries at most.", min=1)] = 100,
    as_json: Json = False,
) -> None:
    """Show who did what and when, the newest first: commands to campaigns, also those that were refused; consents,
    imports, erasures, brands, operators, keys, doubts decided, dead letters replayed. Needs the role admin.
    """
    wanted = {"operator": operator, "action": action, "object": what}
    with ConsoleClient() as client:
        items = list(islice(client.pages("/audit", limit=min(limit, 1000), **wanted), limit))
    if as_json:
        print_json(items)
        return
    table = Table("when (UTC)", "who", "did", "on", "epoch", "detail")
    for item in items:
        did = item["action"] if item["status"] == "accepted" else f"{item['action']}, refused"
        row = (item["at"][:19].replace("T", " "), item["operator"], did, item["recipient"] or item["object"],
               _epochs(item), item["detail"])  # fmt: skip
        table.add_row(*(escape(cell) for cell in row))
    out.print(table if items else "Nothing yet.")


def _epochs(item: dict[str, Any]) -> str:
    before, after = item["epoch_before"], item["epoch_after"]
    if after is None or before == after:
        return "" if before is None else str(before)
    return f"{'new' if before is None else before} → {after}"
