"""`peal doctor`: is everything there that Peal needs, and what to do where it is not."""

from __future__ import annotations

from dataclasses import asdict

import typer

from services.cli.checks import Check, run_checks
from services.cli.local import data_dir, given_settings, local_ports, running_pid
from services.cli.output import Json, out, print_json
from services.runtime.ports import Ports


def doctor(as_json: Json = False) -> None:
    """Check this machine: Python, Java, Maven, ports, disk, memory, and Kafka and ClickHouse where they run elsewhere.

    Each line says what was found; a problem says what to do about it. Exit code 1 if there is any. `peal up` makes
    the same checks before it starts.
    """
    checks = check_here()
    if as_json:
        print_json([asdict(check) | {"ok": check.ok} for check in checks])
    else:
        show(checks)
    if not all(check.ok for check in checks):
        raise typer.Exit(1)


def check_here(ports: Ports | None = None) -> list[Check]:
    """`ports`: those of an installation that listens elsewhere than the settings say."""
    folder = data_dir()
    if ports is not None:
        return run_checks(folder, ports, {}, None)
    return run_checks(folder, local_ports(), given_settings(), running_pid(folder))


def show(checks: list[Check]) -> None:
    for check in checks:
        if check.ok:
            out.print(f"[green]ok[/]       {check.name}: {check.found}", highlight=False, soft_wrap=True)
        else:
            out.print(f"[bold red]problem[/]  {check.problem}", highlight=False, soft_wrap=True)
