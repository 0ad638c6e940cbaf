"""Asking Twilio by its own SDK, against the sandbox: what it lists of an address, and what a message has cost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from pydantic import SecretStr

from schemas import Account, Channel
from services.domain.content import RenderedSms, RenderedWhatsapp
from services.domain.messages import DeliveryEvent, SendAttempt, event_for
from services.runtime import metrics
from services.sandbox.app import running_sandbox
from services.sandbox.settings import ACCOUNT_SID, AUTH_TOKEN
from services.tracker.core.found import Doubt, fits
from services.tracker.core.uncertain import UncertainSend
from services.tracker.prices import PriceDesk
from services.tracker.settings import TrackerSettings
from services.tracker.twilio_api import AskError, TwilioApi
from services.tracker.webhooks.accounts import TwilioAccounts

PERSON, OTHER, SENDER = "+919812345678", "+919812345679", "+15005550006"


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
async def url(tmp_path: Path) -> AsyncIterator[str]:
    world = '{"name": "calm", "callbacks": false}'
    async with running_sandbox(tmp_path, sandbox_world=world) as (_, address):
        yield address


def settings_of(url: str, **fields: Any) -> TrackerSettings:
    known: dict[str, Any] = {
        "twilio_base_url": url, "twilio_account_sid": ACCOUNT_SID, "twilio_auth_token": SecretStr(AUTH_TOKEN),
        "twilio_from": SENDER, "twilio_fetch_prices": True, "price_after_s": (0.02, 0.2, 1.0),
    }  # fmt: skip
    return TrackerSettings(**(known | fields))


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as one:
        yield one


def api_of(settings: TrackerSettings, session: aiohttp.ClientSession) -> TwilioApi:
    return TwilioApi(TwilioAccounts(settings, dict), session)


def account_of(api: TwilioApi, channel: str) -> Account:
    account = api.accounts.account(channel, "default")
    assert account is not None
    return account


async def take(session: aiohttp.ClientSession, url: str, to: str, text: str, sender: str = SENDER) -> str:
    """What a sender's call leaves at the provider; the message's id."""
    path = f"{url}/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json"
    form, key = {"To": to, "From": sender, "Body": text}, aiohttp.BasicAuth(ACCOUNT_SID, AUTH_TOKEN)
    async with session.post(path, data=form, auth=key) as answer:
        assert answer.status == 201, await answer.text()
        return str((await answer.json())["sid"])


async def test_what_went_to_an_address_is_listed_with_all_that_tells_it_apart(
    url: str, session: aiohttp.ClientSession
) -> None:
    api = api_of(settings_of(url), session)
    sids = [await take(session, url, PERSON, text) for text in ("Hi Asha", "Hi again")]
    await take(session, url, OTHER, "Hi Asha")
    listed = await api.listed(account_of(api, "sms"), PERSON, now() - timedelta(minutes=1))
    assert {message.sid: message.text for message in listed} == dict(zip(sids, ("Hi Asha", "Hi again"), strict=True))
    send = UncertainSend("camp", 1, "default/c-1", "sms", 0, 1, "default", now())
    doubt = Doubt(send, PERSON, SENDER, RenderedSms("Hi Asha"), now() - timedelta(seconds=5), 7_900)
    assert [message.sid for message in listed if fits(doubt, message)] == sids[:1]
    assert await api.listed(account_of(api, "sms"), PERSON, now() + timedelta(hours=1)) == []


async def test_more_messages_than_a_page_holds_are_all_listed(url: str, session: aiohttp.ClientSession) -> None:
    api = api_of(settings_of(url), session)
    sids = [await take(session, url, PERSON, f"Number {n}") for n in range(60)]
    listed = await api.listed(account_of(api, "sms"), PERSON, now() - timedelta(minutes=1))
    assert {message.sid for message in listed} == set(sids)


async def test_a_whatsapp_message_is_listed_under_its_own_addresses(url: str, session: aiohttp.ClientSession) -> None:
    api = api_of(settings_of(url), session)
    sid = await take(session, url, f"whatsapp:{PERSON}", "Hi Asha", f"whatsapp:{SENDER}")
    await take(session, url, PERSON, "Hi Asha")
    (message,) = await api.listed(account_of(api, "whatsapp"), f"whatsapp:{PERSON}", now() - timedelta(minutes=1))
    send = UncertainSend("camp", 1, "default/c-1", "whatsapp", 0, 1, "default", now())
    rendered = RenderedWhatsapp(None, {}, "Hi Asha")
    doubt = Doubt(send, f"whatsapp:{PERSON}", f"whatsapp:{SENDER}", rendered, now() - timedelta(seconds=5), 5_000)
    assert (message.sid, fits(doubt, message)) == (sid, True)


@pytest.mark.parametrize(
    "wrong", [{"twilio_auth_token": SecretStr("another")}, {"twilio_base_url": "http://127.0.0.1:9"}]
)
async def test_a_provider_that_refuses_or_is_away_says_nothing(
    url: str, session: aiohttp.ClientSession, wrong: dict[str, Any]
) -> None:
    api = api_of(settings_of(url, **wrong), session)
    with pytest.raises(AskError):
        await api.listed(account_of(api, "sms"), PERSON, now())
    with pytest.raises(AskError):
        await api.price(account_of(api, "sms"), "SM1")


class Outbox:
    """Takes the place of the topic."""

    def __init__(self) -> None:
        self.told: list[DeliveryEvent] = []
        self.news = asyncio.Event()

    async def events(self, events: Iterable[DeliveryEvent]) -> None:
        self.told += events
        self.news.set()


def ended(sid: str, status: str = "delivered") -> DeliveryEvent:
    send = SendAttempt(
        campaign_id="camp",
        step=1,
        recipient="default/c-1",
        ord=0,
        attempt=1,
        channel=Channel.SMS.value,
        account="default",
    )
    return event_for(send, status, source="twilio", occurred_at=now(), provider="twilio", provider_message_id=sid)


def counted(result: str) -> float:
    return metrics.prices_fetched.labels("default", result)._value.get()


async def test_the_price_of_an_ended_message_is_fetched_though_it_is_settled_late(
    url: str, session: aiohttp.ClientSession
) -> None:
    settings, outbox = settings_of(url), Outbox()
    desk = PriceDesk(settings, api_of(settings, session), outbox)  # type: ignore[arg-type]
    sid = await take(session, url, PERSON, "Hi Asha")
    worker = asyncio.create_task(desk.run())
    desk.want(ended(sid), "delivered")
    async with asyncio.timeout(10):
        await outbox.news.wait()
    (event,) = outbox.told
    assert (event.source, event.cost_basis, event.cost_micros) == ("price", "price", 83_200)
    assert event.event_id == "camp/1/c-1/1/accepted/price"
    worker.cancel()
    with suppress(asyncio.CancelledError):
        await worker


async def test_what_finds_no_room_keeps_its_estimate_and_is_counted(url: str, session: aiohttp.ClientSession) -> None:
    settings, outbox, before = settings_of(url, price_queue=0), Outbox(), counted("dropped")
    desk = PriceDesk(settings, api_of(settings, session), outbox)  # type: ignore[arg-type]
    desk.want(ended("SM1"), "delivered")
    assert (counted("dropped"), outbox.told) == (before + 1, [])


async def test_nothing_is_fetched_for_an_account_that_did_not_ask_or_before_the_end(
    url: str, session: aiohttp.ClientSession
) -> None:
    for settings, word in ((settings_of(url, twilio_fetch_prices=False), "delivered"), (settings_of(url), "sent")):
        desk, before = PriceDesk(settings, api_of(settings, session), Outbox()), counted("dropped")  # type: ignore[arg-type]
        desk.settings = settings.model_copy(update={"price_queue": 0})
        desk.want(ended("SM1"), word)
        assert counted("dropped") == before, "it would have been dropped for want of room"
