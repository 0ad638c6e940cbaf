"""`peal demo`: a whole campaign through the sandbox without a person at the keyboard, and a reckoning at the end."""

from __future__ import annotations

import asyncio
import json
import shutil
import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from deploy.local.free_ports import free_ports
from deploy.local.installation import make_installation
from schemas import Status
from services.cli.errors import CommandError
from services.cli.local import data_dir, held
from services.cli.mischief import Mischief, slowed
from services.cli.output import out
from services.cli.progress import StartProgress
from services.cli.running import require_prerequisites
from services.cli.sample_campaign import API, answer, get, rest_client, run_sample
from services.cli.samples import SamplePerson, sample_people
from services.domain.reconcile import LedgerSend, Reconciliation, reconcile
from services.runtime.ports import Ports

SEED = 2026
SHOWN = (
    "planned",
    "suppressed",
    "sent",
    "delivered",
    "read",
    "clicked",
    "failed",
    "bounced",
    "unsubscribed",
    "uncertain",
)
PATIENCE_S = 600.0


def demo(
    people: Annotated[int, typer.Option(help="How many people the sample has.", min=10, max=100_000)] = 2000,
    seed: Annotated[int, typer.Option(help="Which people: the same seed makes the same ones.")] = SEED,
    chaos: Annotated[
        bool, typer.Option(help="Kill senders, router, planner, tracker and Kafka in the middle.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Run the sample campaign from nothing to its end, and check the books.

    An installation of its own, on free ports, in .peal/demo: it does not disturb one that runs. At the end the
    ledger is compared with what the sandbox's providers received, person by person.

    Exit code 0: every planned message has exactly one outcome, nothing lost, nothing twice. 1: it is not so.
    """
    folder = data_dir() / "demo"
    with held(folder):
        ports = free_ports()
        require_prerequisites(ports)
        for child in folder.iterdir():
            if child.is_dir():
                shutil.rmtree(child)
        exact = asyncio.run(_run(folder, ports, people, seed, chaos, as_json))
    raise typer.Exit(0 if exact else 1)


async def _run(folder: Path, ports: Ports, people: int, seed: int, chaos: bool, as_json: bool) -> bool:
    installation = make_installation(folder, ports, slowed(people) if chaos else {})
    mischief = Mischief(installation.stack) if chaos else None
    try:
        with StartProgress(installation.stack.names) as progress:
            await installation.stack.start(progress)
        crowd = list(sample_people(people, seed))
        async with rest_client(installation.access) as client:
            campaign_id = await run_sample(client, crowd)
            await _watch(client, campaign_id, mischief)
            result, stats = await check_books(client, installation.access.sandbox_url, campaign_id, crowd)
    finally:
        await installation.stack.stop()
    show(result, stats, as_json)
    return result.exact


async def _watch(client: httpx.AsyncClient, campaign_id: str, mischief: Mischief | None) -> None:
    columns = (TextColumn("[bold]{task.description}"), BarColumn(), TextColumn("{task.completed:,}/{task.total:,}"))
    with Progress(*columns, TimeElapsedColumn(), console=out) as progress:
        task = progress.add_task("settled", total=1)
        deadline = time.monotonic() + PATIENCE_S
        while True:
            stats = await _stats(client, campaign_id)
            if stats is not None:
                progress.update(task, total=max(stats["planned"], 1), completed=stats["settled"])
                if stats["status"] == "completed":
                    break
                if mischief:
                    mischief.look(stats["settled"], stats["planned"])
            if time.monotonic() > deadline:
                raise CommandError(
                    f"the campaign is not at its end after {PATIENCE_S:.0f} s: "
                    + (f"{stats['open']:,} of {stats['planned']:,} messages are open" if stats else "no answer")
                    + f"; look into {data_dir() / 'demo' / 'logs'}"
                )
            await asyncio.sleep(0.5)
        if mischief:
            await mischief.finish()


async def _stats(client: httpx.AsyncClient, campaign_id: str) -> dict[str, Any] | None:
    """None: no answer, or that the console cannot answer just now. While parts are being killed, that is its right."""
    try:
        response = await client.get(f"{API}/campaigns/{campaign_id}/stats")
    except httpx.TransportError:
        return None
    return None if response.is_server_error else answer(response)


async def check_books(
    client: httpx.AsyncClient, sandbox_url: str, campaign_id: str, crowd: list[SamplePerson]
) -> tuple[Reconciliation, dict[str, Any]]:
    stats = await get(client, f"{API}/campaigns/{campaign_id}/stats")
    ledger: list[LedgerSend] = []
    cursor = ""
    while True:
        page = await get(client, f"{API}/campaigns/{campaign_id}/sends", params={"cursor": cursor, "limit": 1000})
        ledger += [LedgerSend(i["send_id"], Status(i["status"]), i["reason"]) for i in page["items"]]
        if not (cursor := page.get("next") or ""):
            break
    accepted = await accepted_sends(client, sandbox_url, campaign_id)
    steps = range(1, len(stats["by_channel"]) + 1)
    planned = [f"{campaign_id}/{step}/{person.row['id']}" for step in steps for person in crowd]
    return reconcile(planned, ledger, accepted), stats


async def accepted_sends(client: httpx.AsyncClient, sandbox_url: str, campaign_id: str) -> list[str]:
    """Every message that the sandbox's providers took, one entry each."""
    async with client.stream("GET", f"{sandbox_url}/messages", params={"campaign": campaign_id}) as response:
        return [json.loads(line)["send_id"] async for line in response.aiter_lines() if line]


def show(result: Reconciliation, stats: dict[str, Any], as_json: bool) -> None:
    if as_json:
        out.print_json(data={"reconciliation": asdict(result), "exact": result.exact, "stats": stats})
        return
    channels = stats["by_channel"]
    table = Table(title=f"Campaign {stats['campaign_id']}: {stats['status']}", title_justify="left")
    table.add_column("")
    for channel in channels:
        table.add_column(channel, justify="right")
    for name in SHOWN:
        table.add_row(name, *(f"{figures[name]:,}" for figures in channels.values()))
        for reason in sorted({r for figures in channels.values() for r in figures.get(f"{name}_by_reason", {})}):
            counts = (figures.get(f"{name}_by_reason", {}).get(reason, 0) for figures in channels.values())
            table.add_row(f"  {reason}", *(f"{count:,}" if count else "" for count in counts), style="dim")
    out.print(table)
    for name in ("open", "missing", "unplanned", "untold"):
        if found := getattr(result, name):
            out.print(f"[red]{name}: {len(found)}[/], such as {found[0]}")
    verdict = "[green]exact[/]" if result.exact else "[bold red]NOT EXACT[/]"
    out.print(
        f"planned {result.planned:,}, settled {result.settled:,}, "
        f"lost {len(result.lost)}, doubled {len(result.doubled)}: {verdict}"
    )
