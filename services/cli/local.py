"""The installation in this data directory as commands see it: where it is, what is set, whether it runs."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from services.cli.errors import CommandError
from services.runtime.ports import Ports

PID_FILE = "up.pid"


def data_dir() -> Path:
    """`PEAL_DATA_DIR`, else `.peal` here."""
    return Path(os.environ.get("PEAL_DATA_DIR") or ".peal").resolve()


def local_ports() -> Ports:
    """Raises CommandError where `PEAL_PORT_BASE` is not a usable port."""
    text = os.environ.get("PEAL_PORT_BASE", "")
    if text and not (text.isdecimal() and 1024 <= int(text) <= 65000):
        raise CommandError(f"PEAL_PORT_BASE is {text!r}: set it to a number from 1024 to 65000, or unset it")
    return Ports.from_environment()


def given_settings() -> dict[str, str]:
    """The `PEAL_` settings of this shell that are not empty."""
    return {name: value for name, value in os.environ.items() if name.startswith("PEAL_") and value}


def running_pid(folder: Path) -> int | None:
    """Pid of the `peal up` that runs on this data directory. Its lock tells, so a stale file never does."""
    try:
        with (folder / PID_FILE).open("r+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return int(file.read().strip() or 0) or None
    except (OSError, ValueError):
        pass
    return None


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Hold this data directory for one `peal up`. Raises CommandError where another one does."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / PID_FILE).open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = running_pid(folder)
            raise CommandError(
                f"Peal already runs on {folder} (pid {pid}): use it, or end it with `peal down` first"
            ) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield
        file.truncate(0)
