"""`peal uncertain`: sends whose fate nobody knows, and deciding it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from services.cli.client import REJECTED_EXIT, ConsoleClient, segment
from services.cli.errors import CommandError
from services.cli.output import Json, out, print_json

CODES = "Exit codes: 0 decided, 3 no such send, 4 it is in no doubt, or not confirmed, 1 anything else."
RISK = (
    "Nobody knows whether the first message left. If it did, this person gets it twice. "
    "Look at the provider's own pages first: `peal uncertain resolve` is for what you find there."
)

app = typer.Typer(no_args_is_help=True, help="Sends that left without an answer: list them, and decide.")
Send = Annotated[str, typer.Argument(help="Send id: campaign/step/contact.", show_default=False)]


class Fate(StrEnum):
    ACCEPTED = "accepted"
    FAILED = "failed"


@app.callback()
def uncertain() -> None:
    """Callbacks end most doubts within seconds, then the provider is asked, then the account's policy decides."""


@app.command("list")
def listing(as_json: Json = False) -> None:
    """List every send in doubt, by campaign."""
    with ConsoleClient() as client:
        items = list(client.pages("/uncertain", limit=1000))
    if as_json:
        print_json(items)
        return
    table = Table("send", "channel", "account", "attempt", "since (UTC)", "why", "policy")
    for item in items:
        since = item["at"][:19].replace("T", " ")
        why = item["reason"].replace("_", " ")
        table.add_row(
            escape(item["send_id"]), item["channel"], item["account"], str(item["attempt"]), since, why,
            item["policy"].replace("_", " "),
        )  # fmt: skip
    out.print(table if items else "No send is in doubt.")


@app.command("resolve", epilog=CODES)
def resolve(
    send: Send,
    fate: Annotated[
        Fate, typer.Option("--as", help="accepted: the provider has it; failed: it certainly did not go out.")
    ],
    as_json: Json = False,
) -> None:
    """Say what became of a send, because you know it from the provider."""
    with ConsoleClient() as client:
        answer = client.post(f"/uncertain/{_path(send)}/resolve", {"as": fate.value})
    _told(answer, f"is taken as {fate.value}", as_json)


@app.command("resend", epilog=CODES)
def resend(
    send: Send,
    yes: Annotated[bool, typer.Option("--yes", help="You take the risk that the person gets it twice.")] = False,
    as_json: Json = False,
) -> None:
    """Send again what may have been sent: a risk that you take."""
    path = _path(send)
    if not yes:
        raise CommandError(f"{RISK} If you take that risk, repeat the command with --yes", REJECTED_EXIT)
    with ConsoleClient() as client:
        answer = client.post(f"/uncertain/{path}/resend")
    _told(answer, "is sent again with the next sweep", as_json)


def _path(send: str) -> str:
    """Raises CommandError."""
    parts = send.split("/")
    if len(parts) != 3 or not all(parts) or not parts[1].isdecimal():
        raise CommandError(
            f"'{send}' is no send id: write campaign/step/contact, such as summer-ac-2026/1/c-1", REJECTED_EXIT
        )
    return "/".join(segment(part) for part in parts)


def _told(answer: dict[str, Any], words: str, as_json: bool) -> None:
    if as_json:
        print_json(answer)
    else:
        out.print(f"{answer['send_id']}, attempt {answer['attempt']}, {words}", markup=False, highlight=False)
