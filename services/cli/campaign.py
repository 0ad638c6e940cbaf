"""`peal campaign`: define, send, watch and steer campaigns."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml
from rich.markup import escape
from rich.table import Table

from services.cli.client import REJECTED_EXIT, ConsoleClient, segment
from services.cli.errors import CommandError
from services.cli.output import Json, out, print_json

COUNTS = (
    "planned", "suppressed", "sent", "delivered", "read", "clicked", "replied", "failed", "bounced", "uncertain",
    "open",
)  # fmt: skip
ULID_WIDTH = 26
CODES = "Exit codes: 0 accepted, 3 no such campaign, 4 rejected (each field with the reason), 1 anything else."

app = typer.Typer(no_args_is_help=True, help="Define, send, watch and steer campaigns.")
Id = Annotated[str, typer.Argument(help="Id of the campaign.", show_default=False)]
Epoch = Annotated[
    int | None, typer.Option("--expected-epoch", min=0, help="Only if the campaign is still at this epoch.")
]


@app.callback()
def campaign() -> None:
    """A campaign is a YAML file: see examples/. Draft, Active, Paused, Completed, Cancelled."""


@app.command("apply", epilog=CODES)
def apply(
    file: Annotated[Path, typer.Argument(help="Campaign file, YAML or JSON.", dir_okay=False)],
    launch: Annotated[bool, typer.Option("--launch", help="Send it at once, or at its scheduled time.")] = False,
    as_json: Json = False,
) -> None:
    """Make a draft of a file, or replace the draft with the same id."""
    with ConsoleClient() as client:
        result = client.post("/campaigns", read_campaign(file), params={"launch": str(launch).lower()})
    _told(result, "is on its way" if launch else "is a draft; `peal campaign launch` sends it", as_json)


@app.command("list")
def listing(
    status: Annotated[str, typer.Option(help="draft, scheduled, active, paused, completed or cancelled.")] = "",
    as_json: Json = False,
) -> None:
    """List all campaigns, the newest first."""
    with ConsoleClient() as client:
        items = list(client.pages("/campaigns", status=status, limit=1000))
    if as_json:
        print_json(items)
        return
    out.print(
        campaign_table(items) if items else "There is no campaign yet: make one by `peal campaign apply FILE.yaml`."
    )


@app.command("show", epilog="Exit codes: 0 shown, 3 no such campaign, 1 anything else.")
def show(campaign_id: Id, as_json: Json = False) -> None:
    """Show where a campaign stands, by step."""
    with ConsoleClient() as client:
        record = client.get(f"/campaigns/{segment(campaign_id)}")
        stats = client.get(f"/campaigns/{segment(campaign_id)}/stats")
    if as_json:
        print_json({"campaign": record, "stats": stats})
        return
    show_stats(record, stats)


def _steer(verb: str, told: str, text: str) -> None:
    def act(campaign_id: Id, expected_epoch: Epoch = None, as_json: Json = False) -> None:
        with ConsoleClient() as client:
            body = {} if expected_epoch is None else {"expected_epoch": expected_epoch}
            result = client.post(f"/campaigns/{segment(campaign_id)}/{verb}", body)
        _told(result, told, as_json)

    app.command(verb, help=text, epilog=CODES)(act)


_steer("launch", "is on its way", "Choose the audience and send: now, or at the scheduled time.")
_steer("pause", "is paused: nothing leaves any more", "Let nothing leave; what is queued comes back.")
_steer("resume", "goes on", "Go on after a pause.")
_steer("cancel", "is cancelled", "End it for good; what has not left never leaves.")
_steer("approve", "is approved, and goes on as it was asked to", "Give the second person's approval; it then goes out.")
_steer("clone", "is the copy, a draft", "Copy settings, content, audience filter and budget into a new draft.")


def read_campaign(file: Path) -> dict[str, Any]:
    """The file's content as JSON knows it. Raises CommandError."""
    try:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        raise CommandError(f"{file} is not UTF-8: save it as UTF-8", REJECTED_EXIT) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f", line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        problem = getattr(error, "problem", None) or "it cannot be read"
        raise CommandError(f"{file}{place}: not YAML: {problem}", REJECTED_EXIT) from None
    if not isinstance(content, dict):
        raise CommandError(
            f"{file} holds no campaign: it must have fields such as name, channels, audience", REJECTED_EXIT
        )
    return {str(name): _plain(value) for name, value in content.items()}


def _plain(value: Any) -> Any:
    """YAML reads `2026-12-01T10:00` as a time; REST wants it as written."""
    if isinstance(value, dict):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.isoformat() if isinstance(value, datetime | date) else value


def campaign_table(items: list[dict[str, Any]]) -> Table:
    """Nothing is cut off on a narrow terminal: long names go on in the next line, the rest stays whole."""
    table = Table(box=None, header_style="bold", pad_edge=False, padding=(0, 1, 0, 0))
    table.add_column("id", overflow="fold", no_wrap=all(len(i["campaign_id"]) <= ULID_WIDTH for i in items))
    table.add_column("name", overflow="fold")
    table.add_column("status", no_wrap=True)
    table.add_column("channels", overflow="fold")
    table.add_column("people", no_wrap=True, justify="right")
    table.add_column("created", no_wrap=True)
    for item in items:
        table.add_row(
            item["campaign_id"],
            escape(item["name"]),
            item["status"],
            " ".join(item["channels"]),
            "" if item["audience"] is None else f"{item['audience']:,}",
            item["created_at"][:16].replace("T", " "),
        )
    return table


def show_stats(record: dict[str, Any], stats: dict[str, Any]) -> None:
    share = f" ({100 * stats['settled'] / stats['planned']:.1f}%)" if stats["planned"] else ""
    out.print(f"[bold]{escape(record['name'])}[/]: {record['status']}, epoch {record['epoch']}", highlight=False)
    out.print(
        f"{stats['audience']:,} people, {stats['planned']:,} messages, {stats['settled']:,} settled{share}, "
        f"{stats['rate_per_s']:g} a second, spent {stats['spent_micros'] / 1_000_000:,.2f} {stats['currency']}",
        highlight=False,
    )
    table = Table("", *(f"{step['step']}. {step['channel']}" for step in stats["by_step"]))
    for column in table.columns[1:]:
        column.justify = "right"
    for name in COUNTS:
        table.add_row("left" if name == "open" else name, *(f"{step[name]:,}" for step in stats["by_step"]))
    out.print(table)
    for step in stats["by_step"]:
        for kind in ("suppressed", "failed"):
            for reason, sends in step[f"{kind}_by_reason"].items():
                out.print(
                    f"  {step['step']}. {step['channel']}: {sends:,} {kind}, {reason.replace('_', ' ')}",
                    highlight=False,
                )


def _told(result: dict[str, Any], words: str, as_json: bool) -> None:
    if as_json:
        print_json(result)
    elif result.get("waiting_for") == "approval":
        out.print(
            f"{result['campaign_id']} waits for the approval of a second person: `peal campaign approve` by somebody "
            "else of the brand. Nothing is sent before.",
            markup=False,
            highlight=False,
        )
    else:
        out.print(f"{result['campaign_id']} {words} (epoch {result['epoch']}).", markup=False, highlight=False)
