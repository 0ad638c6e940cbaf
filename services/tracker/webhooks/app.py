"""The port that the outside reaches."""

from __future__ import annotations

import sys
from typing import Final

from aiohttp import web

from services.runtime.errors import StopProcessError
from services.tracker.settings import TrackerSettings
from services.tracker.webhooks.pages import LinkPages
from services.tracker.webhooks.providers import ProviderWebhooks
from services.tracker.webhooks.redirects import Redirects

LARGEST_BODY: Final = 16 << 20


async def serve_webhooks(
    settings: TrackerSettings, webhooks: ProviderWebhooks, pages: LinkPages, redirects: Redirects
) -> web.AppRunner:
    """Listen. Instances on one machine share the port. Raises `StopProcessError` where somebody else has it."""
    app = web.Application(client_max_size=LARGEST_BODY)
    app.add_routes([*webhooks.routes(), *pages.routes(), *redirects.routes()])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    port = settings.ports.webhooks
    try:
        await web.TCPSite(runner, settings.host, port, reuse_port=sys.platform == "linux" or None).start()
    except OSError as error:
        raise StopProcessError(
            f"port {port} for webhooks is taken ({error.strerror}): end what listens there or set PEAL_PORT_BASE"
        ) from error
    return runner
