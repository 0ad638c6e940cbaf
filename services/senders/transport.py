"""What a channel must bring, and how channels are found: each folder here with a `transport.py` that has a `TRANSPORT`.

A transport builds the provider's request from prepared messages, makes one call, and translates the answer by the
provider's table. It holds no state of its own and decides nothing else: rates, doorstep, retries and bookkeeping are
the runner's, the same for every channel.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import ClassVar

import aiohttp

from schemas import Account, Channel
from services.senders.core.outcomes import Outcome
from services.senders.items import Item

RETRY_LATER_S = 1.0
"""Where the provider says "not now" and not when."""
ACCOUNT_BROKEN_S = 30.0
"""Between tries of an account whose credentials or sender the provider refuses: people must not pay for that."""


class Transport(ABC):
    """One account at one provider."""

    channel: ClassVar[Channel]
    provider: ClassVar[str]
    per_call: ClassVar[int] = 1
    """How many messages of the same content one call may carry."""

    def __init__(self, account: Account, secret: str, public_url: str, session: aiohttp.ClientSession) -> None:
        """`secret`: in clear. `session`: of `services.senders.departures.open_session`; every request must go by it."""
        self.account, self.secret, self.session = account, secret, session
        self.public_url = public_url.rstrip("/")

    @abstractmethod
    async def call(self, batch: Sequence[Item]) -> list[Outcome]:
        """One request for the whole batch, redirects not followed; what became of each, in order.

        Errors of the network are left to the caller, who knows whether the request had left.
        """


def find_transports() -> dict[Channel, type[Transport]]:
    """Every channel that has a folder here."""
    found: dict[Channel, type[Transport]] = {}
    for path in sorted(Path(__file__).parent.glob("*/transport.py")):
        transport: type[Transport] = import_module(f"services.senders.{path.parent.name}.transport").TRANSPORT
        found[transport.channel] = transport
    return found


def wait_from(headers: dict[str, str], now: float) -> float:
    """Seconds to wait by `Retry-After`, or by the second since 1970 in `X-RateLimit-Reset`. `now`: since 1970 too.

    A date in Retry-After is allowed, and no provider in use sends one.
    """
    after, reset = headers.get("retry-after", ""), headers.get("x-ratelimit-reset", "")
    if after.replace(".", "", 1).isdigit():
        return max(float(after), 0.05)
    if reset.isdigit():
        return min(max(float(reset) - now, 0.05), 60.0)
    return RETRY_LATER_S
