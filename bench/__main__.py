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
    audience,
    contacts_import,
    end_to_end,
    head_of_line,
    history,
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
from bench.stage import bare, whole

FILE = Path(".peal/bench.json")
MOST_S = 600
"""A measurement that takes longer is stuck: the run fails."""


@dataclass(frozen=True)
class Measurement:
    """`stage`: what makes that which it runs on. Neighbours share a whole installation, and nothing else."""

    name: str
    stage: Callable[[], Any]
    measure: Callable[[Any, Scale], Awaitable[list[Figure]]]


MEASUREMENTS = (
    Measurement("idle", whole, idle.measure),
    Measurement("end_to_end", whole, end_to_end.measure),
    Measurement("pages", whole, pages.measure),
    Measurement("pause", whole, pause.measure),
    Measurement("rate", whole, rate.measure),
    Measurement("head_of_line", whole, head_of_line.measure),
    Measurement("planner", bare, planner.measure),
    Measurement("router", bare, router.measure),
    Measurement("recovery", bare, recovery.measure),
    Measurement("senders", senders.stage, senders.measure),
    Measurement("tracker", bare, tracker.measure),
    Measurement("contacts_import", bare, contacts_import.measure),
    Measurement("audience", bare, audience.measure),
    Measurement("history", bare, history.measure),
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
    for turn in turns(wanted):
        async with turn[0].stage() as stage:
            for measurement in turn:
                figures += await _measured(measurement, stage, scale)
    return figures


def turns(wanted: Sequence[Measurement]) -> list[list[Measurement]]:
    """What is measured one after the other on the same stage."""
    found: list[list[Measurement]] = []
    for measurement in wanted:
        if found and measurement.stage is whole is found[-1][0].stage:
            found[-1].append(measurement)
        else:
            found.append([measurement])
    return found


async def _measured(measurement: Measurement, stage: Any, scale: Scale) -> list[Figure]:
    began = time.monotonic()
    async with asyncio.timeout(MOST_S):
        found = await measurement.measure(stage, scale)
    for figure in found:
        typer.echo(f"{figure.key:<38} {figure.value:>12,.2f}", err=True)
    typer.echo(f"  ({measurement.name}: {time.monotonic() - began:.0f} s)", err=True)
    return found


if __name__ == "__main__":
    typer.run(main)
