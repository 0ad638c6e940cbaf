"""What SMS and WhatsApp share: Twilio's Messages API by its own SDK, and the table of its error codes."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final
from urllib.parse import urlencode

import aiohttp
from twilio.base.exceptions import TwilioException
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.rest import Client

from schemas import Account
from services.senders.core.outcomes import Accepted, Failed, Outcome, Refused, Retryable, Uncertain
from services.senders.departures import current_departure
from services.senders.items import Item
from services.senders.transport import ACCOUNT_BROKEN_S, Transport, wait_from

FAILED: Final[dict[int, str]] = {
    21211: "invalid_address", 21217: "invalid_address", 21401: "invalid_address", 21614: "invalid_address",
    30005: "invalid_address", 30006: "invalid_address", 63003: "invalid_address", 63024: "invalid_address",
    21610: "opted_out", 21408: "blocked", 21612: "unreachable", 63049: "blocked", 30004: "blocked",
    21602: "content_rejected", 21617: "content_rejected", 21619: "content_rejected", 21654: "content_rejected",
    21655: "content_rejected", 21656: "content_rejected", 30007: "content_rejected", 63005: "content_rejected",
    63013: "content_rejected", 63016: "template_required", 63027: "content_rejected", 63028: "content_rejected",
}  # fmt: skip
"""Permanent for this person or this content. The table: https://www.twilio.com/docs/api/errors."""
RETRYABLE: Final[dict[int, str]] = {30003: "unreachable", 30008: "unknown", 63010: "provider_error"}
"""Not delivered this time, and not worth waiting for."""
WAITING: Final = frozenset({20429, 14107, 21611, 30001, 63018, 63038})
"""Too many requests, or a full queue: not processed."""
ACCOUNT: Final = frozenset({20003, 20005, 20404, 20008, 21603, 21606, 21607, 21659, 21660, 21703, 63007, 63015})
"""Credentials, sender or messaging service are wrong, or the account is suspended: not this person's fault."""


def translate(status: int, code: int, message: str, headers: Mapping[str, str], now: float) -> Outcome:
    """Twilio's error answer as an outcome; `now` in seconds since 1970."""
    detail = f"{code or status}: {message}"[:300]
    if status == 429 or code in WAITING:
        return Refused(wait_from(dict(headers), now), closes=True, detail=detail)
    if code in RETRYABLE:
        return Retryable(RETRYABLE[code], detail)
    if code in FAILED:
        return Failed(FAILED[code], detail)
    if code in ACCOUNT or status in (401, 403, 404):
        return Refused(ACCOUNT_BROKEN_S, closes=True, detail=detail)
    return Failed("rejected", detail) if 400 <= status < 500 else Uncertain(f"http_{status}", detail)


class TwilioTransport(Transport):
    provider: ClassVar[str] = "twilio"
    prefix: ClassVar[str] = ""
    """Of addresses, such as `whatsapp:`."""

    def __init__(self, account: Account, secret: str, public_url: str, session: aiohttp.ClientSession) -> None:
        super().__init__(account, secret, public_url, session)
        http = AsyncTwilioHttpClient(pool_connections=False)
        http.session = session
        self.client = Client(account.username, secret, http_client=http)
        self.client.api.base_url = account.base_url.rstrip("/")
        self.sender = self._sender(account.sender)

    @abstractmethod
    def content(self, item: Item) -> dict[str, Any]:
        """The arguments of `messages.create` that say what is sent."""

    async def call(self, batch: Sequence[Item]) -> list[Outcome]:
        (item,) = batch
        try:
            message = await self.client.messages.create_async(
                to=self.prefix + item.sure.address,
                status_callback=self.status_callback(item),
                **self.sender,
                **self.content(item),
            )
        except TwilioException as error:
            status, code = int(getattr(error, "status", 0) or 0), int(getattr(error, "code", 0) or 0)
            if not status:
                raise
            text = str(getattr(error, "msg", "") or getattr(error, "title", "")).replace(item.sure.address, "<number>")
            return [translate(status, code, text, current_departure.get().answer_headers, time.time())]
        return [Accepted(str(message.sid))]

    def status_callback(self, item: Item) -> str:
        message = item.sure
        query = {"send": message.send_id, "attempt": message.attempt, "ord": message.ord, "account": message.account}
        return f"{self.public_url}/webhooks/twilio/status?{urlencode(query)}"

    def _sender(self, sender: str) -> dict[str, str]:
        if sender.startswith("MG"):
            return {"messaging_service_sid": sender}
        return {"from_": sender if sender.startswith(self.prefix) else self.prefix + sender}
