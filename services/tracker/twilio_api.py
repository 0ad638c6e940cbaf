"""Asking Twilio, by its own SDK: which messages went to an address, and what became of one."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from typing import Any, Final

import aiohttp
from twilio.base.exceptions import TwilioException
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.rest import Client

from schemas import Account
from services.tracker.core.found import Listed
from services.tracker.webhooks.accounts import TwilioAccounts

TIMEOUT_S: Final = 10.0
MOST_LISTED: Final = 200
"""Of one address; somebody with more messages than that in the window is not found."""


class AskError(Exception):
    """The provider did not say. The message says why."""


class TwilioApi:
    def __init__(self, accounts: TwilioAccounts, session: aiohttp.ClientSession) -> None:
        self.accounts, self.session = accounts, session
        self._clients: dict[tuple[str, str, str], Client] = {}

    async def listed(self, account: Account, to: str, since: datetime) -> list[Listed]:
        """Messages to the address (`whatsapp:` included) that left since then. Raises `AskError`."""
        try:
            async with asyncio.timeout(TIMEOUT_S):
                found = await self._client(account).messages.list_async(
                    to=to, date_sent_after=since.astimezone(UTC), limit=MOST_LISTED
                )
        except (TwilioException, aiohttp.ClientError, TimeoutError, OSError) as error:
            raise AskError(f"{type(error).__name__}: {error}"[:300]) from error
        return [_listed(message) for message in found if message.date_created]

    async def price(self, account: Account, sid: str) -> tuple[str | None, str | None]:
        """`price` and `price_unit` of a message; the first is None until Twilio has settled it. Raises `AskError`."""
        try:
            async with asyncio.timeout(TIMEOUT_S):
                message = await self._client(account).messages(sid).fetch_async()
        except (TwilioException, aiohttp.ClientError, TimeoutError, OSError) as error:
            raise AskError(f"{type(error).__name__}: {error}"[:300]) from error
        return message.price, message.price_unit

    def _client(self, account: Account) -> Client:
        token = self.accounts.token(account.account_id)
        if not token:
            raise AskError("there is no auth token: set PEAL_MASTER_KEY to the key of its connecting")
        key = account.username, token, account.base_url.rstrip("/")
        if key not in self._clients:
            http = AsyncTwilioHttpClient(pool_connections=False)
            http.session = self.session
            client = self._clients[key] = Client(account.username, token, http_client=http)
            client.api.base_url = key[2]
        return self._clients[key]


def _listed(message: Any) -> Listed:
    return Listed(
        sid=str(message.sid), to=str(message.to or ""), sender=str(message.from_ or ""),
        service=str(message.messaging_service_sid or ""), text=str(message.body or ""),
        status=str(message.status or ""), error_code=str(message.error_code or ""),
        created_at=message.date_created.astimezone(UTC), price=message.price, price_unit=message.price_unit,
    )  # fmt: skip
