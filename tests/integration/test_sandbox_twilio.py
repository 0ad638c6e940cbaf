"""The sandbox as Twilio, seen by the unmodified SDK and its validator."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from sandbox_listener import listening, until
from twilio.base.exceptions import TwilioRestException
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.rest import Client

from services.sandbox.app import running_sandbox
from services.sandbox.core.worlds import parse_world
from services.sandbox.settings import ACCOUNT_SID, AUTH_TOKEN

SENDER = "+15005550006"


@pytest.fixture
async def listener():
    async with listening() as one:
        yield one


@pytest.fixture
async def sandbox(tmp_path, listener):
    async with running_sandbox(tmp_path, sandbox_world="calm", public_url=listener.url) as (one, url):
        one.url = url
        yield one


@pytest.fixture
async def client(sandbox):
    async with AsyncTwilioHttpClient(timeout=10) as http:
        client = Client(ACCOUNT_SID, AUTH_TOKEN, http_client=http)
        client.api.base_url = sandbox.url
        yield client


def callback(listener, contact="c-1", attempt=1):
    return f"{listener.url}/webhooks/twilio/status?send=summer%2F2%2F{contact}&attempt={attempt}&ord=17&account=default"


async def refusal(awaitable):
    with pytest.raises(TwilioRestException) as caught:
        await awaitable
    return caught.value.status, caught.value.code


async def test_a_message_is_queued_then_sent_then_delivered_with_signed_callbacks(client, sandbox, listener):
    message = await client.messages.create_async(
        to="+919812345678", from_=SENDER, body="Hi Asha", status_callback=callback(listener)
    )
    assert (message.status, message.to, message.from_, message.body) == ("queued", "+919812345678", SENDER, "Hi Asha")
    assert (message.num_segments, message.price, message.error_code) == ("1", None, None)
    assert message.sid.startswith("SM")
    assert len(message.sid) == 34
    assert abs(message.date_created - datetime.now(UTC)) < timedelta(seconds=5)
    await until(lambda: len(listener.forms) == 2)
    assert [form["MessageStatus"] for form in listener.forms] == ["sent", "delivered"]
    assert {form["MessageSid"] for form in listener.forms} == {message.sid}
    assert listener.forms[0]["query"] == {"send": "summer/2/c-1", "attempt": "1", "ord": "17", "account": "default"}
    assert not listener.forged
    fetched = await client.messages(message.sid).fetch_async()
    assert (fetched.status, fetched.price, fetched.price_unit) == ("delivered", "-0.08320", "USD")
    assert fetched.date_sent is not None
    await until(lambda: sandbox.courier.pending == 0)


async def test_the_synchronous_sdk_works_as_well(sandbox):
    client = Client(ACCOUNT_SID, AUTH_TOKEN)
    client.api.base_url = sandbox.url
    message = await asyncio.to_thread(client.messages.create, to="+919812345678", from_=SENDER, body="Hi")
    assert (await asyncio.to_thread(client.messages(message.sid).fetch)).sid == message.sid
    account = await asyncio.to_thread(client.api.accounts(ACCOUNT_SID).fetch)
    assert (account.sid, account.status) == (ACCOUNT_SID, "active")


async def test_a_whatsapp_template_is_delivered_and_read(client, sandbox, listener):
    sandbox.set_world(parse_world('{"name": "calm", "read_rate": 1}'))
    message = await client.messages.create_async(
        to="whatsapp:+919812345678", from_=f"whatsapp:{SENDER}", content_sid="HX0123",
        content_variables='{"1": "Asha", "2": "Pune"}', status_callback=callback(listener),
    )  # fmt: skip
    assert (message.to, message.from_) == ("whatsapp:+919812345678", f"whatsapp:{SENDER}")
    await until(lambda: len(listener.forms) == 3)
    assert [form["MessageStatus"] for form in listener.forms] == ["sent", "delivered", "read"]
    assert listener.forms[2]["EventType"] == "READ"
    assert {form["ChannelPrefix"] for form in listener.forms} == {"whatsapp"}
    record = sandbox.store.records[0]
    assert (record.channel, record.to, record.body()) == ("whatsapp", "+919812345678", "HX0123 1=Asha 2=Pune")
    assert not listener.forged


async def test_free_text_on_whatsapp_needs_that_the_person_wrote_before(client, sandbox, listener):
    async def send():
        return await client.messages.create_async(
            to="whatsapp:+919812345678", from_=f"whatsapp:{SENDER}", body="Hi", status_callback=callback(listener)
        )

    await send()
    await until(lambda: len(listener.forms) == 1)
    assert (listener.forms[0]["MessageStatus"], listener.forms[0]["ErrorCode"]) == ("failed", "63016")
    sandbox.write("whatsapp", "+919812345678", SENDER, ACCOUNT_SID, "Hello?")
    await until(lambda: len(listener.inbound) == 1)
    assert listener.inbound[0]["From"] == "whatsapp:+919812345678"
    assert listener.inbound[0]["WaId"] == "919812345678"
    await send()
    await until(lambda: listener.forms[-1]["MessageStatus"] == "delivered")


@pytest.mark.parametrize(
    ("trait", "channel", "status", "code"),
    [
        ("landline_late", "sms", "undelivered", 30006),
        ("unreachable", "sms", "undelivered", 30003),
        ("filtered", "sms", "undelivered", 30007),
        ("no_whatsapp", "whatsapp", "failed", 63024),
    ],
)
async def test_what_fails_later_is_told_with_its_code(client, sandbox, listener, trait, channel, status, code):
    sandbox.set_world(parse_world(f'{{"name": "calm", "people": {{"+919812345678": ["{trait}"]}}}}'))
    prefix = "whatsapp:" if channel == "whatsapp" else ""
    message = await client.messages.create_async(
        to=f"{prefix}+919812345678", from_=prefix + SENDER, content_sid="HX1", status_callback=callback(listener)
    )
    await until(lambda: any("ErrorCode" in form for form in listener.forms))
    assert (listener.forms[-1]["MessageStatus"], listener.forms[-1]["ErrorCode"]) == (status, str(code))
    fetched = await client.messages(message.sid).fetch_async()
    assert (fetched.status, fetched.error_code) == (status, code)
    assert fetched.error_message


async def test_numbers_that_cannot_be_sent_to_are_refused_and_not_recorded(client, sandbox):
    sandbox.set_world(
        parse_world('{"name": "calm", "people": {"+911111111": ["invalid"], "+912222222": ["landline"]}}')
    )
    create = client.messages.create_async
    assert await refusal(create(to="+911111111", from_=SENDER, body="x")) == (400, 21211)
    assert await refusal(create(to="+912222222", from_=SENDER, body="x")) == (400, 21614)
    assert await refusal(create(to="+15005550001", from_=SENDER, body="x")) == (400, 21211)
    assert await refusal(create(to="12", from_=SENDER, body="x")) == (400, 21211)
    assert sandbox.store.records == []


async def test_after_stop_messages_are_refused_until_start(client, sandbox, listener):
    create = client.messages.create_async
    sandbox.write("sms", "+919812345678", SENDER, ACCOUNT_SID, "Stop")
    assert await refusal(create(to="+919812345678", from_=SENDER, body="x")) == (400, 21610)
    await create(to="whatsapp:+919812345678", from_=f"whatsapp:{SENDER}", content_sid="HX1")
    sandbox.write("sms", "+919812345678", SENDER, ACCOUNT_SID, "START")
    await create(to="+919812345678", from_=SENDER, body="x")
    await until(lambda: len(listener.inbound) == 2)
    by_type = {form["OptOutType"]: form for form in listener.inbound}
    assert by_type["STOP"] | {"Body": "Stop", "From": "+919812345678", "To": SENDER} == by_type["STOP"]
    assert set(by_type) == {"STOP", "START"}
    assert not listener.forged


async def test_wrong_credentials_and_foreign_accounts_are_refused(sandbox):
    async with AsyncTwilioHttpClient() as http:
        client = Client(ACCOUNT_SID, "wrong", http_client=http)
        client.api.base_url = sandbox.url
        assert await refusal(client.messages.create_async(to="+919812345678", from_=SENDER, body="x")) == (401, 20003)
        assert await refusal(client.api.accounts(ACCOUNT_SID).fetch_async()) == (401, 20003)
        client = Client(ACCOUNT_SID, AUTH_TOKEN, http_client=http)
        client.api.base_url = sandbox.url
        assert await refusal(client.api.accounts("AC" + "0" * 32).fetch_async()) == (404, 20404)
        assert await refusal(client.messages("SM" + "0" * 32).fetch_async()) == (404, 20404)


async def test_too_many_requests_and_full_queues_are_429_and_record_nothing(client, sandbox):
    create = client.messages.create_async
    sandbox.set_world(parse_world('{"name": "calm", "too_many_rate": 1}'))
    assert await refusal(create(to="+919812345678", from_=SENDER, body="x")) == (429, 20429)
    sandbox.set_world(parse_world('{"name": "calm", "queue_full_rate": 1}'))
    assert await refusal(create(to="+919812345678", from_=SENDER, body="x")) == (429, 21611)
    sandbox.set_world(parse_world('{"name": "calm", "error_before_rate": 1}'))
    assert (await refusal(create(to="+919812345678", from_=SENDER, body="x")))[0] == 500
    assert sandbox.store.records == []


@pytest.mark.parametrize("knobs", ['"close_rate": 1', '"hang_rate": 1, "hang_ms": 200', '"error_after_rate": 1'])
async def test_a_message_whose_answer_is_lost_is_recorded_and_its_callbacks_come(client, sandbox, listener, knobs):
    sandbox.set_world(parse_world(f'{{"name": "calm", {knobs}}}'))
    with pytest.raises(Exception, match=r"disconnected|500|reset"):
        await client.messages.create_async(
            to="+919812345678", from_=SENDER, body="x", status_callback=callback(listener)
        )
    await until(lambda: len(listener.forms) == 2)
    identity = sandbox.store.records[0].identity
    assert (identity.send_id, identity.attempt, identity.account) == ("summer/2/c-1", 1, "default")
    assert len(sandbox.store.records) == 1


async def test_callbacks_can_come_before_the_answer(client, sandbox, listener):
    sandbox.set_world(parse_world('{"name": "calm", "slow_rate": 1, "slow_ms": [700, 700]}'))
    message = await client.messages.create_async(
        to="+919812345678", from_=SENDER, body="x", status_callback=callback(listener)
    )
    assert [form["MessageStatus"] for form in listener.forms] == ["sent", "delivered"]
    assert message.status == "queued"


async def test_messages_are_listed_newest_first_by_number_and_date_over_all_pages(client, sandbox):
    for n in range(25):
        await client.messages.create_async(to=f"+91981234567{n % 5}", from_=SENDER, body=f"n{n}")
    now = datetime.now(UTC)
    found = await client.messages.list_async(to="+919812345670", date_sent_after=now - timedelta(minutes=5))
    assert [message.body for message in found] == ["n20", "n15", "n10", "n5", "n0"]
    assert len(await client.messages.list_async(date_sent=now)) == 25
    paged = await client.messages.list_async(page_size=7)
    assert [message.body for message in paged] == [f"n{n}" for n in reversed(range(25))]
    assert len(await client.messages.list_async(limit=3)) == 3
    assert await client.messages.list_async(date_sent_before=now - timedelta(days=1)) == []
    assert await client.messages.list_async(to="+910000000") == []
    assert await client.messages.list_async(from_="+15005550000") == []


async def test_the_storm_repeats_and_reorders_callbacks_but_accepts_each_message_once(client, sandbox, listener):
    sandbox.set_world(parse_world('{"name": "calm", "repeat_rate": 0.5, "reorder_rate": 0.3, "sending_rate": 0.5}'))
    for n in range(60):
        await client.messages.create_async(
            to=f"+9198123456{n:02d}", from_=SENDER, body="x", status_callback=callback(listener, f"c-{n}")
        )
    await until(lambda: sandbox.courier.pending == 0)
    told = [(form["query"]["send"], form["MessageStatus"]) for form in listener.forms]
    assert {(f"summer/2/c-{n}", "delivered") for n in range(60)} <= set(told)
    assert len(told) > len(set(told)) + 10
    orders = {tuple(status for send, status in told if send == f"summer/2/c-{n}") for n in range(60)}
    assert any("delivered" in order and "sent" in order[order.index("delivered") :] for order in orders)
    assert len(sandbox.store.records) == 60
    assert not listener.forged


async def test_another_account_has_its_own_token(tmp_path, listener):
    sid = "AC" + "b" * 32
    listener.token = "other"
    async with (
        running_sandbox(
            tmp_path, sandbox_world="calm", public_url=listener.url, sandbox_twilio_accounts={sid: "other"}
        ) as (sandbox, url),
        AsyncTwilioHttpClient() as http,
    ):
        client = Client(sid, "other", http_client=http)
        client.api.base_url = url
        message = await client.messages.create_async(
            to="+919812345678", messaging_service_sid="MG1", body="x", status_callback=callback(listener)
        )
        assert (message.status, message.messaging_service_sid) == ("accepted", "MG1")
        await until(lambda: len(listener.forms) == 2)
        assert {form["AccountSid"] for form in listener.forms} == {sid}
        assert not listener.forged
        assert sandbox.store.records[0].account_sid == sid
