"""The sandbox's own interface: what was accepted, the world, and whether all callbacks are told."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import msgspec
from aiohttp import web

from services.sandbox.core.records import Record
from services.sandbox.core.signatures import public_text
from services.sandbox.core.store import Filter
from services.sandbox.core.worlds import BadWorldError, parse_world
from services.sandbox.sandbox import Sandbox

_CHUNK = 500
_FILTERS = {"since", "campaign", "to", "after"}


class Line(msgspec.Struct):
    """One accepted message, as `GET /messages` lists it."""

    received_at: str
    channel: str
    account: str
    to: str
    send_id: str
    attempt: int
    provider_message_id: str
    body: str


def line_of(record: Record) -> Line:
    identity = record.identity
    return Line(
        received_at=datetime.fromtimestamp(record.received_at, UTC).isoformat(timespec="microseconds"),
        channel=record.channel,
        account=identity.account,
        to=record.to,
        send_id=identity.send_id,
        attempt=identity.attempt,
        provider_message_id=record.provider_message_id,
        body=record.body(),
    )


class SandboxApi:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/messages", self.messages),
            web.get("/messages/count", self.count),
            web.get("/sandbox/world", self.world),
            web.put("/sandbox/world", self.set_world),
            web.get("/sandbox/callbacks", self.callbacks),
            web.get("/sandbox/key", self.key),
        ]

    async def messages(self, request: web.Request) -> web.StreamResponse:
        """What was accepted until now, NDJSON, in order. `X-Total-Count`: how many there are in all, for `?after=`."""
        try:
            wanted = _filter(request)
        except ValueError as error:
            return _problem(str(error))
        until = len(self._sandbox.store.records)
        headers = {"Content-Type": "application/x-ndjson", "X-Total-Count": str(until)}
        response = web.StreamResponse(headers=headers)
        await response.prepare(request)
        with suppress(ConnectionResetError):  # the reader may have had enough
            await self._stream(response, wanted, until)
        return response

    async def _stream(self, response: web.StreamResponse, wanted: Filter, until: int) -> None:
        encoder = msgspec.json.Encoder()
        lines: list[Line] = []
        for record in self._sandbox.store.select(wanted, until):
            lines.append(line_of(record))
            if len(lines) == _CHUNK:
                await response.write(encoder.encode_lines(lines))
                await asyncio.sleep(0)
                lines.clear()
        await response.write(encoder.encode_lines(lines))
        await response.write_eof()

    async def count(self, request: web.Request) -> web.Response:
        """How many were accepted, in all and by channel, with the same filters."""
        try:
            wanted = _filter(request)
        except ValueError as error:
            return _problem(str(error))
        store = self._sandbox.store
        by_channel = dict(store.by_channel)
        if wanted != Filter():
            by_channel = {}
            for record in store.select(wanted):
                by_channel[record.channel] = by_channel.get(record.channel, 0) + 1
        return web.json_response({"count": sum(by_channel.values()), "by_channel": by_channel})

    async def world(self, _request: web.Request) -> web.Response:
        return _json_text(self._sandbox.world.model_dump_json())

    async def set_world(self, request: web.Request) -> web.Response:
        """A name, or knobs on top of the world that their `name` names, else of the present one; 422 if wrong."""
        try:
            world = parse_world(await request.read(), self._sandbox.settings.sandbox_seed, self._sandbox.world)
        except BadWorldError as error:
            return _problem(str(error), 422)
        return _json_text(self._sandbox.set_world(world).model_dump_json())

    async def callbacks(self, _request: web.Request) -> web.Response:
        """How many callbacks are not yet taken by the tracker; 0: the world is quiet."""
        return web.json_response({"pending": self._sandbox.courier.pending + self._sandbox.readers.pending})

    async def key(self, _request: web.Request) -> web.Response:
        """The key that verifies event webhooks, as SendGrid shows it."""
        return web.json_response({"public_key": public_text(self._sandbox.key)})


def _filter(request: web.Request) -> Filter:
    query: dict[str, Any] = dict(request.query)
    unknown = sorted(set(query) - _FILTERS)
    if unknown:
        raise ValueError(f"{unknown[0]}: no such filter; there are {', '.join(sorted(_FILTERS))}")
    after = query.get("after", "0")
    if not after.isdecimal():
        raise ValueError(f"after: a whole number of messages to skip, not {after!r}")
    return Filter(_moment(query.get("since", "")), query.get("campaign", ""), query.get("to", ""), int(after))


def _moment(text: str) -> float:
    if not text:
        return 0.0
    try:
        moment = datetime.fromisoformat(text.replace(" ", "+"))  # a plus sign not encoded arrives as a space
    except ValueError:
        raise ValueError(f"since: a time in ISO 8601 with zone, such as 2026-11-21T09:00:00Z, not {text!r}") from None
    if moment.tzinfo is None:
        raise ValueError(f"since: {text!r} has no zone; end it with Z for UTC")
    return moment.timestamp()


def _problem(message: str, status: int = 400) -> web.Response:
    field, _, _rest = message.partition(":")
    return web.json_response({"field": field, "message": message}, status=status)


def _json_text(text: str) -> web.Response:
    return web.Response(text=text, content_type="application/json")
