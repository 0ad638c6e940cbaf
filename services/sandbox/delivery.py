"""Posting callbacks as providers do: few at a time, again and again until they are taken."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass

import aiohttp
import structlog
from yarl import URL

from services.runtime.metrics import sandbox_callbacks

_FIRST_PAUSE_S = 0.25
_LONGEST_PAUSE_S = 10.0
_TIMEOUT_S = 15.0
log = structlog.get_logger("sandbox")


@dataclass(slots=True)
class Delivery:
    """One request to post; `build` makes its body and headers anew for each try."""

    url: str
    build: Callable[[], tuple[bytes, dict[str, str]]]
    done: Callable[[], None]
    size: int
    """How many callbacks it carries."""
    began: float
    give_up_s: float
    tries: int = 0


class Lane:
    """A bounded number of posts at once to the tracker. While nobody listens there, all of them wait together."""

    def __init__(self, provider: str, workers: int, reach: tuple[str, str] = ("", "")) -> None:
        """`reach`: what begins with the first of these URLs is posted to the second one, where that is not empty."""
        self._reach = reach
        self.pending = 0
        """Callbacks handed in and neither taken nor given up."""
        self._queue: asyncio.Queue[Delivery] = asyncio.Queue()
        self._workers = workers
        self._tasks: list[asyncio.Task[None]] = []
        self._session: aiohttp.ClientSession | None = None
        self._shut_until = 0.0
        self._pause = 0.0
        self._provider = provider
        self._results = {name: sandbox_callbacks.labels(provider, name) for name in ("taken", "refused", "dropped")}

    async def start(self) -> None:
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=self._workers),
            timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S),
            cookie_jar=aiohttp.DummyCookieJar(),
            headers={"User-Agent": "TwilioProxy/1.1" if self._provider == "twilio" else "SendGrid Event API"},
        )
        self._tasks = [asyncio.create_task(self._work(self._session)) for _ in range(self._workers)]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session:
            await self._session.close()

    def put(self, delivery: Delivery) -> None:
        self.pending += delivery.size
        self._queue.put_nowait(delivery)

    async def _work(self, session: aiohttp.ClientSession) -> None:
        loop = asyncio.get_running_loop()
        while True:
            delivery = await self._queue.get()
            await self._until_open()
            status = await self._post(session, delivery)
            if 200 <= status < 300:
                self._finish(delivery, "taken")
                delivery.done()
            elif loop.time() - delivery.began > delivery.give_up_s:
                log.error("callback given up", url=delivery.url, status=status, tries=delivery.tries)
                self._finish(delivery, "dropped")
            else:
                self._results["refused"].inc(delivery.size)
                pause = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2.0 ** min(delivery.tries - 1, 10))
                loop.call_later(pause * random.uniform(0.75, 1.25), self._queue.put_nowait, delivery)

    async def _until_open(self) -> None:
        loop = asyncio.get_running_loop()
        while (wait := self._shut_until - loop.time()) > 0:  # noqa: ASYNC110  # the time may move on meanwhile
            await asyncio.sleep(wait)

    async def _post(self, session: aiohttp.ClientSession, delivery: Delivery) -> int:
        """The HTTP status, or 0 where there was no answer."""
        delivery.tries += 1
        body, headers = delivery.build()
        try:
            url = URL(self._reachable(delivery.url), encoded=True)
            async with session.post(url, data=body, headers=headers) as response:
                await response.read()
                self._pause = 0.0
                return response.status
        except (aiohttp.ClientError, TimeoutError, ValueError):
            now = asyncio.get_running_loop().time()
            if now >= self._shut_until:  # what failed at the same time lengthens the pause once
                self._pause = min(_LONGEST_PAUSE_S / 2, self._pause * 2 or _FIRST_PAUSE_S)
                self._shut_until = now + self._pause
            return 0

    def _reachable(self, url: str) -> str:
        public, private = self._reach
        return private + url.removeprefix(public) if private and url.startswith(public) else url

    def _finish(self, delivery: Delivery, result: str) -> None:
        self.pending -= delivery.size
        self._results[result].inc(delivery.size)
