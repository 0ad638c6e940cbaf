"""A file on its way to the console: what kind it is, how far it is, which of its rows were bad."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import yaml
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.table import Table

from services.cli.client import REJECTED_EXIT, ConsoleClient
from services.cli.errors import CommandError
from services.cli.output import err, out

PIECE = 1 << 18
SHOWN = 20
BAD_ROWS_EXIT = 2
TYPES = {".csv": "text/csv", ".ndjson": "application/x-ndjson", ".jsonl": "application/x-ndjson"}
ANSWER_S = 600.0
"""The last rows of a large file are acknowledged some time after they were sent."""


def read_named(file: Path, what: str, first: str) -> tuple[str, dict[str, Any]]:
    """The name and the other fields of the one thing that a YAML or JSON file tells of. `first`: the field that names
    it. Raises CommandError."""
    try:
        found = yaml.safe_load(file.read_text())
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise CommandError(f"{file} is not YAML: {error}", REJECTED_EXIT) from None
    if not isinstance(found, dict):
        raise CommandError(f"{file} holds no {what}: write its fields, beginning with {first}", REJECTED_EXIT)
    fields = dict(found)
    name = str(fields.pop(first, ""))
    if not name:
        raise CommandError(f"{file} names no {what}: add {first}", REJECTED_EXIT)
    return name, fields


def send_file(file: Path, path: str, **parameters: str) -> dict[str, Any]:
    """What the console made of it. Raises CommandError."""
    kind = TYPES.get(file.suffix.lower())
    if kind is None:
        raise CommandError(f"{file} is neither .csv nor .ndjson: give it the right ending", 4)
    with file.open("rb") as opened, ConsoleClient() as client:
        return client.call(
            "POST",
            path,
            params={"name": file.name, **parameters},
            content=_with_progress(opened, file.stat().st_size),
            headers={"Content-Type": kind},
            timeout=ANSWER_S,
        )


def show_bad_rows(result: dict[str, Any]) -> None:
    if not result["rejected"]:
        return
    table = Table("line", "field", "what is wrong", title=f"{result['rejected']:,} rows did not")
    for row in result["errors"][:SHOWN]:
        table.add_row(str(row["line"]), escape(row["field"]), escape(row["message"]))
    out.print(table)
    if result["rejected"] > SHOWN:
        out.print(f"and {result['rejected'] - SHOWN:,} more; --json lists them", highlight=False)


def _with_progress(file: BinaryIO, size: int) -> Iterator[bytes]:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=err, transient=True) as progress:
        task = progress.add_task("importing", total=size)
        while piece := file.read(PIECE):
            yield piece
            progress.advance(task, len(piece))
