"""How commands print: tables and sentences for people, JSON for scripts."""

from __future__ import annotations

import json
from typing import Annotated, Any

import typer
from rich.console import Console

out = Console()
err = Console(stderr=True)

Json = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]


def print_json(value: Any) -> None:
    """One JSON document, never wrapped or coloured."""
    typer.echo(json.dumps(value, indent=2, default=str, ensure_ascii=False))


def print_error(sentence: str) -> None:
    err.print("[bold red]error:[/]", end=" ")
    err.print(sentence, markup=False, highlight=False, soft_wrap=True)
