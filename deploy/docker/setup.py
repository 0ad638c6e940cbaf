"""`python -m deploy.docker.setup`: the one-shot before the services. May be repeated at will.

Makes the secrets at the first start, the topics and the tables where they are missing, and says how to get in.
"""

from __future__ import annotations

import asyncio
import os

from deploy.docker.admin_link import load_admin_token
from deploy.docker.start import SECRETS_DIR
from deploy.local.errors import LocalError
from deploy.local.hooks import SET_UP
from deploy.local.installation import Access
from deploy.local.secrets import Secrets, load_secrets
from services.runtime.errors import StopProcessError
from services.runtime.kafka import wait_for_kafka
from services.runtime.ports import Ports
from services.runtime.settings import Settings

PATIENCE_SECONDS = 120.0


def access_from_host(secrets: Secrets, admin_token: str, api_key: str, public_url: str) -> Access:
    """Where the published ports are, for people and programs on the machine that runs the containers."""
    ports = Ports()
    console = f"http://localhost:{ports.console}"
    return Access(
        console_url=console,
        admin_link=f"{console}/login?token={admin_token}",
        api_key=api_key or secrets.api_key.get_secret_value(),
        kafka_bootstrap=f"localhost:{ports.kafka}",
        clickhouse_url=f"http://localhost:{ports.clickhouse}",
        sandbox_url=f"http://localhost:{ports.sandbox}",
        webhook_url=public_url,
    )


async def set_up(settings: Settings) -> None:
    await wait_for_kafka(settings, PATIENCE_SECONDS)
    for hook in SET_UP:
        await hook(settings)


def show(access: Access) -> None:
    for name, value in {
        "Console": access.console_url,
        "Sign in": f"{access.admin_link}  (works once after each start of the console)",
        "Sandbox": f"{access.sandbox_url}  (what people received)",
        "Kafka": access.kafka_bootstrap,
        "ClickHouse": access.clickhouse_url,
    }.items():
        print(f"  {name:<11} {value}", flush=True)


def main() -> None:
    settings = Settings()
    try:
        secrets, token = load_secrets(SECRETS_DIR), load_admin_token(SECRETS_DIR)
        asyncio.run(set_up(settings))
    except (LocalError, StopProcessError, OSError) as error:
        raise SystemExit(str(error)) from None
    access = access_from_host(secrets, token, os.environ.get("PEAL_API_KEY", ""), settings.public_url)
    access.write(SECRETS_DIR)
    show(access)


if __name__ == "__main__":
    main()
