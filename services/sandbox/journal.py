"""What was accepted, on disk: frames of a length (4 bytes) and a MessagePack array, appended before the answer."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

_LENGTH = 4


class Journal:
    """Survives the process (not the machine: it is not synced). A torn last frame was never answered and is cut off."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        self._path = path
        self._encoder = msgspec.msgpack.Encoder()
        self._waiting: list[bytes] = []

    def append(self, entry: list[Any]) -> None:
        """Write the entry through to the system, and what waited before it. Raises `OSError`, with nothing written."""
        self.later(entry)
        self.flush()

    def later(self, entry: list[Any]) -> None:
        """Keep the entry for the next `append` or `flush`: for what may be lost without harm."""
        frame = self._encoder.encode(entry)
        self._waiting.append(len(frame).to_bytes(_LENGTH, "little") + frame)

    def flush(self) -> None:
        """Write what waits. Raises `OSError` where the disk is full; the file then ends as it did before."""
        if not self._waiting:
            return
        data = b"".join(self._waiting)
        self._waiting.clear()
        size = os.fstat(self._file).st_size
        try:
            written = os.write(self._file, data)
            if written != len(data):
                raise OSError(f"{self._path}: only {written} of {len(data)} bytes could be written; is the disk full?")
        except OSError:
            os.ftruncate(self._file, size)
            raise

    def load(self) -> Iterator[list[Any]]:
        """All whole entries from the beginning; what follows the last of them is cut off."""
        size = os.fstat(self._file).st_size
        at = 0
        with open(self._path, "rb") as file:
            while len(head := file.read(_LENGTH)) == _LENGTH:
                frame = file.read(int.from_bytes(head, "little"))
                if len(frame) < int.from_bytes(head, "little"):
                    break
                at += _LENGTH + len(frame)
                yield msgspec.msgpack.decode(frame)
        if at < size:
            os.ftruncate(self._file, at)

    def close(self) -> None:
        self.flush()
        os.close(self._file)
