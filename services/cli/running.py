"""What `peal up` does: check, start, tell where things are, watch, stop."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from pathlib import Path

from rich.markup import escape

from deploy.local.environment import CREDENTIAL
from deploy.local.installation import Installation, make_installation
from deploy.local.stack import Stack
from services.cli.doctor import check_here
from services.cli.errors import CommandError
from services.cli.local import given_settings, held, local_ports
from services.cli.output import out
from services.cli.progress import StartProgress
from services.cli.sample_campaign import exists, rest_client, run_sample
from services.cli.samples import sample_people
from services.runtime.ports import Ports

SAMPLE_PEOPLE, SAMPLE_SEED, SAMPLE_ID = 2000, 2026, "sample-campaign"


def run_until_stopped(folder: Path, scale: dict[str, int]) -> None:
    """Hold `folder`, start everything and stay until a signal. Raises CommandError and what a start can raise."""
    with held(folder):
        require_prerequisites()
        asyncio.run(_run(folder, scale))


def require_prerequisites(ports: Ports | None = None) -> None:
    """Raises CommandError with a sentence for each problem. `ports`: in place of those that the settings say."""
    problems = [check.problem for check in check_here(ports) if not check.ok]
    if problems:
        raise CommandError("\n       ".join(problems))


async def _run(folder: Path, scale: dict[str, int]) -> None:
    stop = _stop_on_signals()
    installation = make_installation(folder, local_ports(), given_settings(), scale)
    stack = installation.stack
    try:
        if not await _start(stack, stop):
            return
        installation.access.write(folder)
        await _run_sample(installation)
        show_banner(installation, folder)
        await _watch(stack, stop)
    finally:
        await _stop(stack, stop)


def _stop_on_signals() -> asyncio.Event:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    return stop


async def _start(stack: Stack, stop: asyncio.Event) -> bool:
    """False where the user stopped it meanwhile."""
    with StartProgress(stack.names) as progress:
        starting = asyncio.ensure_future(stack.start(progress))
        stopping = asyncio.ensure_future(stop.wait())
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not starting.done():
            starting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await starting
            return False
        starting.result()
    return True


async def _run_sample(installation: Installation) -> None:
    """Once an installation: people who do not exist, and a campaign to look at. Only where nothing can leave."""
    if len(installation.sandboxed) < len(CREDENTIAL):
        return
    async with rest_client(installation.access) as client:
        if not await exists(client, SAMPLE_ID):
            with out.status(f"Loading {SAMPLE_PEOPLE:,} sample contacts and launching the sample campaign"):
                await run_sample(client, list(sample_people(SAMPLE_PEOPLE, SAMPLE_SEED)))


def show_banner(installation: Installation, folder: Path) -> None:
    access = installation.access
    rows = {
        "Console": access.console_url,
        "Sign in": f"{access.admin_link}  (works once)",
        "Campaign": f"{access.console_url}/campaigns/{SAMPLE_ID}  (the sample, live)",
        "Sandbox": f"{access.sandbox_url}  (what people received)",
        "Kafka": access.kafka_bootstrap,
        "ClickHouse": access.clickhouse_url.rsplit("@", 1)[-1],
        "Data, logs": str(folder),
    }
    out.print("\n[bold]Peal runs.[/]")
    for name, value in rows.items():
        out.print(f"  {name:<11} {escape(value)}", highlight=False, soft_wrap=True)
    if installation.sandboxed:
        names = " and ".join(name.capitalize() for name in installation.sandboxed)
        out.print(f"\nThe sandbox stands in for {names}: nothing leaves this machine.")
    out.print("Ctrl-C stops everything.\n")


async def _watch(stack: Stack, stop: asyncio.Event) -> None:
    """Until the user stops it. Raises CommandError where the supervisor itself is gone."""
    watching = asyncio.ensure_future(_show_restarts(stack))
    stopping = asyncio.ensure_future(stop.wait())
    await asyncio.wait({watching, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    if watching.done():
        raise CommandError("the supervisor has ended, and all services with it: start Peal again")
    watching.cancel()


async def _show_restarts(stack: Stack) -> None:
    async for event in stack.events():
        if event.kind == "exited":
            log = stack.log_file(event.service)
            out.print(
                f"[yellow]{event.service} ended[/] ({event.detail}); it is started again. Log: {log}", soft_wrap=True
            )
        elif event.kind == "started":
            out.print(f"[green]{event.service} started[/] (pid {event.pid})")
        elif event.kind == "gave_up":
            out.print(f"[bold red]{event.service} does not start[/]: {event.detail}")


async def _stop(stack: Stack, stop: asyncio.Event) -> None:
    """Drain and stop; a second Ctrl-C ends everything at once."""
    stop.clear()
    stopping = asyncio.ensure_future(stack.stop())
    again = asyncio.ensure_future(stop.wait())
    with out.status("Stopping: what is under way is finished or given back. Ctrl-C again ends everything at once."):
        await asyncio.wait({stopping, again}, return_when=asyncio.FIRST_COMPLETED)
        if not stopping.done():
            await stack.kill_all()
        await stopping
    again.cancel()
    out.print("Stopped. Nothing runs any more; the data is kept.")
