"""Starting the parts of an installation: each until it answers, or until it is plain that it will not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

from deploy.local import readiness
from deploy.local.errors import StackError
from deploy.local.services import CLICKHOUSE, KAFKA, ServiceSpec
from deploy.local.supervisor import Supervisor
from deploy.local.supervisor_config import ServiceEvent
from services.runtime.ports import Ports
from services.runtime.settings import Settings

Progress = Callable[[str, str], None]
"""Told of each part and its state: `starting`, `ready`; of each hook: `setting up`, `done`."""

START_SECONDS = 120.0
CRASHES_BEFORE_READY = 3
"""So many ends of a service before it was ever ready are no accident: the start fails with its last lines."""


class Starter:
    def __init__(
        self, supervisor: Supervisor, settings: Settings, ports: Ports, log_file: Callable[[str], Path]
    ) -> None:
        """`log_file`: where the part of that name writes."""
        self.supervisor, self.settings, self.ports, self.log_file = supervisor, settings, ports, log_file

    async def start_all(self, specs: Sequence[ServiceSpec], progress: Progress) -> None:
        """All at once. Raises StackError for the first that does not start."""
        starts = [asyncio.ensure_future(self.start(spec, progress)) for spec in specs]
        try:
            await asyncio.gather(*starts)
        finally:
            for start in starts:
                start.cancel()
            await asyncio.gather(*starts, return_exceptions=True)

    async def start(self, spec: ServiceSpec, progress: Progress) -> None:
        progress(spec.name, "starting")
        events = self.supervisor.subscribe()
        await self.supervisor.start_service(spec.name)
        ready = asyncio.ensure_future(self._wait_ready(spec))
        crashed = asyncio.ensure_future(_wait_for_crashes(events, spec.name))
        try:
            await asyncio.wait({ready, crashed}, timeout=START_SECONDS, return_when=asyncio.FIRST_COMPLETED)
            if not ready.done():
                how = crashed.result() if crashed.done() else f"it was not ready after {START_SECONDS:.0f} s"
                raise StackError(f"{spec.name} does not start: {how}. {self._last_lines(spec.name)}")
            ready.result()
        finally:
            ready.cancel()
            crashed.cancel()
            await asyncio.gather(ready, crashed, return_exceptions=True)
        progress(spec.name, "ready")

    async def wait_restarted(self, spec: ServiceSpec, old_pid: int, patience_s: float) -> int:
        """Until it runs under another pid and is ready; that pid. Raises StackError where it takes too long."""
        try:
            async with asyncio.timeout(patience_s):
                while True:
                    pid = self.supervisor.pids.get(spec.name, old_pid)
                    if pid != old_pid:
                        await self._wait_ready(spec)
                        if self.supervisor.pids.get(spec.name) == pid:
                            return pid
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise StackError(
                f"{spec.name} is not ready again after {patience_s:.0f} s. {self._last_lines(spec.name)}"
            ) from None

    async def _wait_ready(self, spec: ServiceSpec) -> None:
        if spec.name == KAFKA:
            await readiness.wait_for_kafka(self.settings)
        elif spec.name == CLICKHOUSE:
            await readiness.wait_for_url(f"http://127.0.0.1:{self.ports.clickhouse}/ping")
        else:
            await readiness.wait_for_url(spec.ready_url)

    def _last_lines(self, name: str, count: int = 5) -> str:
        try:
            lines = self.log_file(name).read_text(errors="replace").strip().splitlines()[-count:]
        except OSError:
            lines = []
        return "\n".join([f"The end of {self.log_file(name)}:", *(f"  {line}" for line in lines)])


async def _wait_for_crashes(events: AsyncIterator[ServiceEvent], name: str) -> str:
    crashes = 0
    async for event in events:
        if event.service == name and event.kind in ("exited", "gave_up"):
            crashes += 1
            if crashes >= CRASHES_BEFORE_READY or event.kind == "gave_up":
                return f"it ended {crashes} times before it was ready ({event.detail})"
    return "the supervisor ended"
