"""`peal account`: accounts at providers: list, test, connect, disconnect."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from services.cli.client import ConsoleClient, segment
from services.cli.files import read_named
from services.cli.output import Json, out, print_json

app = typer.Typer(no_args_is_help=True, help="Accounts at providers: list, test, connect.")
Name = Annotated[str, typer.Argument(help="Id of the account; `default` with --channel for a channel's own.")]


@app.command("list")
def listing(as_json: Json = False) -> None:
    """List the accounts that the brand may use, and how each stands."""
    with ConsoleClient() as client:
        items = client.get("/accounts")["items"]
    if as_json:
        print_json(items)
        return
    table = Table("account", "channel", "provider", "sender", "a second", "state", "last test")
    for item in items:
        table.add_row(
            item["account_id"], item["channel"], item["provider"], escape(item["sender"]), f"{item['rate_per_s']:g}",
            item["state"], escape(item["test_detail"]) or "never",
        )  # fmt: skip
    out.print(table)


@app.command("connect")
def connect(
    file: Annotated[Path, typer.Argument(help="YAML or JSON, as POST /accounts takes it.", dir_okay=False)],
    as_json: Json = False,
) -> None:
    """Connect an account with credentials that the provider takes. Keep the file to yourself: they stand in it.

    Exit codes: 0 done, 4 the file is wrong, or the provider refuses, 1 anything else.
    """
    name, content = read_named(file, "account", "account_id")
    with ConsoleClient() as client:
        made = client.post("/accounts", {**content, "account_id": name})
    if as_json:
        print_json(made)
    else:
        names = ", ".join(item["account_id"] for item in made["items"])
        out.print(f"connected: {names}. Messages can go out in a few seconds.", markup=False, highlight=False)


@app.command("test")
def try_it(
    account: Name,
    channel: Annotated[str, typer.Option(help="For the default account of a channel: email, sms, whatsapp.")] = "",
    as_json: Json = False,
) -> None:
    """Call the provider with an account's credentials; nothing is sent. Exit code 1 where they are not good."""
    query = f"?channel={segment(channel)}" if channel else ""
    with ConsoleClient() as client:
        found = client.post(f"/accounts/{segment(account)}/test{query}")
    _say(found, found["test_detail"], as_json)
    raise typer.Exit(1 if found["state"] == "failing" else 0)


@app.command("disconnect")
def disconnect(account: Name, as_json: Json = False) -> None:
    """Forget an account's credentials; nothing is sent through it any more."""
    with ConsoleClient() as client:
        found = client.post(f"/accounts/{segment(account)}/disconnect")
    _say(found, f"{account} is disconnected: enter credentials at the console to connect it again.", as_json)


def _say(found: dict[str, Any], words: str, as_json: bool) -> None:
    if as_json:
        print_json(found)
    else:
        out.print(words, markup=False, highlight=False)
