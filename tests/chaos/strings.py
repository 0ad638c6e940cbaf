"""By what a run pulls at processes that are running: armed fail-points, and a clock for each service."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from tests.chaos.kinds import SERVICES

_PLACES: Final = ("/usr/lib/*/faketime/libfaketimeMT.so.1", "/usr/local/lib/faketime/libfaketimeMT.so.1")
CLOCK_LIBRARY: Final = next((found for place in _PLACES for found in Path("/").glob(place[1:])), None)
"""Fakes the wall clock of a process, never the machine's; None where it is not installed."""


class Strings:
    def __init__(self, folder: Path) -> None:
        self.fail_points, self._clocks = folder / "fail-points", folder / "clocks"
        self._clocks.mkdir(parents=True)
        for name in SERVICES:
            self.set_clock(name, "+0s")

    def set_clock(self, service: str, offset: str) -> None:
        """Such as `+600s`: what the service takes for the time from the next second on."""
        (self._clocks / service).write_text(offset)

    def environments(self) -> dict[str, dict[str, str]]:
        """By service: leases and loops keep the clocks that count time passed."""
        if CLOCK_LIBRARY is None:
            return {}
        return {
            name: {
                "LD_PRELOAD": str(CLOCK_LIBRARY), "FAKETIME_TIMESTAMP_FILE": str(self._clocks / name),
                "FAKETIME_CACHE_DURATION": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            }
            for name in SERVICES
        }  # fmt: skip
