"""supervisord's configuration as text, and its log lines as events. Pure."""

from __future__ import annotations

import hashlib
import re
import shlex
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from deploy.local.services import STAGES, ServiceSpec

STOP_SECONDS = 30
"""Time that a service has to drain after SIGTERM before it is killed."""
SOCKET_PATH_LIMIT = 100
"""Bytes: sun_path holds 108 on Linux, 104 on macOS, and supervisord makes the socket under a longer name first."""

Kind = Literal["started", "exited", "stopped", "gave_up"]


@dataclass(frozen=True)
class ServiceEvent:
    """A change in the life of a service. `pid` is that of a start, else 0; `detail` tells how it ended."""

    kind: Kind
    service: str
    pid: int = 0
    detail: str = ""


_LINES: dict[Kind, re.Pattern[str]] = {
    "started": re.compile(r" INFO spawned: '(?P<name>[^']+)' with pid (?P<pid>\d+)"),
    "exited": re.compile(r" (?:INFO|WARN) exited: (?P<name>\S+) \((?P<detail>[^;]*); (?:not )?expected\)"),
    "stopped": re.compile(r" (?:INFO|WARN) stopped: (?P<name>\S+) \((?P<detail>.*)\)"),
    "gave_up": re.compile(r" INFO gave up: (?P<name>\S+) entered FATAL state, (?P<detail>.*)"),
}


def parse_event(line: str) -> ServiceEvent | None:
    """The event that a line of supervisord's log reports, if any (supervisor/process.py writes them)."""
    for kind, pattern in _LINES.items():
        found = pattern.search(line)
        if found:
            groups = found.groupdict()
            return ServiceEvent(kind, groups["name"], int(groups.get("pid") or 0), groups.get("detail") or "")
    return None


def socket_path(data_dir: Path) -> Path:
    """A short path of this data directory's own: a socket's may not be long, a data directory's may."""
    name = f"peal-{hashlib.sha256(str(data_dir).encode()).hexdigest()[:16]}"
    folder = Path(tempfile.gettempdir()) / name
    if len(str(folder)) > SOCKET_PATH_LIMIT - len("/supervisor.sock.12345678"):
        folder = Path("/tmp") / name  # noqa: S108  (private: mode 0700)
    return folder / "supervisor.sock"


def render_config(data_dir: Path, socket: Path, specs: Iterable[ServiceSpec], launch_dir: Path) -> str:
    """One group a stage, stopped one after another from the last on; within a stage all at once."""
    programs = list(specs)
    logs = data_dir / "logs"
    lines = ["[supervisord]"]
    lines += _options({"logfile": logs / "supervisor.log", "logfile_maxbytes": "5MB", "logfile_backups": 1})
    lines += _options({"pidfile": data_dir / "supervisor.pid", "loglevel": "info", "nocleanup": "true"})
    lines += ["[unix_http_server]", *_options({"file": socket, "chmod": "0600"})]
    lines += ["[rpcinterface:supervisor]"]
    lines += ["supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface"]
    for spec in programs:
        lines += [f"[program:{spec.name}]", *_program(spec, logs, launch_dir)]
    for order, stage in enumerate(STAGES):
        names = [spec.name for spec in programs if spec.stage == stage]
        if names:
            lines += [f"[group:{stage}]", *_options({"programs": ",".join(names), "priority": 100 * (order + 1)})]
    return "\n".join(lines) + "\n"


def _program(spec: ServiceSpec, logs: Path, launch_dir: Path) -> list[str]:
    launcher = [sys.executable, "-m", "deploy.local.launch", str(launch_dir / f"{spec.name}.json")]
    return _options(
        {
            "command": shlex.join(launcher),
            "autostart": "false",
            "autorestart": "true",
            "startsecs": 2,
            "startretries": 1_000_000,
            "stopwaitsecs": STOP_SECONDS,
            "killasgroup": "true",
            "redirect_stderr": "true",
            "stdout_logfile": logs / f"{spec.name}.log",
            "stdout_logfile_maxbytes": "10MB",
            "stdout_logfile_backups": 3,
        }
    )


def _options(values: dict[str, object]) -> list[str]:
    """A percent sign would be taken for the start of an expansion."""
    return [f"{name} = {str(value).replace('%', '%%')}" for name, value in values.items()]
