"""HTTP to providers, with a last look once the connection stands and not a byte is written: the last time to say no."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar

import aiohttp
from aiohttp.connector import Connection

from services.runtime.clock import boot_seconds
from services.senders.core.doorstep import Do, Verdict

KEEPALIVE_S = 10
"""Shorter than providers keep an idle connection: one that they close just as we write makes a send uncertain."""


class NotSentError(Exception):
    """The last look said no: nothing was written."""

    def __init__(self, verdict: Verdict) -> None:
        super().__init__(verdict.reason)
        self.verdict = verdict


class Departure:
    """One call on its way. `leave` says whether it may still go; it is asked once the connection stands."""

    def __init__(self, leave: Callable[[], Verdict]) -> None:
        self.leave = leave
        self.left_at: float | None = None
        """Boot seconds; None while nothing has been written."""
        self.answer: aiohttp.ClientResponse | None = None

    @property
    def left(self) -> bool:
        return self.left_at is not None

    @property
    def answer_headers(self) -> dict[str, str]:
        """By lowercase name; for SDKs that keep them to themselves."""
        return {} if self.answer is None else {name.lower(): value for name, value in self.answer.headers.items()}


current_departure: ContextVar[Departure] = ContextVar("current_departure")
"""The SDKs do not pass anything through to their HTTP client, but they run in the caller's context."""


class _WatchedRequest(aiohttp.ClientRequest):
    """Not a trace hook: a connection whose `on_connection_create_end` raises is neither closed nor used again."""

    async def send(self, conn: Connection) -> aiohttp.ClientResponse:
        departure = current_departure.get()
        if (verdict := departure.leave()).do is not Do.CALL:
            conn.release()
            raise NotSentError(verdict)
        departure.left_at = boot_seconds()
        departure.answer = await super().send(conn)
        return departure.answer


def open_session(timeout_s: float) -> aiohttp.ClientSession:
    """Every request made with it needs a `current_departure`."""
    return aiohttp.ClientSession(
        request_class=_WatchedRequest,
        timeout=aiohttp.ClientTimeout(total=timeout_s),
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEPALIVE_S),
    )
