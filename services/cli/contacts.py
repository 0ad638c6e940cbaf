"""`peal contacts`: people in and out."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from services.cli.client import ConsoleClient, segment
from services.cli.files import BAD_ROWS_EXIT, send_file, show_bad_rows
from services.cli.output import Json, out, print_json

app = typer.Typer(no_args_is_help=True, help="Bring people in, look one up.")


@app.callback()
def contacts() -> None:
    """A person is known by brand and id; what is newer wins, field by field."""


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(help="CSV with a header, or NDJSON (.ndjson, .jsonl).", dir_okay=False)],
    onto: Annotated[str, typer.Option("--list", help="List that all of them come onto.", show_default=False)] = "",
    as_json: Json = False,
) -> None:
    """Import people from a file. Good rows go in; bad ones are listed with line and reason.

    CSV columns: id,name,email,phone,role,city,pincode,zone,last_active_at,opt_in; any other is an attribute.
    opt_in holds channels parted by blanks. An empty cell changes nothing. An opt-in from a file never undoes a
    recorded opt-out, unless a column opt_in_at says that it is newer. A column lists holds names of lists, parted by
    semicolons; --list puts everybody of the file onto one. An audience names lists by `lists`.

    Exit codes: 0 all rows went in, 2 some were bad (the others went in), 4 the file was refused, 1 anything else.
    """
    result = send_file(file, "/contacts/import", **({"list": onto} if onto else {}))
    if as_json:
        print_json(result)
    else:
        show_import(result)
    if result["rejected"]:
        raise typer.Exit(BAD_ROWS_EXIT)


@app.command("show")
def show(contact: Annotated[str, typer.Argument(help="Id of the contact.")], as_json: Json = False) -> None:
    """Show what is recorded of a person. Exit code 3: nobody is known by this id."""
    with ConsoleClient() as client:
        found = client.get(f"/contacts/{segment(contact)}")
    if as_json:
        print_json(found)
        return
    for name, value in found.items():
        if name == "consents":
            for consent in value:
                out.print(
                    f"{'consent':<15} {consent['channel']} {consent['state']} ({consent['purpose']})", markup=False
                )
        elif value:
            out.print(f"{name:<15} {value}", markup=False, highlight=False)


def show_import(result: dict[str, Any]) -> None:
    people, opt_ins = result["imported"], result["opt_ins"]
    words = "person" if people == 1 else "people", "opt-in" if opt_ins == 1 else "opt-ins"
    out.print(f"{people:,} {words[0]} went in, with {opt_ins:,} {words[1]}.", highlight=False)
    show_bad_rows(result)
