"""HTTP to providers, with a last look once the connection stands and not a byte is written: the last time to say no."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from types import SimpleNamespace

import aiohttp

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
        self.answer_headers: dict[str, str] = {}

    @property
    def left(self) -> bool:
        return self.left_at is not None


current_departure: ContextVar[Departure] = ContextVar("current_departure")
"""The SDKs do not pass anything through to their HTTP client, but they run in the caller's context."""


async def _last_look(_session: aiohttp.ClientSession, _context: SimpleNamespace, _params: object) -> None:
    departure = current_departure.get()
    if (verdict := departure.leave()).do is not Do.CALL:
        raise NotSentError(verdict)
    departure.left_at = boot_seconds()


async def _note_answer(
    _session: aiohttp.ClientSession, _context: SimpleNamespace, params: aiohttp.TraceRequestEndParams
) -> None:
    current_departure.get().answer_headers = {key.lower(): value for key, value in params.response.headers.items()}


def open_session(timeout_s: float) -> aiohttp.ClientSession:
    """Every request made with it needs a `current_departure`."""
    trace = aiohttp.TraceConfig()
    trace.on_connection_create_end.append(_last_look)
    trace.on_connection_reuseconn.append(_last_look)
    trace.on_request_end.append(_note_answer)
    return aiohttp.ClientSession(
        timeout=aiohttp.ClientTimeout(total=timeout_s),
        trace_configs=[trace],
        connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=KEEPALIVE_S),
    )
