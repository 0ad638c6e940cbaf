"""`python -m simulation`: send to a world, print the comparison, write .peal/simulate.json."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress

from simulation.consistency import Habits, measure
from simulation.report import results, show
from simulation.runs import OURS, run
from simulation.society import Society
from simulation.sweep import WORLDS, sweep

FILE = Path(".peal/simulate.json")
SWEPT = 25
"""Each other world has so many times fewer people."""
LEAST = 1_000


def main(
    people: Annotated[int, typer.Option(min=1, help="How many people.")] = 100_000,
    seed: Annotated[
        int, typer.Option(min=-(2**63), max=2**63 - 1, help="Which people: another seed, others of the same kind.")
    ] = 2026,
    others: Annotated[bool, typer.Option("--sweep/--no-sweep", help="Whether to look at other worlds too.")] = True,
    workers: Annotated[int, typer.Option(min=1, help="Processes that share the work.")] = os.cpu_count() or 1,
    file: Annotated[Path, typer.Option(help="Where the figures go, as JSON.")] = FILE,
) -> None:
    """Send one campaign to the people of a seeded world, blindly and by Peal's rules, and compare."""
    began = time.monotonic()
    society = Society(seed=seed)
    few = min(people, max(LEAST, people // SWEPT))
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("People sent to, in every way", total=people + others * WORLDS * few)

        def done(more: int) -> None:
            progress.advance(task, more)

        outcome = run(society, people, workers=workers, done=done)
        rows = list(sweep(society, few, workers, done)) if others else []
    habits = {chance: measure(seed, Habits(mends_a_copy=chance)) for chance in (0.25, 0.5, 0.75)}
    found = results(outcome, rows, habits) | {"people": people, "seed": seed, "swept_people": few}
    show(outcome, rows, habits)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(found | {"took_s": round(time.monotonic() - began, 1)}, indent=1) + "\n")
    typer.echo(f"Written to {file}")
    if any(outcome.tally(way).doubled or outcome.tally(way).differences for way in OURS):
        typer.echo(
            "Somebody was messaged twice by mistake, or the books differ: see `doubled`, `differences`", err=True
        )
        raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
