"""Carries out the world's way of answering: waits, errors that come too late, connections that just end."""

from __future__ import annotations

import asyncio

from aiohttp import web

from services.sandbox.core.answers import Answer


async def answered(request: web.Request, answer: Answer, normal: web.Response, error: web.Response) -> web.Response:
    """The response to give after acceptance, given in the world's way."""
    if answer.delay_ms:
        await asyncio.sleep(answer.delay_ms / 1000)
    if answer.afterwards in {"close", "hang"} and request.transport is not None:
        request.transport.abort()
    return error if answer.afterwards == "error" else normal
