"""What processes use while something runs: CPU time and memory, as the system counts them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self

import psutil

SAMPLE_S = 0.25


def cpu_seconds(pids: Mapping[str, int]) -> dict[str, float]:
    """CPU time used so far, user and system, by name. A process that has ended counts nothing."""
    return {name: _of(pid, _cpu) for name, pid in pids.items()}


def resident_mb(pids: Mapping[str, int]) -> dict[str, float]:
    """Resident memory by name; pages that several processes share count in each of them."""
    return {name: _of(pid, _resident) / 1e6 for name, pid in pids.items()}


def proportional_mb(pids: Mapping[str, int]) -> dict[str, float]:
    """Memory by name, a shared page divided by those who share it, where the system tells (Linux); else resident."""
    return {name: _of(pid, _proportional) / 1e6 for name, pid in pids.items()}


class Meter:
    """Between entering and leaving: CPU seconds by name, and the greatest sum of resident memory."""

    def __init__(self, pids: Mapping[str, int]) -> None:
        self.pids = dict(pids)
        self.cpu_s: dict[str, float] = {}
        self.peak_mb = 0.0

    async def __aenter__(self) -> Self:
        self._before = cpu_seconds(self.pids)
        self._sampler = asyncio.create_task(self._sample())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        with contextlib.suppress(asyncio.CancelledError):
            await self._sampler

    def stop(self) -> None:
        """What comes later does not count. May be called before the block ends."""
        if not self._sampler.cancelled() and not self._sampler.cancelling():
            self._sampler.cancel()
            after = cpu_seconds(self.pids)
            self.cpu_s = {name: after[name] - self._before[name] for name in self.pids}
            self._look()

    def cpu_s_per_100k(self, count: float) -> float:
        return sum(self.cpu_s.values()) / count * 100_000

    async def _sample(self) -> None:
        while True:
            self._look()
            await asyncio.sleep(SAMPLE_S)

    def _look(self) -> None:
        self.peak_mb = max(self.peak_mb, sum(resident_mb(self.pids).values()))


def _of(pid: int, measure: Callable[[psutil.Process], float]) -> float:
    try:
        return measure(psutil.Process(pid))
    except psutil.NoSuchProcess:
        return 0.0


def _cpu(process: psutil.Process) -> float:
    times = process.cpu_times()
    return float(times.user + times.system)


def _resident(process: psutil.Process) -> float:
    return float(process.memory_info().rss)


def _proportional(process: psutil.Process) -> float:
    try:
        return float(getattr(process.memory_full_info(), "pss", process.memory_info().rss))
    except psutil.AccessDenied:
        return _resident(process)
