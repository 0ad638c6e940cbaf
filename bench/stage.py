"""What a figure is measured on: the real Kafka and the real ClickHouse engine in a folder of their own; services."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psutil
from clickhouse_connect.driver.asyncclient import AsyncClient

from bench.accounts import GIVEN as SECOND_GIVEN
from deploy.local.environment import shared_environment
from deploy.local.free_ports import free_ports
from deploy.local.hooks import SET_UP
from deploy.local.installation import Installation, make_installation
from deploy.local.secrets import load_secrets
from deploy.local.services import default_services
from deploy.local.stack import Stack
from services.runtime.clickhouse import make_clickhouse
from services.runtime.ports import Ports
from services.runtime.settings import Settings

FAST_RATE, SMS_RATE = 100_000, 200
"""Messages a second of the mail account, which is never the limit, and of the account whose rate is measured."""
GIVEN = {
    "PEAL_RATE_EMAIL": str(FAST_RATE),
    "PEAL_RATE_SMS": str(SMS_RATE),
    "PEAL_SANDBOX_WORLD": "bench",
    "PEAL_LOG_LEVEL": "warning",
    **SECOND_GIVEN,
}
READY_S, STOP_S = 60.0, 60.0
MOST_INSTANCES = 4
"""Of a service, side by side."""


@dataclass(frozen=True)
class Service:
    """A service that runs."""

    name: str
    process: subprocess.Popen[bytes]
    metrics_url: str
    log: Path

    @property
    def pids(self) -> dict[str, int]:
        return {self.name: self.process.pid}

    def require_alive(self) -> None:
        """Raises RuntimeError with the end of its log."""
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.name} has ended: {self.log.read_text(errors='replace')[-2000:]}")

    async def metric(self, name: str) -> float:
        """The sum of a metric over its labels; 0 while the process does not listen yet."""
        self.require_alive()
        try:
            async with httpx.AsyncClient() as client:
                text = (await client.get(f"{self.metrics_url}/metrics")).text
        except httpx.TransportError:
            return 0.0
        return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(name))

    async def wait_ready(self, every_s: float = 0.01) -> None:
        async with asyncio.timeout(READY_S), httpx.AsyncClient() as client:
            while True:
                self.require_alive()
                with contextlib.suppress(httpx.TransportError):
                    if (await client.get(f"{self.metrics_url}/readyz")).is_success:
                        return
                await asyncio.sleep(every_s)


class Bare:
    """Kafka and ClickHouse; services one by one, as a figure wants them."""

    def __init__(self, folder: Path, ports: Ports, installation: Installation, stack: Stack) -> None:
        self.folder, self.ports, self.installation, self.stack = folder, ports, installation, stack

    @property
    def settings(self) -> Settings:
        return self.stack.settings

    @property
    def sandbox_url(self) -> str:
        return self.installation.access.sandbox_url

    @property
    def engine(self) -> dict[str, int]:
        """The pid of ClickHouse."""
        return {"clickhouse": self.stack.pid("clickhouse")}

    def environment(self, name: str) -> dict[str, str]:
        """Of a service, without settings of the shell."""
        shell = {key: value for key, value in os.environ.items() if not key.startswith(("PEAL_", "OTEL_"))}
        return shell | self.installation.stack.environment_for(name)

    @asynccontextmanager
    async def service(self, name: str, instance: int = 0, **environment: str) -> AsyncIterator[Service]:
        """Started, not yet ready; ended with the block."""
        spec = [spec for spec in default_services(self.ports, {name: MOST_INSTANCES}) if spec.name.startswith(name)]
        log = self.folder / f"{spec[instance].name}.log"
        given = self.environment(name) | dict(spec[instance].environment) | environment
        with log.open("ab") as output:
            process = subprocess.Popen(spec[instance].command, stdout=output, stderr=output, env=given)
        try:
            yield Service(spec[instance].name, process, f"http://127.0.0.1:{self.ports.metrics(name, instance)}", log)
        finally:
            await asyncio.to_thread(_end, process)


class Whole(Bare):
    """Everything that `peal up` starts, under its supervisor."""

    @property
    def pids(self) -> dict[str, int]:
        """Of each part, and of the supervisor that keeps them running."""
        parts = {name: self.stack.pid(name) for name in self.stack.names}
        return parts | {"supervisor": psutil.Process(parts["router"]).ppid()}

    def rest(self) -> httpx.AsyncClient:
        """A client of the console's REST interface."""
        access = self.installation.access
        headers = {"Authorization": f"Bearer {access.api_key}"}
        return httpx.AsyncClient(base_url=f"{access.console_url}/api/v1", headers=headers, timeout=60)


@asynccontextmanager
async def bare(**given: str) -> AsyncIterator[Bare]:
    """Kafka with all topics, ClickHouse with all tables, no service. `given`: settings of the services."""
    with tempfile.TemporaryDirectory(prefix="peal-bench-") as name:
        folder, ports = Path(name), free_ports()
        settings = GIVEN | given
        installation = make_installation(folder, ports, settings)
        environment = shared_environment(settings, ports, load_secrets(folder))
        async with Stack(folder, ports, environment, [], SET_UP) as stack:
            yield Bare(folder, ports, installation, stack)


@asynccontextmanager
async def whole() -> AsyncIterator[Whole]:
    """Everything, ready."""
    with tempfile.TemporaryDirectory(prefix="peal-bench-") as name:
        folder, ports = Path(name), free_ports(MOST_INSTANCES)
        installation = make_installation(folder, ports, GIVEN)
        async with installation.stack as stack:
            yield Whole(folder, ports, installation, stack)


@asynccontextmanager
async def clickhouse(stage: Bare) -> AsyncIterator[AsyncClient]:
    client = await make_clickhouse(stage.settings)
    try:
        yield client
    finally:
        await client.close()


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
