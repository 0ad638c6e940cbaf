"""`peal up`: start everything on this machine and keep it running until Ctrl-C."""

from __future__ import annotations

import os
from typing import Annotated

import typer

from deploy.local.processes import die_with_parent
from deploy.local.services import parse_scale
from services.cli.errors import CommandError
from services.cli.local import data_dir


def up(
    scale: Annotated[str, typer.Option(help="Instances of services, such as sender-email=2,tracker=2.")] = "",
    tied: Annotated[bool, typer.Option("--die-with-parent", hidden=True)] = False,
) -> None:
    """Start Kafka, ClickHouse, all services and the sandbox on this machine, and stay until Ctrl-C.

    A service that dies is started again, which is shown. Data is kept in .peal (PEAL_DATA_DIR); where to find what is
    written to .peal/access.json. Without settings of real providers the sandbox stands in, and nothing leaves this
    machine.
    """
    from services.cli.running import run_until_stopped  # here, so that the other commands start at once

    if tied:
        die_with_parent(os.getppid())
    try:
        instances = parse_scale(scale)
    except ValueError as error:
        raise CommandError(str(error)) from None
    run_until_stopped(data_dir(), instances)
