"""The links in messages: unsubscribe (also RFC 8058's one click) and preferences. GET changes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, Final

import jinja2
import structlog
from aiohttp import web
from aiokafka.errors import KafkaError
from clickhouse_connect.driver.exceptions import ClickHouseError

from schemas import UNKNOWN_ORDINAL, Brand, Status
from services.domain.brands import brand_named
from services.domain.eligibility import ALL_CHANNELS
from services.domain.links import PREFERENCES, UNSUBSCRIBE, BadTokenError, LinkTarget, make_token, read_token
from services.domain.messages import DeliveryEvent, event_id
from services.runtime import metrics
from services.runtime.clock import utc_now
from services.tracker.core.choices import LABELS, choices, chosen, unsubscription
from services.tracker.publish import Publisher
from services.tracker.settings import TrackerSettings
from services.tracker.store import Store

log = structlog.get_logger("webhooks")
PATIENCE_S: Final = 10.0
LOOKUP_S: Final = 2.0
HEADERS: Final = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Robots-Tag": "noindex"}
_LATEST = """
SELECT attempt, ord, account FROM v_sends
WHERE campaign_id = %(campaign)s AND step = %(step)s AND recipient_id = %(recipient)s
"""
_STATES = """
SELECT channel, state FROM v_consents WHERE recipient_id = %(recipient)s AND purpose = 'marketing'
UNION ALL
SELECT toString(c.channel), toString(argMax(c.state, (c.reason = 'erased', c.at, c.state = 'opted_out')))
FROM consents AS c
WHERE recipient_id = %(recipient)s AND c.channel = 'all' AND purpose = 'marketing' GROUP BY c.channel
"""


class LinkPages:
    def __init__(
        self, settings: TrackerSettings, publisher: Publisher, store: Store, brands: Callable[[], dict[str, Brand]]
    ) -> None:
        self._secret = settings.link_secret.get_secret_value()
        self._publisher, self._store, self._brands = publisher, store, brands
        loader = jinja2.PackageLoader("services.tracker.webhooks")
        self._pages = jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/u/{token}", self.show_unsubscribe),
            web.post("/u/{token}", self.unsubscribe),
            web.get("/p/{token}", self.show_preferences),
            web.post("/p/{token}", self.save_preferences),
        ]

    async def show_unsubscribe(self, request: web.Request) -> web.Response:
        target = self._target(request, UNSUBSCRIBE)
        if target is None:
            return self._bad_link()
        return self._page("unsubscribe.html", "Unsubscribe?", **self._names(target))

    async def unsubscribe(self, request: web.Request) -> web.Response:
        """Whoever has the link may; the body (RFC 8058's or the page's) adds nothing."""
        target = self._target(request, UNSUBSCRIBE)
        if target is None:
            return self._bad_link()
        consent = unsubscription(target, utc_now())
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._publisher.consents([consent])
                if (event := await self._event(target)) is not None:
                    await self._publisher.events([event])
        except (KafkaError, TimeoutError) as error:
            return self._later(error)
        metrics.callbacks.labels("link", "unsubscribed").inc()
        preferences = "/p/" + make_token(self._secret, PREFERENCES, target)
        return self._page("unsubscribed.html", "You are unsubscribed", preferences=preferences, **self._names(target))

    async def show_preferences(self, request: web.Request) -> web.Response:
        target = self._target(request, PREFERENCES)
        return await self._preferences(target, {}, saved=False) if target else self._bad_link()

    async def save_preferences(self, request: web.Request) -> web.Response:
        target = self._target(request, PREFERENCES)
        if target is None:
            return self._bad_link()
        form = await request.post()
        shown, on = ([str(value) for value in form.getall(name, [])] for name in ("shown", "on"))
        consents = chosen(target, shown, on, utc_now())
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._publisher.consents(consents)
        except (KafkaError, TimeoutError) as error:
            return self._later(error)
        metrics.callbacks.labels("link", "preferences").inc()
        return await self._preferences(target, {consent.channel: consent.state for consent in consents}, saved=True)

    async def _preferences(self, target: LinkTarget, news: dict[str, str], *, saved: bool) -> web.Response:
        """`news`: what was chosen just now, which ClickHouse may not yet have."""
        try:
            async with asyncio.timeout(LOOKUP_S):
                rows = await self._store.rows_once(_STATES, {"recipient": target.recipient})
        except (ClickHouseError, OSError, TimeoutError) as error:
            return self._later(error)
        states = {str(channel): str(state) for channel, state in rows} | news
        brand = brand_named(self._brands(), target.recipient.partition("/")[0])
        title = "What may we send you?"
        return self._page(
            "preferences.html",
            title,
            choices=choices(states, brand.opt_in_channels),
            everything_off=states.get(ALL_CHANNELS) == "opted_out",
            saved=saved,
            **self._names(target),
        )

    async def _event(self, target: LinkTarget) -> DeliveryEvent | None:
        """The unsubscription as an event of the send that brought the link; its ordinal is the ledger's to know."""
        campaign, _, rest = target.send_id.partition("/")
        step = rest.partition("/")[0]
        if not step.isdecimal():
            return None
        attempt, ordinal, account = 1, UNKNOWN_ORDINAL, "default"
        wanted = {"campaign": campaign, "step": int(step), "recipient": target.recipient}
        try:
            async with asyncio.timeout(LOOKUP_S):
                for row in await self._store.rows_once(_LATEST, wanted):
                    attempt, ordinal, account = row
        except (ClickHouseError, OSError, TimeoutError) as error:
            log.warning("an unsubscription without ordinal: it is in the ledger and in no count", error=repr(error))
        return DeliveryEvent(
            event_id=event_id(target.send_id, attempt, Status.UNSUBSCRIBED.value, "tracker"),
            send_id=target.send_id,
            campaign_id=campaign,
            step=int(step),
            recipient=target.recipient,
            ord=ordinal,
            attempt=attempt,
            channel=target.channel,
            account=account,
            status=Status.UNSUBSCRIBED.value,
            occurred_at=utc_now(),
            source="tracker",
        )

    def _target(self, request: web.Request, purpose: str) -> LinkTarget | None:
        if not self._secret:
            return None
        try:
            return read_token(self._secret, purpose, request.match_info["token"])
        except BadTokenError:
            metrics.callbacks.labels("link", "forged").inc()
            return None

    def _names(self, target: LinkTarget) -> dict[str, Any]:
        brand_id = target.recipient.partition("/")[0]
        known = self._brands().get(brand_id)
        name = known.name if known and known.name else "us" if brand_id == "default" else brand_id
        return {
            "brand": name,
            "channel": "email" if target.channel == "email" else LABELS.get(target.channel, "messages"),
        }

    def _bad_link(self) -> web.Response:
        text = "This link is not complete. Copy it whole from the message, or answer the message with STOP."
        return self._page("message.html", "This link does not work", status=404, text=text)

    def _later(self, error: BaseException) -> web.Response:
        log.warning("a person's wish was not taken", error=repr(error))
        metrics.callbacks.labels("link", "unavailable").inc()
        text = "We could not save this just now. Please try again in a minute."
        return self._page("message.html", "Please try again", status=503, text=text)

    def _page(self, name: str, title: str, *, status: int = 200, **values: Any) -> web.Response:
        html = self._pages.get_template(name).render(title=title, **values)
        return web.Response(text=html, status=status, content_type="text/html", headers=HEADERS)
