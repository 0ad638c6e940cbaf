"""A service as a process of its own, as it runs in production, for tests that kill it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import httpx

START_S, STOP_S = 60.0, 60.0


class ServiceProcess:
    """`async with ServiceProcess("planner", environment, port, folder) as planner: ...`; ready inside the block."""

    def __init__(
        self, service: str, environment: Mapping[str, str], metrics_port: int, folder: Path, *arguments: str
    ) -> None:
        self.command = [sys.executable, "-m", f"services.{service}", *arguments]
        self.environment = {**os.environ, **environment}
        self.url = f"http://127.0.0.1:{metrics_port}"
        self.log = folder / f"{service}-{metrics_port}.log"
        self.process: subprocess.Popen[bytes] | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    async def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.command, env=self.environment, stdout=log, stderr=log)
        async with asyncio.timeout(START_S), httpx.AsyncClient() as client:
            while True:
                assert self.process.poll() is None, f"{self.command} ended: {self.log.read_text()[-2000:]}"
                try:
                    if (await client.get(f"{self.url}/readyz")).status_code == 200:
                        return
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.05)

    def send_signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Signal it and wait for its end; its exit code."""
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(number)
        return await asyncio.to_thread(self.process.wait, STOP_S)

    async def kill(self) -> None:
        await self.stop(signal.SIGKILL)

    async def metric(self, name: str) -> float:
        """Sum of a metric over its labels; 0 where it has not been counted yet."""
        async with httpx.AsyncClient() as client:
            text = (await client.get(f"{self.url}/metrics")).text
        lines = (line for line in text.splitlines() if line.startswith((f"{name}{{", f"{name} ")))
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines)
