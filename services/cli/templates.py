"""`peal template`: the brand's library of contents."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape
from rich.table import Table

from services.cli.client import ConsoleClient, segment
from services.cli.files import read_named
from services.cli.output import Json, out, print_json

CODES = "Exit codes: 0 done, 3 no such template, 4 the file is wrong, 1 anything else."
app = typer.Typer(no_args_is_help=True, help="Templates: contents that campaigns take from the brand's library.")
Id = Annotated[str, typer.Argument(help="Id of the template.", show_default=False)]


@app.command("list")
def listing(
    channel: Annotated[str, typer.Option(help="email, sms, whatsapp, push or social.")] = "", as_json: Json = False
) -> None:
    """List the templates, by name."""
    with ConsoleClient() as client:
        items = client.get("/templates", **({"channel": channel} if channel else {}))["items"]
    if as_json:
        print_json(items)
        return
    if not items:
        out.print("There is no template yet: make one by `peal template apply FILE.yaml`.")
        return
    table = Table("id", "name", "channel", "version")
    for item in items:
        table.add_row(item["template_id"], escape(item["name"]), item["channel"], str(item["version"]))
    out.print(table)


@app.command("show", epilog=CODES)
def show(template_id: Id) -> None:
    """Print a template and the campaigns that use it, as JSON."""
    with ConsoleClient() as client:
        print_json(client.get(f"/templates/{segment(template_id)}"))


@app.command("apply", epilog=CODES)
def apply(
    file: Annotated[Path, typer.Argument(help="YAML or JSON: template_id, channel, name, content.", dir_okay=False)],
    as_json: Json = False,
) -> None:
    """Make a template, or a new version of it. Campaigns keep what they have taken from an earlier one."""
    template_id, fields = read_named(file, "template", "template_id")
    with ConsoleClient() as client:
        made = client.put(f"/templates/{segment(template_id)}", fields)
    if as_json:
        print_json(made)
    else:
        version = made["template"]["version"]
        out.print(f"template {template_id} is at version {version}.", markup=False, highlight=False)


@app.command("remove", epilog=CODES)
def remove(template_id: Id) -> None:
    """Take a template out of the library."""
    with ConsoleClient() as client:
        client.delete(f"/templates/{segment(template_id)}")
    out.print(f"template {template_id} is removed.", markup=False, highlight=False)
