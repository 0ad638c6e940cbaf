"""A complete installation on this machine: its secrets, its settings, its services, and the way into it."""

from __future__ import annotations

import dataclasses
import secrets as tokens
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.local.environment import sandboxed_providers, service_environments, shared_environment
from deploy.local.hooks import SET_UP
from deploy.local.secrets import load_secrets, write_private
from deploy.local.services import ServiceSpec, default_services
from deploy.local.stack import Stack
from services.runtime.ports import Ports

ACCESS_FILE = "access.json"


@dataclass(frozen=True)
class Access:
    """Where things are, for people, scripts and the `peal` command. The admin link works once."""

    console_url: str
    admin_link: str
    api_key: str
    kafka_bootstrap: str
    clickhouse_url: str
    sandbox_url: str
    webhook_url: str

    def write(self, data_dir: Path) -> Path:
        """As `access.json`, readable by its owner alone."""
        file = data_dir / ACCESS_FILE
        write_private(file, dataclasses.asdict(self))
        return file


@dataclass(frozen=True)
class Installation:
    stack: Stack
    access: Access
    sandboxed: list[str]
    """Providers for which the sandbox stands in."""


def make_installation(
    data_dir: Path,
    ports: Ports,
    given: Mapping[str, str],
    scale: Mapping[str, int] | None = None,
    environments: Mapping[str, Mapping[str, str]] | None = None,
) -> Installation:
    """Everything that `peal up` runs, not yet started. `given`: the `PEAL_` settings of the shell.

    `environments`: what single services get beyond that, by name.

    Raises SecretsError.
    """
    data_dir = data_dir.resolve()
    secrets = load_secrets(data_dir)
    admin_token = tokens.token_urlsafe(24)
    extra = service_environments(given, secrets, admin_token)
    specs = [_with_environment(spec, extra, environments or {}) for spec in default_services(ports, scale)]
    stack = Stack(data_dir, ports, shared_environment(given, ports, secrets), specs, SET_UP)
    console = f"http://127.0.0.1:{ports.console}"
    access = Access(
        console_url=console,
        admin_link=f"{console}/login?token={admin_token}",
        api_key=extra["console"]["PEAL_API_KEY"],
        kafka_bootstrap=stack.settings.kafka_bootstrap,
        clickhouse_url=stack.settings.clickhouse_url.get_secret_value(),
        sandbox_url=f"http://127.0.0.1:{ports.sandbox}",
        webhook_url=stack.settings.public_url,
    )
    return Installation(stack, access, sandboxed_providers(given))


def _with_environment(spec: ServiceSpec, *sources: Mapping[str, Mapping[str, str]]) -> ServiceSpec:
    environment = dict(spec.environment)
    for source in sources:
        environment |= source.get(spec.name, {})
    return dataclasses.replace(spec, environment=environment)
