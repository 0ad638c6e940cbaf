"""Drives supervisord: starts it, talks to it over its XML-RPC socket, and turns its log into events."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import xmlrpc.client
from collections.abc import AsyncIterator, Iterable, Mapping
from http.client import HTTPException
from pathlib import Path
from typing import Any

from supervisor.xmlrpc import SupervisorTransport

from deploy.local.errors import LocalError
from deploy.local.jars import REPOSITORY
from deploy.local.services import ServiceSpec
from deploy.local.supervisor_config import STOP_SECONDS, ServiceEvent, parse_event, render_config, socket_path

START_SECONDS = 20.0


class SupervisorError(LocalError):
    """The supervisor cannot be started or has gone; the text says why."""


class Supervisor:
    """supervisord over the processes of `specs`, none of them started yet.

    It is tied to the thread that calls `start`: when that thread (or its process) dies, all its services end.
    """

    def __init__(self, data_dir: Path, specs: Iterable[ServiceSpec], environment: Mapping[str, str]) -> None:
        self._data_dir, self._specs = data_dir, {spec.name: spec for spec in specs}
        self._environment = dict(environment)
        self._socket = socket_path(data_dir)
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._listeners: list[asyncio.Queue[ServiceEvent | None]] = []
        self.pids: dict[str, int] = {}
        """Service -> pid of what runs, as far as the supervisor has told."""

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def start(self) -> None:
        """Returns once supervisord answers. Raises SupervisorError."""
        config = self._write_files()
        log = (self._data_dir / "logs" / "supervisor.err").open("wb")
        with log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-W", "ignore", "-m", "deploy.local.supervise", str(config), str(os.getpid())),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                env=_without_settings(os.environ),
                cwd=REPOSITORY,
                start_new_session=True,  # Ctrl-C is for `peal up` alone, which then stops all in order
            )
        self._reader = asyncio.create_task(self._read_events())
        deadline = asyncio.get_running_loop().time() + START_SECONDS
        while not await self._answers():
            if not self.running or asyncio.get_running_loop().time() > deadline:
                text = (self._data_dir / "logs" / "supervisor.err").read_text().strip().splitlines()
                raise SupervisorError(f"the supervisor did not start: {text[-1] if text else 'it does not answer'}")
            await asyncio.sleep(0.05)

    async def start_service(self, name: str) -> None:
        await self._call("startProcess", self._full_name(name), False)

    async def stop_service(self, name: str) -> None:
        """SIGTERM, then SIGKILL after `STOP_SECONDS`; returns once it has ended. Nothing to do if it has."""
        try:
            await self._call("stopProcess", self._full_name(name), True)
        except xmlrpc.client.Fault as fault:
            if "NOT_RUNNING" not in fault.faultString:
                raise
        self.pids.pop(name, None)  # the event that says so may still be on its way

    def subscribe(self) -> AsyncIterator[ServiceEvent]:
        """Events from this moment on, until the supervisor ends."""
        queue: asyncio.Queue[ServiceEvent | None] = asyncio.Queue()
        self._listeners.append(queue)
        return self._drain(queue)

    async def stop(self) -> None:
        """Stop everything in order; whatever is still there after its time is killed. Leaves no process."""
        if self._process is None:
            return
        if self.running:
            self._process.terminate()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), 3 * STOP_SECONDS + 10)
        await self.kill()

    async def kill(self) -> None:
        """End everything at once, without a drain."""
        if self._process is None:
            return
        if self.running:
            self._process.kill()
            for pid in self.pids.values():
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(pid, signal.SIGKILL)  # supervisord makes each service the leader of its own group
        await self._process.wait()
        if self._reader:
            await self._reader
        for leftover in (self._socket, self._data_dir / "supervisor.pid"):
            leftover.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self._socket.parent.rmdir()

    def _full_name(self, name: str) -> str:
        return f"{self._specs[name].stage}:{name}"

    def _write_files(self) -> Path:
        launch_dir = self._data_dir / "run"
        for folder in (self._data_dir / "logs", launch_dir):
            folder.mkdir(parents=True, exist_ok=True)
        launch_dir.chmod(0o700)
        for spec in self._specs.values():
            file = launch_dir / f"{spec.name}.json"
            file.touch(mode=0o600)
            environment = {**self._environment, **spec.environment}
            file.write_text(json.dumps({"command": spec.command, "environment": environment}))
        self._socket.parent.mkdir(mode=0o700, exist_ok=True)
        self._socket.unlink(missing_ok=True)
        config = launch_dir / "supervisord.conf"
        config.write_text(render_config(self._data_dir, self._socket, self._specs.values(), launch_dir))
        return config

    async def _answers(self) -> bool:
        try:
            await self._call("getState")
        except (OSError, HTTPException):
            return False
        return True

    async def _call(self, method: str, *arguments: Any) -> Any:
        return await asyncio.to_thread(self._call_blocking, method, *arguments)

    def _call_blocking(self, method: str, *arguments: Any) -> Any:
        transport = SupervisorTransport(None, None, f"unix://{self._socket}")
        try:
            proxy = xmlrpc.client.ServerProxy("http://localhost", transport)
            return getattr(proxy.supervisor, method)(*arguments)
        finally:
            transport.close()

    async def _read_events(self) -> None:
        assert self._process is not None
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            event = parse_event(line.decode(errors="replace"))
            if event is None:
                continue
            if event.kind == "started":
                self.pids[event.service] = event.pid
            else:
                self.pids.pop(event.service, None)
            for queue in self._listeners:
                queue.put_nowait(event)
        for queue in self._listeners:
            queue.put_nowait(None)

    async def _drain(self, queue: asyncio.Queue[ServiceEvent | None]) -> AsyncIterator[ServiceEvent]:
        try:
            while event := await queue.get():
                yield event
        finally:
            self._listeners.remove(queue)


def _without_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """What services are set to comes from the stack alone, not from the shell that happens to start it."""
    return {name: value for name, value in environment.items() if not name.startswith("PEAL_")}
