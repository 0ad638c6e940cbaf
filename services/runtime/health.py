"""`/livez`, `/readyz` and `/metrics` of a service."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from services.runtime import metrics as all_metrics
from services.runtime.errors import StopProcessError


class Health:
    """What a service says of itself. Not ready until `ready` is set; a reason explains why not."""

    def __init__(self) -> None:
        self.ready = False
        self.reason = "starting"
        self.checks: list[Callable[[], str]] = []
        """Each returns why the process is not alive, or "". A dead process is restarted by whoever watches it."""

    def set_ready(self) -> None:
        self.ready, self.reason = True, ""

    def set_unready(self, reason: str) -> None:
        self.ready, self.reason = False, reason


async def serve_health(health: Health, port: int, host: str = "127.0.0.1") -> web.AppRunner:
    """Listen. Raises `StopProcessError` where the port is taken."""

    async def livez(_request: web.Request) -> web.Response:
        problems = [problem for check in health.checks if (problem := check())]
        return web.Response(text="; ".join(problems) or "ok", status=503 if problems else 200)

    async def readyz(_request: web.Request) -> web.Response:
        return web.Response(text="ok" if health.ready else health.reason, status=200 if health.ready else 503)

    async def metrics(_request: web.Request) -> web.Response:
        all_metrics.ready.set(health.ready)
        return web.Response(body=generate_latest(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.add_routes([web.get("/livez", livez), web.get("/readyz", readyz), web.get("/metrics", metrics)])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        raise StopProcessError(
            f"port {port} for /metrics is taken ({error.strerror}): end what listens there or set PEAL_PORT_BASE"
        ) from error
    return runner
