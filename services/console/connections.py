"""Calls a provider with an account's credentials, to see whether they are good. Nothing is sent."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, Final, Literal

import aiohttp
import structlog
from pydantic import BaseModel
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.rest import Client

from schemas import Account

log = structlog.get_logger("console")
TIMEOUT_S: Final = 10.0
Verdict = Literal["good", "refused", "unreached"]


@dataclass(frozen=True)
class Tested:
    verdict: Verdict
    """`refused`: the provider said no. `unreached`: it said nothing of use."""
    detail: str
    """In words, a whole sentence; holds no secret."""


class Scopes(BaseModel):
    """What SendGrid says that a key may do."""

    scopes: list[str]


async def try_connection(account: Account, secret: str) -> Tested:
    """Ask the provider who this is: Twilio for the account, SendGrid for what the key may do."""
    if not secret:
        return Tested("refused", "Its credentials cannot be read any more: enter them again.")
    ask = _twilio if account.provider == "twilio" else _sendgrid
    name = "Twilio" if account.provider == "twilio" else "SendGrid"
    try:
        async with asyncio.timeout(TIMEOUT_S), aiohttp.ClientSession() as session:
            return await ask(account, secret, session)
    except (aiohttp.ClientError, TwilioException, TimeoutError, OSError, ValueError) as error:
        log.warning("a provider could not be asked", provider=account.provider, error=type(error).__name__)
        slow = isinstance(error, TimeoutError)
        why = f"did not answer within {TIMEOUT_S:g} seconds" if slow else "could not be reached"
        return Tested("unreached", f"{name} {why}: try again shortly.")


async def _twilio(account: Account, secret: str, session: aiohttp.ClientSession) -> Tested:
    http = AsyncTwilioHttpClient(pool_connections=False)
    http.session = session
    client = Client(account.username, secret, http_client=http)
    client.api.base_url = account.base_url.rstrip("/")
    try:
        found: Any = await client.api.accounts(account.username).fetch_async()
    except TwilioRestException as error:
        return _twilio_said(int(error.status), int(error.code or 0), str(error.msg or ""))
    if found.status != "active":
        return Tested("refused", f"Twilio has this account as {found.status}: see to it at Twilio.")
    return Tested("good", f"Twilio knows it as “{found.friendly_name}”, active.")


def _twilio_said(status: int, code: int, message: str) -> Tested:
    if status in (401, 403) or code == 20003:
        return Tested("refused", "Twilio does not know this account SID and auth token together: check both.")
    if status == 404:
        return Tested("refused", "Twilio has no such account, or not for this token: check the account SID.")
    if status == 429:
        return Tested("unreached", "Twilio asks to wait: too many requests just now. Try again shortly.")
    return Tested("unreached", f"Twilio answered {status}: {message[:200].rstrip('.') or 'no reason given'}.")


async def _sendgrid(account: Account, secret: str, session: aiohttp.ClientSession) -> Tested:
    url, headers = f"{account.base_url.rstrip('/')}/v3/scopes", {"Authorization": f"Bearer {secret}"}
    async with session.get(url, headers=headers, allow_redirects=False) as answer:
        if answer.status in (401, 403):
            return Tested("refused", "SendGrid does not know this API key, or it was revoked: check it.")
        if answer.status != 200:
            return Tested("unreached", f"SendGrid answered {answer.status}: try again shortly.")
        scopes = Scopes.model_validate(await answer.json()).scopes
    if "mail.send" not in scopes:
        return Tested("refused", "This API key may not send mail: give it the right “Mail Send” at SendGrid.")
    return Tested("good", "SendGrid knows the key, and it may send mail.")
