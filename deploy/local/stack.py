"""A whole installation on this machine: Kafka, ClickHouse and the services, started in order and kept running.

`peal up`, `peal demo` and the integration tests all stand on it:

    async with Stack(data_dir, ports, environment, default_services(ports), hooks) as stack:
        stack.kill("router")
        await stack.wait_restarted("router")
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.local.jars import ensure_jars
from deploy.local.services import CLICKHOUSE, KAFKA, ServiceSpec, infrastructure
from deploy.local.starter import START_SECONDS, Progress, Starter
from deploy.local.supervisor import Supervisor
from deploy.local.supervisor_config import ServiceEvent
from services.runtime.ports import Ports
from services.runtime.settings import Settings

Hook = Callable[[Settings], Awaitable[object]]
"""Runs once Kafka and ClickHouse answer, before the services: topics, migrations."""


class Stack:
    """`environment` holds every `PEAL_` setting that the services get; the shell's are not passed on.

    `PEAL_KAFKA_BOOTSTRAP` or `PEAL_CLICKHOUSE_URL` in it: that part is taken to run elsewhere and is not started.
    """

    def __init__(
        self,
        data_dir: Path,
        ports: Ports,
        environment: Mapping[str, str],
        services: Sequence[ServiceSpec],
        hooks: Sequence[Hook] = (),
    ) -> None:
        self.data_dir, self.ports = data_dir.resolve(), ports
        given = {name: value for name, value in environment.items() if value}
        self._environment = base_environment(self.data_dir, ports) | given
        external = {KAFKA: "PEAL_KAFKA_BOOTSTRAP" in given, CLICKHOUSE: "PEAL_CLICKHOUSE_URL" in given}
        self._infrastructure = infrastructure(ports, self.data_dir, external)
        self._services, self._hooks = list(services), list(hooks)
        self._specs = {spec.name: spec for spec in [*self._infrastructure, *self._services]}
        self._supervisor = Supervisor(self.data_dir, self._specs.values(), self._environment)
        self._starter = Starter(self._supervisor, self.settings, ports, self.log_file)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def names(self) -> list[str]:
        return list(self._specs)

    @property
    def settings(self) -> Settings:
        """What every service shares, as this installation has it."""
        return Settings.model_validate(self._settings_values())

    def environment_for(self, name: str) -> dict[str, str]:
        """Every `PEAL_` variable that the service gets."""
        return self._environment | dict(self._specs[name].environment)

    def log_file(self, name: str) -> Path:
        return self.data_dir / "logs" / f"{name}.log"

    async def start(self, progress: Progress = lambda part, state: None) -> None:
        """Start everything and wait until it is ready. On an error everything is stopped again.

        Raises StackError, JarsError, SupervisorError.
        """
        try:
            if KAFKA in self._specs:
                await asyncio.to_thread(ensure_jars)
            await self._supervisor.start()
            await self._starter.start_all(self._infrastructure, progress)
            for hook in self._hooks:
                name = getattr(hook, "__name__", "set-up").replace("_", " ")
                progress(name, "setting up")
                await hook(self.settings)
                progress(name, "done")
            await self._starter.start_all(self._services, progress)
        except BaseException:
            await self.stop()
            raise

    async def stop(self) -> None:
        """Drain and stop all: services first, Kafka and ClickHouse last. Leaves no process; may be called twice."""
        await self._supervisor.stop()

    async def kill_all(self) -> None:
        """End all processes at once; what was under way is recovered at the next start."""
        await self._supervisor.kill()

    def events(self) -> AsyncIterator[ServiceEvent]:
        """Starts, ends and restarts from now on, as they happen, until the stack stops."""
        return self._supervisor.subscribe()

    def pid(self, name: str) -> int:
        """Raises LookupError where the service is not running at this moment."""
        return self._supervisor.pids[name]

    def kill(self, name: str, number: signal.Signals = signal.SIGKILL) -> int:
        """Send a signal to the service; after one that ends it, it is started again. Returns its pid."""
        pid = self.pid(name)
        os.kill(pid, number)
        return pid

    async def restart(self, name: str) -> None:
        """Drain, stop and start it; returns when it is ready again."""
        await self._supervisor.stop_service(name)
        await self.start_service(name)

    async def stop_service(self, name: str) -> None:
        """Drain and stop it; it stays down until `start_service`."""
        await self._supervisor.stop_service(name)

    async def start_service(self, name: str) -> None:
        await self._starter.start(self._specs[name], lambda part, state: None)

    async def wait_restarted(self, name: str, old_pid: int, patience_s: float = START_SECONDS) -> int:
        """Wait until the service runs under another pid than `old_pid` and is ready; returns the new one.

        Raises StackError when it is not after `patience_s`.
        """
        return await self._starter.wait_restarted(self._specs[name], old_pid, patience_s)

    def _settings_values(self) -> dict[str, str]:
        values = {name.removeprefix("PEAL_").lower(): value for name, value in self._environment.items()}
        return {name: value for name, value in values.items() if name in Settings.model_fields}


def base_environment(data_dir: Path, ports: Ports) -> dict[str, str]:
    """Where everything is, for services of an installation with these ports."""
    environment = {
        "PEAL_DATA_DIR": str(data_dir),
        "PEAL_KAFKA_BOOTSTRAP": f"127.0.0.1:{ports.kafka}",
        "PEAL_CLICKHOUSE_URL": f"http://127.0.0.1:{ports.clickhouse}",
        "PEAL_PUBLIC_URL": f"http://127.0.0.1:{ports.webhooks}",
    }
    if ports == Ports.from_base(ports.console):
        return environment | {"PEAL_PORT_BASE": str(ports.console)}
    if ports != Ports():
        raise ValueError("ports must be the well-known ones or Ports.from_base(...): services know no others")
    return environment
