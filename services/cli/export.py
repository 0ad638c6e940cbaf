"""`peal schemas export`: the wire for those who write in other languages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from schemas.export import export
from services.cli.output import out

app = typer.Typer(no_args_is_help=True, help="The wire: JSON Schema of every value, AsyncAPI of all topics.")


@app.callback()
def main() -> None:
    """A group of one command, so that others can join it."""


@app.command("export")
def export_schemas(
    folder: Annotated[Path, typer.Argument(help="Where to; made where it is not there.")] = Path("schemas/json"),
) -> None:
    """Write JSON Schema files and asyncapi.json."""
    files = export(folder)
    out.print(f"{len(files)} files written to {folder}")
