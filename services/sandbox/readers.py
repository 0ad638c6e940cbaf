"""People who follow the tracked links in their messages, with a browser, where no provider tells of it."""

from __future__ import annotations

import asyncio
import re

import aiohttp
import structlog
from yarl import URL

BROWSER = (
    "Mozilla/5.0 (Linux; Android 15; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile "
    "Safari/537.36"
)
_TRIES = 5
_PAUSE_S = 1.0
_AT_ONCE = 8
_TIMEOUT_S = 10.0
log = structlog.get_logger("sandbox")


class Readers:
    """Only links of our own are followed, and only to the redirect: nobody leaves for the outside."""

    def __init__(self, public_url: str, reach: str = "") -> None:
        """`reach`: what stands under `public_url` is asked for there, where that is not empty."""
        self._public = public_url.rstrip("/")
        self._reach = reach.rstrip("/") or self._public
        self._link = re.compile(re.escape(self._public) + r"(/r/[A-Za-z0-9_-]+)")
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._tasks: set[asyncio.Task[None]] = set()
        self._session: aiohttp.ClientSession | None = None

    @property
    def pending(self) -> int:
        return len(self._tasks)

    async def start(self) -> None:
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=_TIMEOUT_S), headers={"User-Agent": BROWSER}
        )

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session:
            await self._session.close()

    def follow(self, body: str) -> None:
        """The first tracked link of what somebody reads; nothing where there is none."""
        found = self._link.search(body)
        if found and self._session:
            task = asyncio.create_task(self._follow(self._session, self._reach + found[1]))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _follow(self, session: aiohttp.ClientSession, url: str) -> None:
        async with self._slots:
            for _ in range(_TRIES):
                try:
                    async with session.get(URL(url, encoded=True), allow_redirects=False) as response:
                        await response.read()
                        if response.status < 500:
                            return
                except (aiohttp.ClientError, TimeoutError):
                    pass
                await asyncio.sleep(_PAUSE_S)
        log.warning("a link leads nowhere", url=url)
