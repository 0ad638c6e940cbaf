"""The table for people, the file for programs."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.table import Table

from bench.figure import Figure

WIDTH = 120
"""Columns of a terminal that the table needs."""
COLUMNS = ("figure", "measured", "target", "CPU-s / 100k", "peak MB", "plain limit", "of it")


def print_table(figures: Sequence[Figure]) -> None:
    table = Table(*COLUMNS, title="Peal on this machine", title_justify="left")
    for column in table.columns:
        column.no_wrap = True
        column.justify = "left" if column.header == COLUMNS[0] else "right"
    for figure in figures:
        table.add_row(*cells(figure))
    Console(width=max(WIDTH, Console().width)).print(table)


def cells(figure: Figure) -> list[str]:
    mark = {None: "", True: "[green]", False: "[red]"}[figure.reached]
    target = "" if figure.target is None else f"{'<' if figure.lower_is_better else '≥'} {_text(figure.target)}"
    return [
        figure.key,
        mark + _text(figure.value),
        target,
        _text(figure.cpu_s_per_100k),
        _text(figure.peak_mb),
        _text(figure.plain_per_s),
        "" if figure.ratio_pct is None else f"{figure.ratio_pct:.0f} %",
    ]


def write_file(figures: Sequence[Figure], file: Path, scale: str) -> None:
    """Keeps what is there of figures that were not measured now."""
    try:
        known: dict[str, Any] = json.loads(file.read_text())
    except (OSError, ValueError):
        known = {}
    for figure in figures:
        known |= figure.entries()
    known |= {"measured_at": datetime.now(UTC).isoformat(timespec="seconds"), "scale": scale, "machine": machine()}
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(known, indent=1) + "\n")


def machine() -> str:
    memory = psutil.virtual_memory().total / 1e9
    load = os.getloadavg()[0]
    version = f"{platform.system()}, Python {platform.python_version()}"
    return f"{os.cpu_count()} cores, {memory:.0f} GB, {version}, load {load:.1f}"


def _text(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.2f}"
