"""Email by SendGrid: up to 1,000 people in one call where the template allows it, else a call for each."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import ClassVar

import aiohttp

from schemas import Account, Channel
from services.senders.core.outcomes import Outcome
from services.senders.departures import current_departure
from services.senders.email.answers import translate
from services.senders.email.payload import mail_body
from services.senders.items import Item
from services.senders.transport import Transport


class EmailTransport(Transport):
    channel: ClassVar[Channel] = Channel.EMAIL
    provider: ClassVar[str] = "sendgrid"
    per_call: ClassVar[int] = 1_000

    def __init__(self, account: Account, secret: str, public_url: str, session: aiohttp.ClientSession) -> None:
        super().__init__(account, secret, public_url, session)
        self.url = f"{account.base_url.rstrip('/')}/v3/mail/send"
        self.headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}

    async def call(self, batch: Sequence[Item]) -> list[Outcome]:
        body = mail_body(batch, self.account.sender)
        async with self.session.post(self.url, data=body, headers=self.headers, allow_redirects=False) as answer:
            text = await answer.read()
        return translate(answer.status, text, current_departure.get().answer_headers, len(batch), time.time())


TRANSPORT = EmailTransport
