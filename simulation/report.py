"""The table for people, the values for the file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict

from rich.console import Console
from rich.table import Table

from simulation.consistency import Consistency
from simulation.figures import Tally
from simulation.plans import CHANNELS
from simulation.runs import ALL_AT_ONCE, BLIND, FORGETFUL, PEAL, REMINDER, Outcome, alone

WIDTH = 150
USUAL = 0.5
"""Of the habits, the ones whose consistency is named first."""
NAMES = {
    **{alone(channel): f"{channel} alone, blind" for channel in CHANNELS},
    BLIND: "one channel a person, blind",
    ALL_AT_ONCE: "all channels at once, blind",
    PEAL: "Peal, fallback",
    FORGETFUL: "Peal, fallback, nothing learnt before",
    REMINDER: "Peal, reminders",
}
Rows = Sequence[Mapping[str, object]]


def results(outcome: Outcome, rows: Rows, habits: Mapping[float, Consistency]) -> dict[str, object]:
    """What the file says. The headline's ways are defined in `simulation/plans.py`."""
    blind, peal = outcome.tally(BLIND), outcome.tally(PEAL)
    usual = habits[USUAL]
    return {
        "blind_reached_pct": blind.pct(blind.reached),
        "peal_reached_pct": peal.pct(peal.reached),
        "within_reach_pct": peal.pct(outcome.within_reach),
        "blind_of_within_reach_pct": _share(blind.reached_with_consent, outcome.within_reach),
        "peal_of_within_reach_pct": _share(peal.reached_with_consent, outcome.within_reach),
        "doubled": peal.doubled,
        "blind_doubled": blind.doubled,
        "blind_cost_usd": blind.entries()["cost_usd"],
        "peal_cost_usd": peal.entries()["cost_usd"],
        "blind_consistency_pct": usual.copies,
        "peal_consistency_pct": usual.peal,
        "peal_consistency_without_templates_pct": usual.peal_without_templates,
        "ways": {way: tally.entries() for way, tally in outcome.ways.items()},
        "consistency": {str(chance): asdict(found) for chance, found in habits.items()},
        "sweep": [dict(row) for row in rows],
    }


def _share(part: int, whole: int) -> float:
    return round(100 * part / whole, 2) if whole else 0.0


def show(outcome: Outcome, rows: Rows, habits: Mapping[float, Consistency]) -> None:
    console = Console(width=max(WIDTH, Console().width))
    console.print(_ways(outcome))
    peal = outcome.tally(PEAL)
    console.print(
        f"{peal.pct(outcome.within_reach)} % of them have an address that works on a channel that they allow.\n"
    )
    if rows:
        console.print(_sweep(rows))
    console.print(_consistency(habits))


def _ways(outcome: Outcome) -> Table:
    table = _table(
        f"{outcome.tally(PEAL).people:,} people",
        "way", "reached %", "seen %", "agreed %", "several %", "calls", "dead", "not agreed", "at night", "twice",
        "open", "$", "$/1000",
    )  # fmt: skip
    for way, name in NAMES.items():
        if way in outcome.ways:
            table.add_row(name, *_cells(outcome.ways[way]))
    return table


def _cells(tally: Tally) -> list[str]:
    known = tally.entries()
    shares = ("reached_pct", "seen_pct", "reached_with_consent_pct", "several_pct")
    counts = ("calls", "to_the_dead", "without_consent", "at_night", "doubled", "differences", "cost_usd")
    return [
        *(f"{known[key]:.2f}" for key in shares),
        *(f"{known[key]:,.0f}" for key in counts),
        f"{known['cost_per_1000_reached_usd']:.2f}",
    ]


def _sweep(rows: Rows) -> Table:
    table = _table(
        "Other worlds, fewer people",
        "world", "blind %", "all blind %", "Peal %", "within reach %", "blind seen %", "Peal seen %", "blind $",
        "all blind $", "Peal $", "twice: all blind", "Peal",
    )  # fmt: skip
    keys = (
        "blind_reached_pct", "all_blind_reached_pct", "peal_reached_pct", "within_reach_pct", "blind_seen_pct",
        "peal_seen_pct", "blind_cost_usd", "all_blind_cost_usd", "peal_cost_usd", "blind_doubled", "peal_doubled",
    )  # fmt: skip
    for row in rows:
        table.add_row(str(row["world"]), *(str(row[key]) for key in keys))
    return table


def _consistency(habits: Mapping[float, Consistency]) -> Table:
    table = _table(
        "Channels that say what the mended body says", "chance that a copy is mended too", "a text in each tool %",
        "Peal %", "Peal, mail and SMS %",
    )  # fmt: skip
    for chance, found in habits.items():
        table.add_row(str(chance), *(f"{value:.1f}" for value in asdict(found).values()))
    return table


def _table(title: str, first: str, *others: str) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column(first, no_wrap=True)
    for other in others:
        table.add_column(other, justify="right")
    return table
