"""`peal dlq`: records that could not be read, why, and trying them again."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any

import typer
from rich.json import JSON
from rich.markup import escape
from rich.table import Table

from services.cli.client import NOT_FOUND_EXIT, REJECTED_EXIT, ConsoleClient, segment
from services.cli.errors import CommandError
from services.cli.output import Json, err, out, print_json

USAGE_EXIT = 2
CODES = "Exit codes: 0 done, 3 no such letter, 4 refused (with the reason), 1 anything else."

app = typer.Typer(no_args_is_help=True, help="Look at records that could not be read, and try them again.")
Topic = Annotated[str, typer.Argument(help="Topic that it could not be read from, such as send-email.")]
Partition = Annotated[int, typer.Argument(min=0, help="As `peal dlq list` shows it.")]
Offset = Annotated[int, typer.Argument(min=0, help="As `peal dlq list` shows it.")]


@app.callback()
def dlq() -> None:
    """A record that cannot be read is put aside with the reason, and its service goes on with the next one."""


@app.command("list", epilog="Exit codes: 0 listed, 3 no such topic, 1 anything else.")
def listing(
    topic: Annotated[str, typer.Option(help="Only of this topic, such as send-email.")] = "",
    as_json: Json = False,
) -> None:
    """List dead letters: where they are, when, why, and which. Shows nobody's personal data."""
    with ConsoleClient() as client:
        items = list(client.pages("/dead-letters", topic=topic, limit=1000))
    if as_json:
        print_json(items)
        return
    if not items:
        out.print("There is no dead letter.")
        return
    table = Table("topic", "part", "offset", "at (UTC)", "reason", "which", "what is wrong", box=None)
    for item in items:
        place = (item["topic"], str(item["partition"]), str(item["offset"]), item["at"][:19].replace("T", " "))
        table.add_row(*place, item["reason"], escape(_which(item)), escape(item["detail"][:120]))
    out.print(table)
    for (name, reason), count in sorted(Counter((item["topic"], item["reason"]) for item in items).items()):
        out.print(f"{count:,} of {name}: {reason}", highlight=False)


@app.command("show", epilog="Exit codes: 0 shown, 3 no such letter, 1 anything else.")
def show(topic: Topic, partition: Partition, offset: Offset, as_json: Json = False) -> None:
    """Show a dead letter with its value, which may hold personal data."""
    with ConsoleClient() as client:
        letter = client.get(_path(topic, partition, offset))
    if as_json:
        print_json(letter)
        return
    source = letter["source"]
    rows = {
        "Reason": letter["reason"],
        "What is wrong": letter["detail"],
        "Put aside": letter["at"],
        "Came from": f"{source['topic']}, partition {source['partition']}, offset {source['offset']}",
        "Key": letter["key"],
        "Headers": "  ".join(f"{name}={value}" for name, value in letter["headers"].items()),
    }
    for name, value in rows.items():
        out.print(f"{name:<14} {escape(str(value))}", highlight=False, soft_wrap=True)
    if letter["cut"]:
        out.print("Only the beginning of the value was kept.")
    out.print(JSON.from_data(letter["value"]) if letter["value"] else letter["text"], markup=False)


@app.command("replay", epilog=CODES)
def replay(
    topic: Annotated[str, typer.Argument(help="Topic that it could not be read from.")] = "",
    partition: Annotated[int, typer.Argument(min=-1, help="As `peal dlq list` shows it.")] = -1,
    offset: Annotated[int, typer.Argument(min=-1, help="As `peal dlq list` shows it.")] = -1,
    everything: Annotated[bool, typer.Option("--all", help="All letters of the topic that --topic names.")] = False,
    named: Annotated[str, typer.Option("--topic", help="With --all: of which topic.")] = "",
    as_json: Json = False,
) -> None:
    """Try dead letters again, once the cause is mended.

    A send: its campaign's dead-lettered sends go through the router again, each as a new attempt; a campaign that had
    completed goes on for it. Any other record is produced to its topic once more. Twice is as good as once.
    """
    one = bool(topic) and partition >= 0 and offset >= 0
    if one == everything or (everything and not (named or topic)):
        raise CommandError(
            "say which: TOPIC PARTITION OFFSET as `peal dlq list` shows it, or --all --topic TOPIC", USAGE_EXIT
        )
    with ConsoleClient() as client:
        if one:
            done = [client.post(f"{_path(topic, partition, offset)}/replay")]
            refused = list[dict[str, Any]]()
        else:
            done, refused = _replay_all(client, named or topic, as_json)
    if as_json:
        print_json({"replayed": done, "refused": refused})
    else:
        _tell(done, refused)
    if refused:
        raise typer.Exit(REJECTED_EXIT)


def _replay_all(client: ConsoleClient, topic: str, quiet: bool) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What was replayed, and what was refused, letter by letter; of a campaign's sends one stands for all."""
    items = list(client.pages("/dead-letters", topic=topic, limit=1000))
    done, refused, campaigns = list[dict[str, Any]](), list[dict[str, Any]](), set[str]()
    with err.status("", spinner="dots") as status:
        for number, item in enumerate(items, 1):
            if not quiet:
                status.update(f"{number:,} of {len(items):,}")
            if item["topic"].startswith("send-") and item["about"].get("campaign_id") in campaigns:
                continue
            try:
                result = client.post(f"{_path(item['topic'], item['partition'], item['offset'])}/replay")
            except CommandError as error:
                if error.exit_code not in (NOT_FOUND_EXIT, REJECTED_EXIT):
                    raise
                refused.append({**item, "why": str(error)})
                continue
            done.append(result)
            if result["campaign_id"]:
                campaigns.add(result["campaign_id"])
    return done, refused


def _tell(done: list[dict[str, Any]], refused: list[dict[str, Any]]) -> None:
    for campaign_id in dict.fromkeys(result["campaign_id"] for result in done if result["campaign_id"]):
        out.print(f"{campaign_id}: its dead-lettered sends are tried again, each as a new attempt.", highlight=False)
    for topic, count in Counter(result["topic"] for result in done if not result["campaign_id"]).items():
        out.print(f"{count:,} produced to {topic} once more.", highlight=False)
    for item in refused:
        place = f"{item['topic']} {item['partition']} {item['offset']}"
        err.print(f"[yellow]not replayed[/] {place}: {escape(item['why'])}", highlight=False, soft_wrap=True)
    if not done and not refused:
        out.print("There is no dead letter.")


def _which(item: dict[str, Any]) -> str:
    about = item["about"]
    return str(about.get("send_id") or about.get("command_id") or item["key"])


def _path(topic: str, partition: int, offset: int) -> str:
    return f"/dead-letters/{segment(topic)}/{partition}/{offset}"
