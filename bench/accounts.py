"""A further account at the sandbox's Twilio, connected while everything runs."""

from __future__ import annotations

import asyncio
import json
from typing import Final

from cryptography.fernet import Fernet

from deploy.local.installation import Installation
from schemas import Account, Channel, RateCard
from schemas.topics import ACCOUNTS, send_topic, sender_group
from services.runtime.kafka import make_producer
from services.runtime.topics import apply_topics

SECOND: Final = "second"
SECOND_SID: Final = "AC" + "2b" * 16
_TOKEN: Final = "second-auth-token"
GIVEN: Final = {"PEAL_SANDBOX_TWILIO_ACCOUNTS": json.dumps({SECOND_SID: _TOKEN})}
"""Settings of the installation, without which the sandbox does not know the account."""
PICKED_UP_S: Final = 4.0
"""Twice the time after which senders look for accounts."""


async def connect_second(installation: Installation, rate_per_s: float) -> None:
    """For SMS, beside the default one: the same process sends for both."""
    settings = installation.stack.settings
    key = installation.stack.environment_for("planner")["PEAL_MASTER_KEY"]
    account = Account(
        account_id=SECOND,
        channel=Channel.SMS,
        provider="twilio",
        base_url=installation.access.sandbox_url,
        sender="+15005550007",
        username=SECOND_SID,
        secret=Fernet(key).encrypt(_TOKEN.encode()).decode(),
        rate_per_s=rate_per_s,
        rate_card=RateCard(message_micros=900),
    )
    topic, group = send_topic(Channel.SMS, SECOND), sender_group(Channel.SMS, SECOND)
    await apply_topics(settings, extra={topic: [group]})
    async with make_producer(settings) as producer:
        await producer.send_and_wait(ACCOUNTS, account.write(), SECOND.encode())
    await asyncio.sleep(PICKED_UP_S)
