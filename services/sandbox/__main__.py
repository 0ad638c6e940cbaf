"""`python -m services.sandbox`: the pretend providers."""

from __future__ import annotations

import asyncio

import structlog

from services.runtime.errors import StopProcessError
from services.runtime.health import Health
from services.runtime.service import run_service
from services.sandbox.app import serving
from services.sandbox.core.signatures import BadKeyError
from services.sandbox.core.worlds import BadWorldError
from services.sandbox.sandbox import Sandbox
from services.sandbox.settings import SandboxSettings


def main() -> None:
    settings = SandboxSettings()

    async def run(health: Health, stop: asyncio.Event) -> None:
        try:
            sandbox = Sandbox(settings)
        except BadWorldError as error:
            raise StopProcessError(f"PEAL_SANDBOX_WORLD: {error}") from None
        except BadKeyError as error:
            raise StopProcessError(f"PEAL_SANDBOX_SENDGRID_PRIVATE_KEY: {error}") from None
        async with serving(sandbox, settings.host, settings.ports.sandbox) as url:
            structlog.get_logger("sandbox").info("listening", url=url, world=sandbox.world.name)
            health.set_ready()
            await stop.wait()
            health.set_unready("stopping")

    run_service("sandbox", settings, run)


if __name__ == "__main__":
    main()
