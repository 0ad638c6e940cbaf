"""The sandbox's web application, and a server for it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import web

from services.runtime.errors import StopProcessError
from services.sandbox.chat_api import chat
from services.sandbox.pages import Pages
from services.sandbox.sandbox import Sandbox
from services.sandbox.sandbox_api import SandboxApi
from services.sandbox.sendgrid_api import MAX_BODY, SendGridApi
from services.sandbox.settings import SandboxSettings
from services.sandbox.twilio_api import TwilioApi


def make_app(sandbox: Sandbox) -> web.Application:
    app = web.Application(client_max_size=MAX_BODY)
    app.add_routes(
        [
            *TwilioApi(sandbox).routes(),
            *SendGridApi(sandbox).routes(),
            *SandboxApi(sandbox).routes(),
            *Pages(sandbox).routes(),
            web.post("/v1/chat/completions", chat),
        ]
    )
    return app


@asynccontextmanager
async def serving(sandbox: Sandbox, host: str, port: int) -> AsyncIterator[str]:
    """The sandbox, started and listening; gives its URL. Port 0 takes a free one.

    Raises `StopProcessError` where the port is taken.
    """
    await sandbox.start()
    runner = web.AppRunner(make_app(sandbox), access_log=None, shutdown_timeout=1.0)
    try:
        await runner.setup()
        site = web.TCPSite(runner, host, port, backlog=1_024)
        try:
            await site.start()
        except OSError as error:
            raise StopProcessError(
                f"port {port} for the sandbox is taken ({error.strerror}): end what listens there or set PEAL_PORT_BASE"
            ) from error
        yield f"http://{host}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()
        await sandbox.stop()


@asynccontextmanager
async def running_sandbox(data_dir: Path, **settings: Any) -> AsyncIterator[tuple[Sandbox, str]]:
    """A sandbox in this process on a free port, with its URL: for tests. `settings` are those of `SandboxSettings`."""
    sandbox = Sandbox(SandboxSettings(data_dir=data_dir, **settings))
    async with serving(sandbox, "127.0.0.1", 0) as url:
        yield sandbox, url
