"""`peal down`: stop the `peal up` that runs on this data directory."""

from __future__ import annotations

import os
import signal
import time

from deploy.local.supervisor_config import STOP_SECONDS
from services.cli.errors import CommandError
from services.cli.local import data_dir, running_pid
from services.cli.output import out

PATIENCE_SECONDS = 3 * STOP_SECONDS + 20


def down() -> None:
    """Stop Peal: what is under way is finished or given back, then everything ends. The data stays.

    Does nothing where it does not run. The same as Ctrl-C in the terminal of `peal up`.
    """
    folder = data_dir()
    pid = running_pid(folder)
    if pid is None:
        out.print(f"Peal does not run on {folder}.")
        return
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + PATIENCE_SECONDS
    with out.status("Stopping Peal ..."):
        while running_pid(folder):
            if time.monotonic() > deadline:
                raise CommandError(f"pid {pid} did not stop within {PATIENCE_SECONDS} s: see {folder}/logs")
            time.sleep(0.1)
    out.print("Stopped.")
