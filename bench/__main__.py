"""`python -m bench`: measure, print a table, write .peal/bench.json."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from bench.figure import FULL, QUICK, Figure, Scale
from bench.figures import (
    end_to_end,
    idle,
    pages,
    pause,
    planner,
    rate,
    recovery,
    router,
    senders,
    tracker,
)
from bench.report import print_table, write_file
from bench.stage import whole

FILE = Path(".peal/bench.json")
MOST_S = 600
"""A measurement that takes longer is stuck: the run fails."""


@dataclass(frozen=True)
class Measurement:
    """`stage`: what makes that which it runs on; neighbours with the same one share it."""

    name: str
    stage: Callable[[], Any]
    measure: Callable[[Any, Scale], Awaitable[list[Figure]]]


MEASUREMENTS = (
    Measurement("idle", whole, idle.measure),
    Measurement("end_to_end", whole, end_to_end.measure),
    Measurement("pages", whole, pages.measure),
    Measurement("pause", whole, pause.measure),
    Measurement("rate", whole, rate.measure),
    Measurement("planner", planner.stage, planner.measure),
    Measurement("router", router.stage, router.measure),
    Measurement("recovery", recovery.stage, recovery.measure),
    Measurement("senders", senders.stage, senders.measure),
    Measurement("tracker", tracker.stage, tracker.measure),
)
NAMES = ", ".join(measurement.name for measurement in MEASUREMENTS)


def main(
    only: Annotated[
        list[str] | None, typer.Option(help=f"Measure only this; may be repeated. One of: {NAMES}.")
    ] = None,
    quick: Annotated[bool, typer.Option(help="A fifth of the work: to see that it runs, not how fast.")] = False,
    file: Annotated[Path, typer.Option(help="Where the figures go, as JSON.")] = FILE,
) -> None:
    """Measure Peal on this machine: each part alone, then everything from the command to the last settled."""
    wanted = [found for found in MEASUREMENTS if not only or found.name in only]
    if unknown := set(only or ()) - {found.name for found in MEASUREMENTS}:
        raise typer.BadParameter(f"{', '.join(sorted(unknown))}: choose from {NAMES}")
    figures = asyncio.run(measure_all(wanted, QUICK if quick else FULL))
    print_table(figures)
    write_file(figures, file, "quick" if quick else "full")
    typer.echo(f"Written to {file}")


async def measure_all(wanted: Sequence[Measurement], scale: Scale) -> list[Figure]:
    figures: list[Figure] = []
    at = 0
    while at < len(wanted):
        make = wanted[at].stage
        async with make() as stage:
            while at < len(wanted) and wanted[at].stage is make:
                began = time.monotonic()
                async with asyncio.timeout(MOST_S):
                    found = await wanted[at].measure(stage, scale)
                figures += found
                for figure in found:
                    typer.echo(f"{figure.key:<38} {figure.value:>12,.2f}", err=True)
                typer.echo(f"  ({wanted[at].name}: {time.monotonic() - began:.0f} s)", err=True)
                at += 1
    return figures


if __name__ == "__main__":
    typer.run(main)
