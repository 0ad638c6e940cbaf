"""A router that holds partitions and does nothing is worse than none: it says so, and then it ends."""

from __future__ import annotations

import threading
from collections.abc import Callable

from services.runtime.errors import exit_fatally


class Watchdog:
    """Looks once a second, from a thread of its own: neither loop can hold it up.

    Counts its own looks instead of reading a clock, so that a suspended machine does not count as a stall.
    """

    def __init__(self, stall_s: float, has_work: Callable[[], bool], rounds: Callable[[], int]) -> None:
        self.stall_s, self.has_work, self.rounds = stall_s, has_work, rounds
        self.stalled_s = 0
        self._seen = -1
        self._stopped = threading.Event()

    def start(self) -> None:
        threading.Thread(target=self._run, name="watchdog", daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()

    def look(self) -> None:
        """Once a second."""
        rounds = self.rounds()
        self.stalled_s = self.stalled_s + 1 if self.has_work() and rounds == self._seen else 0
        self._seen = rounds

    def problem(self) -> str:
        if self.stalled_s < self.stall_s:
            return ""
        return f"records wait, and no round was finished for {self.stalled_s} s"

    def _run(self) -> None:
        while not self._stopped.wait(1):
            self.look()
            if self.stalled_s >= 2 * self.stall_s:
                exit_fatally(f"{self.problem()}: nothing of the running round is committed, a new start does it again")
