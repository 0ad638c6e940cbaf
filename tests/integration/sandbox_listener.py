"""A tracker's ear for tests: takes the sandbox's callbacks and lets the providers' own verifiers judge them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from aiohttp import web
from sendgrid.helpers.eventwebhook import EventWebhook, EventWebhookHeader
from twilio.request_validator import RequestValidator

from services.sandbox.settings import AUTH_TOKEN


@dataclass
class Listener:
    url: str = ""
    public_key: str = ""
    token: str = AUTH_TOKEN
    answer: Callable[[], int] = lambda: 200
    forms: list[dict[str, str]] = field(default_factory=list)
    """Of status callbacks that verify, with the callback's query under `query`."""
    inbound: list[dict[str, str]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    refused: int = 0
    forged: list[str] = field(default_factory=list)

    async def twilio(self, request: web.Request) -> web.Response:
        if (status := self.answer()) != 200:
            self.refused += 1
            return web.Response(status=status)
        form = {name: str(value) for name, value in (await request.post()).items()}
        url = self.url + request.raw_path
        if not RequestValidator(self.token).validate(url, form, request.headers["X-Twilio-Signature"]):
            self.forged.append(url)
        if request.path.endswith("/inbound"):
            self.inbound.append(form)
        else:
            query = {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()}
            self.forms.append(form | {"query": query})
        return web.Response(text="<Response/>", content_type="text/xml")

    async def sendgrid(self, request: web.Request) -> web.Response:
        if (status := self.answer()) != 200:
            self.refused += 1
            return web.Response(status=status)
        body = (await request.read()).decode()
        signature, timestamp = (
            request.headers[name] for name in (EventWebhookHeader.SIGNATURE, EventWebhookHeader.TIMESTAMP)
        )
        if not EventWebhook(self.public_key).verify_signature(body, signature, timestamp):
            self.forged.append(body)
        events = json.loads(body)
        self.events.extend(events)
        self.batches.append(len(events))
        return web.Response()


@asynccontextmanager
async def listening(port: int = 0) -> AsyncIterator[Listener]:
    listener = Listener()
    app = web.Application(client_max_size=2**24)
    app.add_routes(
        [
            web.post("/webhooks/twilio/{kind}", listener.twilio),
            web.post("/webhooks/sendgrid/events", listener.sendgrid),
        ]
    )
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port).start()
    listener.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield listener
    finally:
        await runner.cleanup()


async def until(condition: Callable[[], bool], seconds: float = 15.0) -> None:
    """Wait for the condition; fails when it does not come true in time."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)
