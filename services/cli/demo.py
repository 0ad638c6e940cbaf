"""`peal demo`: a whole campaign through the sandbox without a person at the keyboard, and a reckoning at the end."""

from __future__ import annotations

import asyncio
import io
import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import httpx
import typer
import yaml
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from deploy.local.free_ports import free_ports
from deploy.local.installation import Installation, make_installation
from deploy.local.jars import REPOSITORY
from schemas import Status
from services.cli.errors import CommandError
from services.cli.local import data_dir, held
from services.cli.output import out
from services.cli.progress import StartProgress
from services.cli.running import require_prerequisites
from services.cli.samples import SamplePerson, sample_people, write_contacts
from services.domain.reconcile import LedgerSend, Reconciliation, reconcile

SEED = 2026
CAMPAIGN_FILE = REPOSITORY / "examples" / "sample-campaign.yaml"
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
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
) -> None:
    """Run the sample campaign from nothing to its end, and check the books.

    An installation of its own, on free ports, in .peal/demo: it does not disturb one that runs. At the end the
    ledger is compared with what the sandbox's providers received, person by person.

    Exit code 0: every planned message has exactly one outcome, nothing lost, nothing twice. 1: it is not so.
    """
    folder = data_dir() / "demo"
    with held(folder):
        require_prerequisites()
        for child in folder.iterdir():
            if child.is_dir():
                shutil.rmtree(child)
        exact = asyncio.run(_run(folder, people, seed, as_json))
    raise typer.Exit(0 if exact else 1)


async def _run(folder: Path, people: int, seed: int, as_json: bool) -> bool:
    installation = make_installation(folder, free_ports(), {})
    try:
        with StartProgress(installation.stack.names) as progress:
            await installation.stack.start(progress)
        crowd = list(sample_people(people, seed))
        campaign = await run_sample(installation, crowd)
        result, stats = await check_books(installation, campaign, crowd)
    finally:
        await installation.stack.stop()
    show(result, stats, as_json)
    return result.exact


def client_for(installation: Installation) -> httpx.AsyncClient:
    access = installation.access
    return httpx.AsyncClient(
        base_url=access.console_url, headers={"Authorization": f"Bearer {access.api_key}"}, timeout=60
    )


async def run_sample(installation: Installation, crowd: list[SamplePerson]) -> str:
    """Import the people, launch the campaign, wait for its end; returns its id."""
    async with client_for(installation) as client:
        await load_people(client, crowd)
        campaign = yaml.safe_load(CAMPAIGN_FILE.read_text())
        campaign_id = str((await _post(client, "/api/v1/campaigns", json=campaign))["campaign_id"])
        await _post(client, f"/api/v1/campaigns/{campaign_id}/launch")
        await _watch(client, campaign_id)
        return campaign_id


async def load_people(client: httpx.AsyncClient, crowd: list[SamplePerson]) -> None:
    file = io.StringIO()
    write_contacts(crowd, file)
    imported = await _post(
        client, "/api/v1/contacts/import", content=file.getvalue().encode(), headers={"Content-Type": "text/csv"}
    )
    if imported.get("rejected"):
        raise CommandError(f"the sample's contacts were refused: {imported}")
    for person in crowd:
        if person.opted_out_of:
            consent = {"contact": person.row["id"], "channel": person.opted_out_of, "state": "opted_out"}
            await _post(client, "/api/v1/consents", json=consent | {"source": "sample"})


async def _watch(client: httpx.AsyncClient, campaign_id: str) -> None:
    columns = (TextColumn("[bold]{task.description}"), BarColumn(), TextColumn("{task.completed:,}/{task.total:,}"))
    with Progress(*columns, TimeElapsedColumn(), console=out) as progress:
        task = progress.add_task("settled", total=None)
        async with asyncio.timeout(PATIENCE_S):
            while True:
                stats = await _get(client, f"/api/v1/campaigns/{campaign_id}/stats")
                progress.update(task, total=stats["planned"] or None, completed=stats["settled"])
                if stats["status"] == "completed":
                    return
                await asyncio.sleep(0.5)


async def check_books(
    installation: Installation, campaign_id: str, crowd: list[SamplePerson]
) -> tuple[Reconciliation, dict[str, Any]]:
    async with client_for(installation) as client:
        stats = await _get(client, f"/api/v1/campaigns/{campaign_id}/stats")
        ledger, cursor = [], ""
        while True:
            page = await _get(
                client, f"/api/v1/campaigns/{campaign_id}/sends", params={"cursor": cursor, "limit": 1000}
            )
            ledger += [LedgerSend(i["send_id"], Status(i["status"]), i["reason"]) for i in page["items"]]
            if not (cursor := page.get("next") or ""):
                break
        accepted = await accepted_sends(client, installation.access.sandbox_url, campaign_id)
    steps = len(stats["by_channel"])
    planned = [f"{campaign_id}/{step}/{person.row['id']}" for step in range(1, steps + 1) for person in crowd]
    return reconcile(planned, ledger, accepted), stats


async def accepted_sends(client: httpx.AsyncClient, sandbox_url: str, campaign_id: str) -> list[str]:
    """Every message that the sandbox's providers took, one entry each."""
    async with client.stream("GET", f"{sandbox_url}/messages", params={"campaign": campaign_id}) as response:
        return [json.loads(line)["send_id"] async for line in response.aiter_lines() if line]


def show(result: Reconciliation, stats: dict[str, Any], as_json: bool) -> None:
    if as_json:
        out.print_json(data={"reconciliation": asdict(result), "exact": result.exact, "stats": stats})
        return
    table = Table(title=f"Campaign {stats['campaign_id']}: {stats['status']}")
    table.add_column("channel")
    for name in SHOWN:
        table.add_column(name, justify="right")
    for channel, figures in stats["by_channel"].items():
        table.add_row(channel, *(f"{figures[name]:,}" for name in SHOWN))
    out.print(table)
    for name in ("open", "missing", "unplanned", "untold"):
        if found := getattr(result, name):
            out.print(f"[red]{name}: {len(found)}[/], such as {found[0]}")
    verdict = "[green]exact[/]" if result.exact else "[bold red]NOT EXACT[/]"
    out.print(
        f"planned {result.planned:,}, settled {result.settled:,}, "
        f"lost {len(result.lost)}, doubled {len(result.doubled)}: {verdict}"
    )


async def _post(client: httpx.AsyncClient, path: str, **arguments: Any) -> dict[str, Any]:
    return _answer(await client.post(path, **arguments))


async def _get(client: httpx.AsyncClient, path: str, **arguments: Any) -> dict[str, Any]:
    return _answer(await client.get(path, **arguments))


def _answer(response: httpx.Response) -> dict[str, Any]:
    if response.is_error:
        raise CommandError(f"{response.request.method} {response.request.url.path}: {response.text[:500]}")
    return dict(response.json())
