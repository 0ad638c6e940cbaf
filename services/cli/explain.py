"""`peal explain`: why a person did or did not get a campaign's messages."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.tree import Tree

from services.cli.client import ConsoleClient, segment
from services.cli.output import Json, out, print_json

MARKS = {
    "passed": "[green]passed[/]",
    "stopped": "[red]stopped[/]",
    "pending": "[dim]pending[/]",
    "unknown": "[yellow]unknown[/]",
}


def explain(
    campaign: Annotated[str, typer.Argument(help="Id of the campaign.")],
    recipient: Annotated[str, typer.Argument(help="Id of the contact.")],
    zone: Annotated[
        str, typer.Option(help="Zone of the times, such as Asia/Kolkata; the person's own by default.")
    ] = "",
    as_json: Json = False,
) -> None:
    """Say why someone got a campaign's messages, or did not: each gate in order, in words, with times.

    Exit codes: 0 explained, 3 no such campaign, 4 something in the question is wrong, 1 anything else.
    """
    contact = recipient.partition("/")[2] or recipient
    with ConsoleClient() as client:
        found = client.get(f"/campaigns/{segment(campaign)}/explain/{segment(contact)}", zone=zone)
    if as_json:
        print_json(found)
    else:
        show(found)


def show(found: dict[str, Any], paper: Console = out) -> None:
    paper.print(f"{found['summary']}\n", markup=False, highlight=False)
    for step in found["steps"]:
        reason = f", {step['reason'].replace('_', ' ')}" if step["reason"] else ""
        tree = Tree(f"[bold]{step['step']}. {step['channel']}[/]: {step['status'].replace('_', ' ')}{reason}")
        for gate in step["gates"]:
            at = f" [dim]{gate['at'][:19].replace('T', ' ')} UTC[/]" if gate["at"] else ""
            tree.add(f"{gate['name'].replace('_', ' '):<11} {MARKS[gate['verdict']]}{at}  {escape(gate['words'])}")
        paper.print(tree, highlight=False)
    paper.print(f"Times in the words: {found['zone']}.", style="dim", highlight=False)
