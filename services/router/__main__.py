"""`python -m services.router`"""

from __future__ import annotations

import asyncio

from services.router.app import run_router
from services.router.settings import RouterSettings
from services.runtime.health import Health
from services.runtime.service import run_service


def main() -> None:
    settings = RouterSettings()

    async def life(health: Health, stop: asyncio.Event) -> None:
        await run_router(settings, health, stop)

    run_service("router", settings, life)


if __name__ == "__main__":
    main()
