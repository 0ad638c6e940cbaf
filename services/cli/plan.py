"""`peal plan`: a dry run of a campaign file, or what a campaign was to come to beside what it came to."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.markup import escape
from rich.table import Table

from services.cli.campaign import read_campaign
from services.cli.client import REJECTED_EXIT, ConsoleClient, segment
from services.cli.output import Json, err, out, print_json

MICROS = 1_000_000


def plan(
    what: Annotated[str, typer.Argument(metavar="FILE|CAMPAIGN", help="A campaign file, or a campaign's id.")],
    as_json: Json = False,
) -> None:
    """Tell what a campaign would come to: people, messages by step, the most it can cost, when it is done.

    Of a file: a dry run; nothing is stored or sent. Of a campaign: what was foreseen at its launch, and what happened.

    Exit codes: 0 told, 3 no such campaign, 4 it could not be launched (each field with the reason), 1 anything else.
    """
    file = Path(what)
    with ConsoleClient() as client:
        if file.suffix.lower() in (".yaml", ".yml", ".json") or file.is_file():
            found = client.post("/campaigns/plan", read_campaign(file))
        else:
            found = client.get(f"/campaigns/{segment(what)}/plan")
    if as_json:
        print_json(found)
    else:
        _show(found)
    if found.get("errors"):
        raise typer.Exit(REJECTED_EXIT)


def _show(found: dict[str, Any]) -> None:
    outcome = found.get("outcome")
    if found["forecast"] is None:
        out.print("No forecast was made when it was launched.")
    else:
        show_forecast(found["forecast"])
    if found.get("needs_approval"):
        out.print("A second person of the brand has to approve it: `peal campaign approve`.", highlight=False)
    if outcome:
        show_outcome(outcome, found["forecast"])
    for error in found.get("errors", []):
        err.print(f"[bold red]{escape(error['field'])}:[/] {escape(error['message'])}", highlight=False)


def show_forecast(forecast: dict[str, Any]) -> None:
    currency = forecast["currency"]
    out.print(f"{forecast['people']:,} people are meant.", highlight=False)
    table = Table("step", "if", "reachable", "not, and why", "one at most", "all at most", "likely", "from", "until")
    for column in (table.columns[2], *table.columns[4:7]):
        column.justify = "right"
    for step in forecast["steps"]:
        dropped = ", ".join(f"{people:,} {reason.replace('_', ' ')}" for reason, people in step["dropped"].items())
        units = f" ({step['units']} segments)" if step["units"] > 1 else ""
        table.add_row(
            f"{step['step']}. {step['channel']}",
            step["only_if"].replace("_", " "),
            f"{step['reachable']:,}",
            dropped,
            f"{step['dearest_micros'] / MICROS:.4f}{units}",
            _money(step["most_micros"]),
            _money(step["likely_micros"]),
            _clock(step["begins_at"]),
            _clock(step["ends_at"]),
        )
    out.print(table)
    budget = forecast["budget_micros"]
    of = "" if budget is None else f", of a budget of {_money(budget)}"
    out.print(
        f"At most {_money(forecast['most_micros'])} {currency}, likely {_money(forecast['likely_micros'])}{of}. "
        f"Done by {_clock(forecast['finish_at'])} UTC.",
        highlight=False,
    )
    for doubt in forecast["doubtful"]:
        out.print(f"[yellow]doubtful:[/] {escape(doubt)}", highlight=False)


def show_outcome(outcome: dict[str, Any], forecast: dict[str, Any] | None) -> None:
    """By step, the foreseen beside what happened."""
    foreseen = {step["step"]: step for step in forecast["steps"]} if forecast else {}
    table = Table("step", "foreseen", "sent", "delivered", "suppressed", "failed", "open", "cost at most", "cost")
    for column in table.columns[1:]:
        column.justify = "right"
    for step in outcome["steps"]:
        plan_of = foreseen.get(step["step"])
        table.add_row(
            f"{step['step']}. {step['channel']}",
            f"{plan_of['reachable']:,}" if plan_of else "",
            *(f"{step[name]:,}" for name in ("sent", "delivered", "suppressed", "failed", "open")),
            _money(plan_of["most_micros"]) if plan_of else "",
            _money(step["spent_micros"]),
        )
    out.print(table)
    ended = f"ended {_clock(outcome['finished_at'])} UTC" if outcome["finished_at"] else outcome["status"]
    out.print(f"{outcome['people']:,} people; {ended}; spent {_money(outcome['spent_micros'])}.", highlight=False)


def _money(micros: int) -> str:
    return f"{micros / MICROS:,.2f}"


def _clock(moment: str | None) -> str:
    return moment[:16].replace("T", " ") if moment else "never"
