"""`/r/{token}`: leads on at once, whatever else is out of order; the click is told behind the person's back."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import structlog
from aiohttp import web
from aiokafka.errors import KafkaError

from schemas import CampaignRecord
from services.domain.clicks import Click, campaign_tag, read_click_token, target_of
from services.domain.links import BadTokenError
from services.runtime import metrics
from services.runtime.clock import boot_seconds, utc_now
from services.tracker.clicks import ClickDesk, Followed
from services.tracker.core.machines import is_machine
from services.tracker.settings import TrackerSettings

log = structlog.get_logger("webhooks")
LOOK_S: Final = 1.0
"""Longest wait for news of a campaign that is not known here yet, and shortest pause between two such looks."""
HEADERS: Final = {"Cache-Control": "no-store", "X-Robots-Tag": "noindex"}
NO_SUCH_LINK: Final = (
    '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
    "<title>This link does not work</title><h1>This link does not work</h1>"
    "<p>It is not complete, or what it led to is no longer there. Copy it whole from the message, or go to the "
    "sender's own pages.</p></html>"
)


class Redirects:
    def __init__(
        self,
        settings: TrackerSettings,
        campaigns: Callable[[], Mapping[str, CampaignRecord]],
        refresh: Callable[[], Awaitable[None]],
        desk: ClickDesk,
    ) -> None:
        self._secret = settings.link_secret.get_secret_value()
        self._campaigns, self._refresh, self._desk = campaigns, refresh, desk
        self._by_tag: dict[bytes, list[str]] = {}
        self._indexed = 0
        self._looked_at = -LOOK_S

    def routes(self) -> list[web.RouteDef]:
        return [web.get("/r/{token}", self.follow)]

    async def follow(self, request: web.Request) -> web.Response:
        click = await self._click(request.match_info["token"])
        campaign = self._campaigns().get(click.campaign_id) if click else None
        target = target_of(click, campaign, request.query_string) if click and campaign else None
        if click is None or target is None:
            metrics.callbacks.labels("link", "forged" if click is None else "nowhere").inc()
            return web.Response(status=404, text=NO_SUCH_LINK, content_type="text/html", headers=HEADERS)
        told = request.headers
        purpose = told.get("Sec-Purpose", "") or told.get("Purpose", "")
        machine = is_machine(request.method, told.get("User-Agent", ""), purpose)
        self._desk.note(Followed(click, utc_now(), machine))
        return web.Response(status=302, headers={**HEADERS, "Location": target})

    async def _click(self, token: str) -> Click | None:
        if not self._secret:
            return None
        for fresh in (False, True):
            if fresh and not await self._look():
                return None
            self._index()
            try:
                return read_click_token(self._secret, token, lambda tag: self._by_tag.get(tag, ()))
            except BadTokenError:
                continue
        return None

    def _index(self) -> None:
        """Campaigns only ever come to be, so that their number says whether there are new ones."""
        campaigns = self._campaigns()
        if len(campaigns) == self._indexed:
            return
        by_tag: dict[bytes, list[str]] = defaultdict(list)
        for campaign_id in campaigns:
            by_tag[campaign_tag(campaign_id)].append(campaign_id)
        self._by_tag, self._indexed = dict(by_tag), len(campaigns)

    async def _look(self) -> bool:
        """Whether there are news of campaigns; asked at most once a second, however many forged links come."""
        if boot_seconds() - self._looked_at < LOOK_S:
            return False
        self._looked_at, known = boot_seconds(), len(self._campaigns())
        try:
            async with asyncio.timeout(LOOK_S):
                await self._refresh()
        except (KafkaError, OSError, TimeoutError) as error:
            log.warning("whether a campaign is new cannot be asked", error=repr(error))
        return len(self._campaigns()) != known
