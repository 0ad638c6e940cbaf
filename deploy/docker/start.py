"""`python -m deploy.docker.start SERVICE`: becomes that service, with the installation's secrets in its environment.

The settings are those of every other way to run Peal; what the container is given counts, the rest is filled in.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from deploy.docker.admin_link import load_admin_token
from deploy.local.environment import service_environments, shared_environment
from deploy.local.errors import LocalError
from deploy.local.secrets import FILE, Secrets, load_secrets
from deploy.local.services import EDGE, PIPELINE, module_of
from services.runtime.ports import Ports

SERVICES = (*PIPELINE, *EDGE)
SECRETS_DIR = Path("/etc/peal")
"""The volume that `python -m deploy.docker.setup` fills."""
SANDBOX_URL = "http://sandbox:8082"
FIXED = ("PEAL_PORT_BASE", "PEAL_INSTANCE", "PEAL_JARS_DIR")
"""Each container has an address of its own: its ports are the well-known ones."""


def environment_of(service: str, given: Mapping[str, str], secrets: Secrets, admin_token: str) -> dict[str, str]:
    """Every variable of the service's process. An empty setting counts as not given."""
    mine = {
        name: value for name, value in given.items() if not name.startswith("PEAL_") or (value and name not in FIXED)
    }
    shared = shared_environment(mine, Ports(), secrets, SANDBOX_URL)
    return mine | shared | service_environments(mine, secrets, admin_token).get(service, {})


def main() -> None:
    if len(sys.argv) != 2 or sys.argv[1] not in SERVICES:
        raise SystemExit(f"usage: python -m deploy.docker.start {'|'.join(SERVICES)}")
    service = sys.argv[1]
    if not (SECRETS_DIR / FILE).exists():  # made here, they would be others than those of the services beside
        raise SystemExit(f"there are no secrets in {SECRETS_DIR}: run the one-shot `setup` first")
    try:
        secrets, token = load_secrets(SECRETS_DIR), load_admin_token(SECRETS_DIR)
    except (LocalError, OSError) as error:
        raise SystemExit(str(error)) from None
    environment = environment_of(service, os.environ, secrets, token)
    os.execve(sys.executable, [sys.executable, "-m", *module_of(service)], environment)  # noqa: S606


if __name__ == "__main__":
    main()
