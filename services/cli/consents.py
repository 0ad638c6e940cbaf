"""`peal consents`: what people agreed to and declined, in and out."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from services.cli.client import ConsoleClient, segment
from services.cli.files import BAD_ROWS_EXIT, send_file, show_bad_rows
from services.cli.output import Json, out, print_json

UNDATED = "2000-01-01"
app = typer.Typer(no_args_is_help=True, help="What people agreed to and declined, with the proof.")
Contact = Annotated[str, typer.Argument(help="Id of the contact.")]


class Format(StrEnum):
    JSON = "json"
    CSV = "csv"


@app.callback()
def consents() -> None:
    """The newer word of a kind counts, at a tie the no; a yes to one channel does not lift a no to all."""


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="CSV with a header, or NDJSON (.ndjson, .jsonl).", dir_okay=False)],
    as_json: Json = False,
) -> None:
    """Import what people said, from a file. Good rows go in; bad ones are listed with line and reason.

    CSV columns: contact,channel,state,at,source,proof,purpose. channel: email, sms, whatsapp, push, social or all;
    state: opted_in or opted_out; at: when it was said, such as 2026-05-01T10:00:00Z. A yes without a time never
    undoes a no; a no without a time counts from now. The same file again changes nothing.

    Exit codes: 0 all rows went in, 2 some were bad (the others went in), 4 the file was refused, 1 anything else.
    """
    result = send_file(file, "/consents/import")
    if as_json:
        print_json(result)
    else:
        out.print(f"{result['imported']:,} words on consent went in.", highlight=False)
        show_bad_rows(result)
    if result["rejected"]:
        raise typer.Exit(BAD_ROWS_EXIT)


@app.command("show")
def show(contact: Contact, as_json: Json = False) -> None:
    """Show what holds for a person, and every word that led to it."""
    with ConsoleClient() as client:
        found = client.get(f"/recipients/{segment(contact)}/consents")
    if as_json:
        print_json(found)
        return
    for held in found["holds"]:
        why = f" ({held['reason'].replace('_', ' ')})" if held["reason"] not in ("", "opted_out") else ""
        out.print(f"{held['channel']:<10} {held['purpose']:<12} {held['state']}{why}", markup=False, highlight=False)
    table = Table("said (UTC)", "channel", "purpose", "word", "source", "proof")
    for word in found["words"]:
        table.add_row(
            _moment(word), word["channel"], escape(word["purpose"]), word["state"], escape(word["source"]),
            escape(word["proof"]),
        )  # fmt: skip
    out.print(table if found["words"] else "Nothing is recorded.")


@app.command("export")
def export(
    contact: Contact,
    form: Annotated[Format, typer.Option("--format", help="csv: columns that an import takes.")] = Format.JSON,
) -> None:
    """Print all that a person ever said, with time, source and proof: what you show when somebody asks."""
    with ConsoleClient() as client:
        path = f"/recipients/{segment(contact)}/consents"
        if form is Format.CSV:
            typer.echo(client.text(path, format="csv"), nl=False)
        else:
            print_json(client.get(path))


def _moment(word: dict[str, Any]) -> str:
    return "not dated" if word["at"].startswith(UNDATED) else word["at"][:19].replace("T", " ")
