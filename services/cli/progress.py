"""The display of a start: one line that counts what is ready, and a line for each part on a plain output."""

from __future__ import annotations

import time
from collections.abc import Sequence
from types import TracebackType
from typing import Self

from rich.status import Status

from services.cli.output import out


class StartProgress:
    """Called with a part and its state, as `Stack.start` does."""

    def __init__(self, names: Sequence[str]) -> None:
        self._waiting = list(names)
        self._total = len(names)
        self._began = time.monotonic()
        self._status = Status("Starting ...", console=out)

    def __enter__(self) -> Self:
        self._status.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._status.stop()

    def __call__(self, part: str, state: str) -> None:
        if part in self._waiting and state == "ready":
            self._waiting.remove(part)
            out.print(f"[green]ready[/]  {part} [dim]{time.monotonic() - self._began:.1f} s[/]", highlight=False)
        ready = self._total - len(self._waiting)
        self._status.update(f"Starting: {ready} of {self._total} ready; {part} {state}")
