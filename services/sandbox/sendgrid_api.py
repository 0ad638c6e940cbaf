"""SendGrid's HTTP API: mail/send and scopes."""

from __future__ import annotations

import asyncio
import math
import time

import msgspec
from aiohttp import web

from services.sandbox.answering import answered
from services.sandbox.core.mail_request import MailRequest, SendGridRefusalError, parse_mail
from services.sandbox.sandbox import Sandbox

MAX_BODY = 30 * 1024 * 1024
"""SendGrid takes requests below 30 MB."""
_SCOPES = ["mail.send", "mail.batch.create", "user.webhooks.event.settings.read"]


class SendGridApi:
    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        self._accounts = {f"Bearer {key}": f"sendgrid-{place}" if place else "sendgrid"
                          for place, key in enumerate(sorted(sandbox.settings.sendgrid_keys()))}  # fmt: skip

    def routes(self) -> list[web.RouteDef]:
        return [web.post("/v3/mail/send", self.send), web.get("/v3/scopes", self.scopes)]

    async def scopes(self, request: web.Request) -> web.Response:
        try:
            self._account(request)
        except SendGridRefusalError as refusal:
            return _refused(refusal)
        return web.json_response({"scopes": _SCOPES})

    async def send(self, request: web.Request) -> web.Response:
        """202 with `X-Message-Id`, or an error in SendGrid's shape, or what the world does instead."""
        try:
            account = self._account(request)
            body = await _body(request)
            message = parse_mail(body)
        except SendGridRefusalError as refusal:
            return _refused(refusal)
        count = sum(len(one.to) + len(one.cc) + len(one.bcc) for one in message.personalizations)
        if message.mail_settings.sandbox_mode.enable:
            return web.Response(status=200)
        answer = self._sandbox.answer(account, _key(message), count)
        headers = self._limits(account, answer.refusal == "too_many")
        if answer.refusal:
            await asyncio.sleep(answer.delay_ms / 1000)
            if answer.refusal == "error":
                return _error("Internal server error", 500)
            return _refused(SendGridRefusalError("too many requests", status=429), headers)
        try:
            message_id = self._sandbox.accept_mail(message, body, account)
        except OSError as error:
            return _error(f"The sandbox cannot keep this: {error.strerror or error}", 503)
        normal = web.Response(status=202, headers={"X-Message-Id": message_id, **headers})
        return await answered(request, answer, normal, _error("Internal server error", 500))

    def _account(self, request: web.Request) -> str:
        given = request.headers.get("Authorization", "")
        if not given:
            raise SendGridRefusalError("authorization required", status=401)
        account = self._accounts.get(given)
        if account is None:
            raise SendGridRefusalError("The provided authorization grant is invalid, expired, or revoked", status=401)
        return account

    def _limits(self, account: str, exceeded: bool) -> dict[str, str]:
        world = self._sandbox.world
        reset = math.ceil(time.time() + (world.retry_after_s if exceeded else 0))
        return {
            "X-RateLimit-Limit": str(world.limit_per_s or 10_000),
            "X-RateLimit-Remaining": "0" if exceeded else str(self._sandbox.remaining(account)),
            "X-RateLimit-Reset": str(reset),
        }


def _key(message: MailRequest) -> str:
    """The same for the same request tried again: its first person's arguments, else their address."""
    first = message.personalizations[0]
    return bytes(first.custom_args).decode("utf-8", "replace") or first.to[0].email


async def _body(request: web.Request) -> bytes:
    if request.content_type != "application/json":
        raise SendGridRefusalError("Content-Type should be application/json.", status=415)
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise SendGridRefusalError("The request is larger than 30 MB.", status=413) from None


def _refused(refusal: SendGridRefusalError, headers: dict[str, str] | None = None) -> web.Response:
    body = msgspec.json.encode(refusal.body)
    return web.Response(body=body, status=refusal.status, content_type="application/json", headers=headers)


def _error(message: str, status: int) -> web.Response:
    return _refused(SendGridRefusalError(message, status=status))
