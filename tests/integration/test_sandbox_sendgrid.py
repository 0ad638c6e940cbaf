"""The sandbox as SendGrid, seen by the unmodified SDK and its verifier."""

from __future__ import annotations

import asyncio
import json
from collections import Counter

import aiohttp
import pytest
from python_http_client.exceptions import BadRequestsError, TooManyRequestsError, UnauthorizedError
from sandbox_listener import listening, until
from sendgrid import SendGridAPIClient
from sendgrid.helpers.mail import Category, CustomArg, Header, Mail, Personalization, Substitution, To

from services.sandbox.app import running_sandbox
from services.sandbox.core.signatures import public_text
from services.sandbox.core.worlds import parse_world
from services.sandbox.settings import API_KEY


@pytest.fixture
async def listener():
    async with listening() as one:
        yield one


@pytest.fixture
async def sandbox(tmp_path, listener):
    async with running_sandbox(tmp_path, sandbox_world="calm", public_url=listener.url) as (one, url):
        one.url = url
        listener.public_key = public_text(one.key)
        yield one


def mail_to(*addresses, campaign="summer"):
    mail = Mail(
        from_email="shop@example.com", subject="Hi -name-", plain_text_content="Hello -name-",
        html_content='<p>Hello -name-, <a href="https://shop.example.com/-id-">look</a></p>',
    )  # fmt: skip
    mail.add_custom_arg(CustomArg("peal_account", "default"))
    mail.add_category(Category(campaign))
    for number, address in reversed(list(enumerate(addresses))):  # the SDK puts each before the others
        one = Personalization()
        one.add_to(To(address))
        one.add_substitution(Substitution("-name-", f"Asha {number}"))
        one.add_substitution(Substitution("-id-", str(number)))
        one.add_header(Header("List-Unsubscribe", f"<https://peal.example.com/u/{number}>"))
        one.add_custom_arg(CustomArg("peal_send_id", f"{campaign}/1/c-{number}"))
        one.add_custom_arg(CustomArg("peal_attempt", "1"))
        mail.add_personalization(one)
    return mail


async def send(sandbox, mail, key=API_KEY):
    return await asyncio.to_thread(SendGridAPIClient(key, host=sandbox.url).send, mail)


async def test_a_group_is_accepted_at_once_and_each_mail_is_told_with_its_custom_args(sandbox, listener):
    people = [f"p{n}@example.com" for n in range(250)]
    response = await send(sandbox, mail_to(*people))
    assert response.status_code == 202
    assert int(response.headers["X-RateLimit-Remaining"]) <= int(response.headers["X-RateLimit-Limit"])
    assert "X-RateLimit-Reset" in response.headers
    await until(lambda: len(listener.events) == 500)
    assert Counter(event["event"] for event in listener.events) == {"processed": 250, "delivered": 250}
    first = next(
        event for event in listener.events if event["email"] == "p7@example.com" and event["event"] == "delivered"
    )
    assert first["peal_send_id"] == "summer/1/c-7"
    assert (first["peal_attempt"], first["peal_account"], first["category"]) == ("1", "default", ["summer"])
    assert first["sg_message_id"].startswith(response.headers["X-Message-Id"])
    assert {"smtp-id", "sg_event_id", "timestamp", "response"} <= set(first)
    assert len({event["sg_event_id"] for event in listener.events}) == 500
    assert max(listener.batches) > 50
    assert not listener.forged


async def test_each_person_gets_their_own_words(sandbox):
    await send(sandbox, mail_to("a@example.com", "b@example.com"))
    record = sandbox.store.records[1]
    assert record.rendered_subject() == "Hi Asha 1"
    assert record.body() == '<p>Hello Asha 1, <a href="https://shop.example.com/1">look</a></p>'
    assert record.rendered_headers() == {"List-Unsubscribe": "<https://peal.example.com/u/1>"}


async def test_opens_clicks_complaints_and_unsubscriptions_are_told(sandbox, listener):
    traits = {
        "all@x.org": ["opens", "clicks", "machine_opens", "complains", "unsubscribes"],
        "defer@x.org": ["deferred"],
    }
    sandbox.set_world(parse_world(json.dumps({"name": "calm", "people": traits})))
    await send(sandbox, mail_to("all@x.org", "defer@x.org"))
    await until(lambda: sandbox.courier.pending == 0)
    told = [event for event in listener.events if event["email"] == "all@x.org"]
    assert Counter(event["event"] for event in told) == {
        "processed": 1, "delivered": 1, "open": 2, "click": 1, "spamreport": 1, "unsubscribe": 1,
    }  # fmt: skip
    assert sorted(event["sg_machine_open"] for event in told if event["event"] == "open") == [False, True]
    assert next(event["url"] for event in told if event["event"] == "click") == "https://shop.example.com/0"
    deferred = [event["event"] for event in listener.events if event["email"] == "defer@x.org"]
    assert deferred == ["processed", "deferred", "delivered"]


async def test_after_a_bounce_mail_to_the_address_is_dropped(sandbox, listener):
    sandbox.set_world(
        parse_world('{"name": "calm", "people": {"a@x.org": ["hard_bounce"], "b@x.org": ["soft_bounce"]}}')
    )
    await send(sandbox, mail_to("a@x.org", "b@x.org", campaign="one"))
    await until(lambda: sandbox.courier.pending == 0)
    bounces = {event["email"]: event for event in listener.events if event["event"] == "bounce"}
    assert (bounces["a@x.org"]["type"], bounces["a@x.org"]["status"]) == ("bounce", "5.1.1")
    assert bounces["b@x.org"]["type"] == "blocked"
    await send(sandbox, mail_to("A@x.org", "b@x.org", campaign="two"))
    await until(lambda: sandbox.courier.pending == 0)
    again = {event["email"]: event for event in listener.events if event["peal_send_id"].startswith("two/")}
    assert (again["A@x.org"]["event"], again["A@x.org"]["reason"]) == ("dropped", "Bounced Address")
    assert again["b@x.org"]["event"] == "bounce"


async def test_what_is_wrong_is_refused_with_its_field_and_not_recorded(sandbox):
    body = mail_to("a@example.com", "b@example.com").get()
    body["personalizations"][1]["to"][0]["email"] = "nobody"
    with pytest.raises(BadRequestsError) as refusal:
        await send(sandbox, body)
    error = json.loads(refusal.value.body)["errors"][0]
    assert error["field"] == "personalizations.1.to.0.email"
    assert error["message"] == "Does not contain a valid address."
    with pytest.raises(UnauthorizedError):
        await send(sandbox, mail_to("a@example.com"), key="SG.wrong")
    assert sandbox.store.records == []


async def test_a_key_can_be_tested_by_its_scopes(sandbox):
    scopes = await asyncio.to_thread(SendGridAPIClient(API_KEY, host=sandbox.url).client.scopes.get)
    assert "mail.send" in json.loads(scopes.body)["scopes"]
    with pytest.raises(UnauthorizedError):
        await asyncio.to_thread(SendGridAPIClient("SG.wrong", host=sandbox.url).client.scopes.get)


async def test_a_limit_refuses_what_is_above_it_and_says_until_when(sandbox):
    sandbox.set_world(parse_world('{"name": "calm", "limit_per_s": 3, "retry_after_s": 2}'))
    await send(sandbox, mail_to("a@x.org", "b@x.org"))
    with pytest.raises(TooManyRequestsError) as refusal:
        await send(sandbox, mail_to("c@x.org", "d@x.org"))
    assert refusal.value.headers["X-RateLimit-Remaining"] == "0"
    assert int(refusal.value.headers["X-RateLimit-Reset"]) > 1_700_000_000
    assert len(sandbox.store.records) == 2


@pytest.mark.parametrize("knobs", ['"close_rate": 1', '"hang_rate": 1, "hang_ms": 200', '"error_after_rate": 1'])
async def test_a_group_whose_answer_is_lost_is_recorded_once_a_person(sandbox, listener, knobs):
    sandbox.set_world(parse_world(f'{{"name": "calm", {knobs}}}'))
    with pytest.raises(Exception, match=r"500|closed|reset|Remote"):
        await send(sandbox, mail_to(*(f"p{n}@x.org" for n in range(100))))
    assert [record.identity.send_id for record in sandbox.store.records] == [f"summer/1/c-{n}" for n in range(100)]
    await until(lambda: sum(event["event"] == "delivered" for event in listener.events) == 100)


async def test_sandbox_mode_checks_but_sends_nothing(sandbox):
    body = mail_to("a@example.com").get() | {"mail_settings": {"sandbox_mode": {"enable": True}}}
    assert (await send(sandbox, body)).status_code == 200
    assert sandbox.store.records == []


async def test_other_content_types_and_too_large_requests_are_refused(sandbox):
    headers = {"Authorization": f"Bearer {API_KEY}"}
    path = f"{sandbox.url}/v3/mail/send"
    async with aiohttp.ClientSession(headers=headers) as session:
        async with session.post(path, data=b"{}", headers={"Content-Type": "text/xml"}) as answer:
            assert answer.status == 415
        large = b"x" * (30 * 2**20 + 1)
        async with session.post(path, data=large, headers={"Content-Type": "application/json"}) as answer:
            assert answer.status == 413
            assert (await answer.json())["errors"][0]["message"]
