"""Small file systems under the data of Kafka and ClickHouse, which a run can fill to the last byte."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

SIZE_MB: Final = 512
REFILL_S: Final = 0.2
"""What is full must stay full: whoever fails may delete what it had begun."""
_BALLAST: Final = "ballast"
_CHUNKS: Final = (1 << 20, 1 << 12)


class NoDisksError(Exception):
    """No file system can be mounted here; the text says why and what to do."""


def require_disks() -> None:
    """Raises NoDisksError unless a file system can be mounted and taken away again."""
    with tempfile.TemporaryDirectory(prefix="peal-disk-") as folder:
        _mount(Path(folder), 1)
        _unmount(Path(folder))


class Disks:
    def __init__(self, folder: Path) -> None:
        """`folder`: an installation's data; each part keeps its own in the folder of its name."""
        self.folder, self.mounted = folder, list[Path]()

    def mount(self, *parts: str) -> None:
        for part in parts:
            place = self.folder / part
            place.mkdir(parents=True)
            _mount(place, SIZE_MB)
            self.mounted.append(place)

    async def keep_full(self, part: str, seconds: float) -> None:
        """Not a byte is free for so long; then there is room again."""
        place = self.folder / part
        if place not in self.mounted:
            raise NoDisksError(f"{part} is on no file system of its own here: nothing is filled")
        deadline = asyncio.get_running_loop().time() + seconds
        try:
            while asyncio.get_running_loop().time() < deadline:
                await asyncio.to_thread(_fill, place / _BALLAST)
                await asyncio.sleep(REFILL_S)
        finally:
            (place / _BALLAST).unlink(missing_ok=True)

    def unmount(self) -> None:
        while self.mounted:
            _unmount(self.mounted.pop())


def _mount(place: Path, mebibytes: int) -> None:
    command = shutil.which("mount")
    if sys.platform != "linux" or command is None or os.geteuid() != 0:
        raise NoDisksError("no disk is filled: that needs Linux and root, to mount a small file system (tmpfs)")
    done = subprocess.run(
        [command, "-t", "tmpfs", "-o", f"size={mebibytes}m", "tmpfs", str(place)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise NoDisksError(f"no disk is filled: a small file system cannot be mounted here ({done.stderr.strip()})")


def _unmount(place: Path) -> None:
    """Also where something still holds a file of it open: it goes with the last one."""
    subprocess.run(["umount", "--lazy", str(place)], capture_output=True, check=True)


def _fill(ballast: Path) -> None:
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(ballast.open("ab", buffering=0))
        for size in _CHUNKS:
            chunk = bytes(size)
            while True:
                try:
                    if file.write(chunk) < size:
                        break
                except OSError as error:
                    if error.errno != errno.ENOSPC:
                        raise
                    break
