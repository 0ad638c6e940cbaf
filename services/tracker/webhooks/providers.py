"""The three webhooks: Twilio's statuses and answers, SendGrid's events."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

import msgspec
import structlog
from aiohttp import web
from aiokafka.errors import KafkaError
from clickhouse_connect.driver.exceptions import ClickHouseError
from multidict import MultiDict

from schemas import DEFAULT_ACCOUNT, Brand
from services.domain.brands import brand_named
from services.domain.messages import DeliveryEvent
from services.runtime import metrics
from services.runtime.clock import utc_now
from services.tracker.addresses import Addresses
from services.tracker.core.callbacks import FindCampaign, Parsed
from services.tracker.core.keywords import Keywords, help_answer
from services.tracker.core.prices import waived
from services.tracker.core.repeats import FirstSeen
from services.tracker.core.rows import Inbound, brand_of
from services.tracker.core.sendgrid import parse_events, read_events
from services.tracker.core.stops import Stop
from services.tracker.core.twilio import parse_inbound, parse_status, status_word
from services.tracker.effects import Directory
from services.tracker.settings import TrackerSettings
from services.tracker.webhooks.accounts import SendGridKeys, TwilioAccounts, within_brand
from services.tracker.webhooks.emit import PATIENCE_S, Emitter, forged, malformed, unavailable
from services.tracker.webhooks.verify import (
    SENDGRID_SIGNATURE,
    SENDGRID_TIMESTAMP,
    TWILIO_SIGNATURE,
    sendgrid_genuine,
    spellings,
    twilio_form,
    twilio_genuine,
)

log = structlog.get_logger("webhooks")
TWIML = '<?xml version="1.0" encoding="UTF-8"?><Response>{}</Response>'
_LOOKUP_S = 2.0


class ProviderWebhooks:
    """`ended`: is told of each event of a message at Twilio, with the word for it, once that is published."""

    def __init__(
        self,
        settings: TrackerSettings,
        emitter: Emitter,
        directory: Directory,
        addresses: Addresses,
        twilio: TwilioAccounts,
        brands: Callable[[], Mapping[str, Brand]],
        ended: Callable[[DeliveryEvent, str], None],
    ) -> None:
        self._url = settings.public_url.rstrip("/")
        self._emitter, self._directory, self._addresses = emitter, directory, addresses
        self._twilio, self._brands, self._ended = twilio, brands, ended
        self._sendgrid = SendGridKeys(settings, directory.accounts)
        self._words = settings.stop_words
        self._seen = FirstSeen()

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/webhooks/twilio/status", self.twilio_status),
            web.post("/webhooks/twilio/inbound", self.twilio_inbound),
            web.post("/webhooks/sendgrid/events", self.sendgrid_events),
        ]

    async def twilio_status(self, request: web.Request) -> web.Response:
        form = twilio_form(await request.read())
        query = dict(parse_qsl(request.raw_path.partition("?")[2], keep_blank_values=True))
        account = query.get("account", DEFAULT_ACCOUNT)
        if form is None or not self._genuine(request, form, account):
            return forged("twilio")
        word, parsed = status_word(form), Parsed()

        def parse() -> Parsed:
            nonlocal parsed
            parsed = parse_status(form, query, self._find(account), utc_now())
            parsed.events = [self._told(event, word) for event in parsed.events]
            return parsed

        answer = await self._emitter.emit("twilio", parse)
        for event in parsed.events if answer.status < 300 else ():
            self._ended(event, word)
        return answer

    def _told(self, event: DeliveryEvent, word: str) -> DeliveryEvent:
        """When it was told first; and whether the account pays for such an end."""
        account = self._twilio.account(event.channel, event.account)
        event = waived(event, word, account.rate_card.free_statuses if account else ())
        return msgspec.structs.replace(event, occurred_at=self._seen.moment(event.event_id, event.occurred_at))

    async def twilio_inbound(self, request: web.Request) -> web.Response:
        form = twilio_form(await request.read())
        account = self._twilio.owner(form.get("AccountSid", ""), form.get("To", "")) if form is not None else ""
        if form is None or not account or not self._genuine(request, form, account):
            return forged("twilio")
        message = parse_inbound(form, account, self._keywords(form.get("From", ""), account), utc_now())
        if message is None:
            return malformed("twilio")
        message = msgspec.structs.replace(message, at=self._seen.moment(message.message_id, message.at))
        message = msgspec.structs.replace(message, recipient=await self._recipient(message))
        try:
            async with asyncio.timeout(PATIENCE_S):
                await self._emitter.publisher.inbound(message)
        except (KafkaError, TimeoutError) as error:
            return unavailable("twilio", error)
        metrics.callbacks.labels("twilio", message.keyword or "inbound").inc()
        return web.Response(text=TWIML.format(self._answer(message)), content_type="text/xml")

    def _keywords(self, sender: str, account: str) -> Keywords:
        channel = "whatsapp" if sender.startswith("whatsapp:") else "sms"
        known = self._brands()
        brands = sorted(self._directory.brands_of(channel, account))
        return Keywords.for_brands(self._words, [brand_named(known, name) for name in brands])

    def _answer(self, message: Inbound) -> str:
        """TwiML's answer to a word for help, where the brand that wrote last has one. No send: the person asked."""
        if message.keyword != "help":
            return ""
        brands = self._directory.brands_of(message.channel, message.account)
        name = brand_of(message.recipient) if message.recipient else next(iter(brands)) if len(brands) == 1 else ""
        answer = help_answer(brand_named(self._brands(), name), message.text) if name else ""
        return f"<Message>{escape(answer)}</Message>" if answer else ""

    async def sendgrid_events(self, request: web.Request) -> web.Response:
        body = await request.read()
        timestamp, signature = request.headers.get(SENDGRID_TIMESTAMP, ""), request.headers.get(SENDGRID_SIGNATURE, "")
        account = request.query.get("account", "")
        if not sendgrid_genuine(self._sendgrid.key(account), timestamp, body, signature):
            return forged("sendgrid")
        if (events := read_events(body)) is None:
            return malformed("sendgrid")
        return await self._emitter.emit("sendgrid", lambda: parse_events(events, self._find(account), utc_now()))

    def _genuine(self, request: web.Request, form: MultiDict[str], account: str) -> bool:
        token, signature = self._twilio.token(account), request.headers.get(TWILIO_SIGNATURE, "")
        return any(twilio_genuine(token, self._url + path, form, signature) for path in spellings(request.raw_path))

    def _find(self, account: str) -> FindCampaign:
        return within_brand(self._directory.campaigns().get, self._directory.accounts, account)

    async def _recipient(self, message: Inbound) -> str | None:
        """Whose message it is: of those with the address, the one whom we wrote to last. ClickHouse may be away: then
        nobody's, and a STOP counts all the same."""
        brands = self._directory.brands_of(message.channel, message.account)
        probe = [Stop(brand, message.channel, message.from_address, "", message.at, "") for brand in sorted(brands)]
        try:
            async with asyncio.timeout(_LOOKUP_S):
                holders = [recipient for _, recipient in await self._addresses.holders(probe)]
                send = await self._addresses.last_send(holders, message.channel, message.at)
        except (ClickHouseError, OSError, TimeoutError) as error:
            log.warning("nobody looked up for an answer", error=repr(error))
            return None
        return send.recipient if send else next(iter(holders), None)
