"""`python -m services.console`: web pages, REST and live figures."""

from __future__ import annotations

import asyncio

from services.console.server import serve
from services.console.settings import ConsoleSettings
from services.runtime.health import Health
from services.runtime.service import run_service


def main() -> None:
    settings = ConsoleSettings()

    async def life(health: Health, stop: asyncio.Event) -> None:
        await serve(settings, health, stop)

    run_service("console", settings, life)


if __name__ == "__main__":
    main()
