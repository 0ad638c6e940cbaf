"""The sandbox's list, its world, its pages, and what it remembers."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys

import aiohttp
import pytest
from sandbox_listener import listening, until

from deploy.local.free_ports import free_ports
from services.sandbox.app import running_sandbox
from services.sandbox.core.signatures import public_text
from services.sandbox.core.worlds import parse_world
from services.sandbox.settings import ACCOUNT_SID, API_KEY, AUTH_TOKEN

KEYS = {"received_at", "channel", "account", "to", "send_id", "attempt", "provider_message_id", "body"}


@pytest.fixture
async def listener():
    async with listening() as one:
        yield one


@pytest.fixture
async def session():
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as one:
        yield one


async def mail(session, url, *addresses, campaign="summer", **changes):
    body = {
        "personalizations": [
            {"to": [{"email": address}], "substitutions": {"-name-": address},
             "custom_args": {"peal_send_id": f"{campaign}/1/{address.partition('@')[0]}", "peal_attempt": "1",
                             "peal_account": "default"}}
            for address in addresses
        ],
        "from": {"email": "shop@example.com"}, "subject": "For -name-",
        "content": [{"type": "text/html", "value": "<p>Hello -name-<script>alert(1)</script></p>"}],
    } | changes  # fmt: skip
    async with session.post(f"{url}/v3/mail/send", json=body, headers={"Authorization": f"Bearer {API_KEY}"}) as answer:
        assert answer.status == 202, await answer.text()
        return answer.headers["X-Message-Id"]


async def text(session, url, to, contact, callback="http://127.0.0.1:9/status", prefix=""):
    form = {"To": prefix + to, "From": f"{prefix}+15005550006", "Body": f"Hi {contact}",
            "StatusCallback": f"{callback}?send=summer%2F2%2F{contact}&attempt=2&account=main"}  # fmt: skip
    headers = {"Authorization": aiohttp.encode_basic_auth(ACCOUNT_SID, AUTH_TOKEN)}
    path = f"{url}/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json"
    async with session.post(path, data=form, headers=headers) as answer:
        assert answer.status == 201, await answer.text()
        return (await answer.json())["sid"]


async def listed(session, url, **query):
    async with session.get(f"{url}/messages", params=query) as answer:
        assert answer.status == 200, await answer.text()
        return [json.loads(line) for line in (await answer.text()).splitlines()]


async def test_the_list_shows_every_accepted_message_in_order_with_exactly_the_agreed_fields(tmp_path, session):
    async with running_sandbox(tmp_path, sandbox_world='{"name": "calm", "callbacks": false}') as (_, url):
        message_id = await mail(session, url, "a@x.org", "b@x.org")
        sid = await text(session, url, "+919812345678", "c-1")
        await text(session, url, "+919812345678", "c-1", prefix="whatsapp:")
        lines = await listed(session, url)
        assert all(set(line) == KEYS for line in lines)
        assert [line["received_at"] for line in lines] == sorted(line["received_at"] for line in lines)
        assert {**lines[1], "received_at": ""} == {
            "received_at": "", "channel": "email", "account": "default", "to": "b@x.org", "send_id": "summer/1/b",
            "attempt": 1, "provider_message_id": message_id, "body": "<p>Hello b@x.org<script>alert(1)</script></p>",
        }  # fmt: skip
        assert {**lines[2], "received_at": ""} == {
            "received_at": "", "channel": "sms", "account": "main", "to": "+919812345678", "send_id": "summer/2/c-1",
            "attempt": 2, "provider_message_id": sid, "body": "Hi c-1",
        }  # fmt: skip
        assert lines[3]["channel"] == "whatsapp"
        assert lines[3]["to"] == "+919812345678"


async def test_the_list_and_the_count_can_be_narrowed(tmp_path, session):
    async with running_sandbox(tmp_path, sandbox_world='{"name": "calm", "callbacks": false}') as (_, url):
        await mail(session, url, "a@x.org", "b@x.org", campaign="one")
        await mail(session, url, "A@x.org", "c@x.org", campaign="two")
        lines = await listed(session, url)
        assert [line["to"] for line in await listed(session, url, campaign="two")] == ["A@x.org", "c@x.org"]
        assert [line["send_id"] for line in await listed(session, url, to="a@x.org")] == ["one/1/a", "two/1/A"]
        assert await listed(session, url, after="3") == lines[3:]
        assert await listed(session, url, since=lines[2]["received_at"]) == lines[2:]
        async with session.get(f"{url}/messages/count") as answer:
            assert await answer.json() == {"count": 4, "by_channel": {"email": 4}}
        async with session.get(f"{url}/messages/count?campaign=one") as answer:
            assert await answer.json() == {"count": 2, "by_channel": {"email": 2}}
        for wrong in ("since=yesterday", "since=2026-01-01T00:00:00", "after=x", "colour=red"):
            async with session.get(f"{url}/messages?{wrong}") as answer:
                assert answer.status == 400
                assert (await answer.json())["field"] == wrong.partition("=")[0]


async def test_the_world_can_be_changed_while_running(tmp_path, session):
    async with running_sandbox(tmp_path, sandbox_world="calm") as (sandbox, url):
        async with session.put(f"{url}/sandbox/world", json={"name": "storm", "latency_ms": 5}) as answer:
            assert (await answer.json())["latency_ms"] == 5
        async with session.get(f"{url}/sandbox/world") as answer:
            assert (await answer.json())["name"] == "storm"
        async with session.put(f"{url}/sandbox/world", json={"slow_rate": 0}) as answer:
            changed = await answer.json()
            assert (changed["name"], changed["slow_rate"], changed["latency_ms"]) == ("storm", 0, 5)
        async with session.put(f"{url}/sandbox/world", json={"open_rate": 3}) as answer:
            assert answer.status == 422
            assert (await answer.json())["field"] == "open_rate"
        assert sandbox.world == parse_world('{"name": "storm", "latency_ms": 5, "slow_rate": 0}')


async def test_callbacks_wait_for_a_tracker_that_is_dead_or_refuses_and_none_is_lost(tmp_path, session):
    port = free_ports().console
    async with running_sandbox(tmp_path, sandbox_world="calm", public_url=f"http://127.0.0.1:{port}") as (sandbox, url):
        for n in range(40):
            await text(session, url, f"+9198123456{n:02d}", f"c-{n}", f"http://127.0.0.1:{port}/webhooks/twilio/status")
        await mail(session, url, *(f"p{n}@x.org" for n in range(40)))
        await until(lambda: sandbox.courier.pending == 160)
        await asyncio.sleep(0)
        async with listening(port) as listener:
            listener.public_key = public_text(sandbox.key)
            answers = iter([503] * 20)
            listener.answer = lambda: next(answers, 200)
            await until(lambda: sandbox.courier.pending == 0, 30)
            assert listener.refused == 20
            assert len({(form["MessageSid"], form["MessageStatus"]) for form in listener.forms}) == 80
            assert len({event["sg_event_id"] for event in listener.events}) == 80
            assert not listener.forged


async def test_a_restart_forgets_nothing_and_goes_on_telling(tmp_path, session, listener):
    dead = f"http://127.0.0.1:{free_ports().console}"
    async with running_sandbox(tmp_path, sandbox_world="calm", public_url=dead) as (sandbox, url):
        await mail(session, url, "a@x.org", "b@x.org")
        await text(session, url, "+919812345678", "c-1", f"{listener.url}/webhooks/twilio/status")
        sandbox.write("sms", "+919812345678", "+15005550006", ACCOUNT_SID, "STOP")
        await until(lambda: len(listener.forms) == 2)
        await until(lambda: sandbox.courier.pending == 5)
        before = await listed(session, url)
        sandbox.act(sandbox.store.records[0], "spamreport")
    async with running_sandbox(tmp_path, sandbox_world="storm", public_url=listener.url) as (sandbox, url):
        listener.public_key = public_text(sandbox.key)
        assert await listed(session, url) == before
        await until(lambda: sandbox.courier.pending == 0)
        assert sorted(event["event"] for event in listener.events) == [
            "delivered", "delivered", "processed", "processed", "spamreport",
        ]  # fmt: skip
        assert [form["Body"] for form in listener.inbound] == ["STOP"]
        assert len(listener.forms) == 2, "what was told before is not told again"
        assert ("sms", "+919812345678") in sandbox.books.standing.opted_out
        assert sandbox.books.standing.suppressed == {"a@x.org": "reported"}
        assert sandbox.world.name == "storm"
        assert not listener.forged


async def test_people_are_listed_and_found(tmp_path, session):
    async with running_sandbox(tmp_path, sandbox_world='{"name": "calm", "callbacks": false}') as (_, url):
        await mail(session, url, "c-1@x.org", "c-2@x.org")
        await text(session, url, "+919812345678", "c-1")
        async with session.get(f"{url}/") as answer:
            page = await answer.text()
            assert "Sandbox." in page
            assert "2 messages" in page
            assert 'href="/inbox/c-2"' in page
        async with session.get(f"{url}/?search=45678") as answer:
            page = await answer.text()
            assert 'href="/inbox/c-1"' in page
            assert 'href="/inbox/c-2"' not in page


async def test_an_inbox_shows_all_channels_of_a_person_and_keeps_scripts_shut_in(tmp_path, session):
    async with running_sandbox(tmp_path, sandbox_world='{"name": "calm", "callbacks": false}') as (_, url):
        await mail(session, url, "c-1@x.org")
        await text(session, url, "+919812345678", "c-1")
        for who in ("c-1", "c-1@x.org", "+919812345678", "%2B919812345678"):
            async with session.get(f"{url}/inbox/{who}") as answer:
                page = await answer.text()
                assert answer.status == 200
                assert "For c-1@x.org" in page
                assert "Hi c-1" in page
                assert "<script>" not in page
                assert "&lt;script&gt;" in page
                assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in page
                assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
        async with session.get(f"{url}/inbox/nobody") as answer:
            assert answer.status == 404


async def test_a_person_answers_and_acts_from_the_inbox(tmp_path, session, listener):
    async with running_sandbox(tmp_path, sandbox_world="calm", public_url=listener.url) as (sandbox, url):
        listener.public_key = public_text(sandbox.key)
        unsubscribe = {"List-Unsubscribe": f"<{listener.url}/webhooks/twilio/inbound>, <mailto:u@x.org>",
                       "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}  # fmt: skip
        await mail(session, url, "c-1@x.org", headers=unsubscribe)
        await text(session, url, "+919812345678", "c-1", f"{listener.url}/webhooks/twilio/status")
        form = {"from": "sms +919812345678", "text": "", "word": "STOP"}
        async with session.post(f"{url}/inbox/c-1/reply", data=form) as answer:
            page = await answer.text()
            assert "Sent: STOP" in page
            assert "wrote STOP" in page
        await until(lambda: len(listener.inbound) == 1)
        assert (listener.inbound[0]["OptOutType"], listener.inbound[0]["To"]) == ("STOP", "+15005550006")
        for act in ("open", "click", "unsubscribe", "spamreport"):
            async with session.post(f"{url}/inbox/c-1/mails/1/{act}") as answer:
                assert f"Done: {act}" in await answer.text()
        await until(lambda: {"open", "click", "unsubscribe", "spamreport"} <= {one["event"] for one in listener.events})
        assert all(one["peal_send_id"] == "summer/1/c-1" for one in listener.events)
        assert not listener.forged
        async with session.post(f"{url}/inbox/c-1/mails/1/fly") as answer:
            assert answer.status == 404
        async with session.post(
            f"{url}/inbox/c-1/reply", data=form, headers={"Sec-Fetch-Site": "cross-site"}
        ) as answer:
            assert answer.status == 403


async def test_the_chat_call_answers_with_labelled_samples(tmp_path, session):
    async with running_sandbox(tmp_path, sandbox_world="calm") as (_, url):
        body = {"model": "m", "n": 3, "messages": [{"role": "user", "content": "Write a reminder"}]}
        async with session.post(f"{url}/v1/chat/completions", json=body) as answer:
            choices = (await answer.json())["choices"]
        assert len({choice["message"]["content"] for choice in choices}) == 3
        assert all("[Sample text from the sandbox]" in choice["message"]["content"] for choice in choices)
        async with session.post(
            f"{url}/v1/chat/completions", json=body | {"response_format": {"type": "json_object"}}
        ) as answer:
            content = (await answer.json())["choices"][0]["message"]["content"]
        assert len(json.loads(content)["variants"]) == 3
        async with session.post(f"{url}/v1/chat/completions", data=b"{") as answer:
            assert answer.status == 400


def start(ports, data_dir, **settings):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PEAL_")}
    environment |= {"PEAL_PORT_BASE": str(ports.console), "PEAL_DATA_DIR": str(data_dir), **settings}
    command = [sys.executable, "-m", "services.sandbox"]
    return subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True)


async def answers(session, url):
    async with asyncio.timeout(15):
        while True:
            try:
                async with session.get(url) as answer:
                    if answer.status == 200:
                        return await answer.text()
            except aiohttp.ClientConnectionError:
                pass
            await asyncio.sleep(0.05)


async def test_killed_at_once_after_an_answer_the_process_still_knows_the_message(tmp_path, session):
    ports = free_ports()
    url = f"http://127.0.0.1:{ports.sandbox}"
    ready = f"http://127.0.0.1:{ports.metrics('sandbox')}/readyz"
    process = start(ports, tmp_path, PEAL_SANDBOX_WORLD="calm")
    try:
        assert await answers(session, ready) == "ok"
        await mail(session, url, *(f"p{n}@x.org" for n in range(500)))
        process.kill()
        process.communicate()
        process = start(ports, tmp_path, PEAL_SANDBOX_WORLD="calm")
        await answers(session, ready)
        assert len(await listed(session, url)) == 500
        metrics = await answers(session, f"http://127.0.0.1:{ports.metrics('sandbox')}/metrics")
        assert 'peal_sandbox_messages_total{channel="email"} 500.0' in metrics
        process.send_signal(signal.SIGTERM)
        assert process.wait(10) == 0
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"PEAL_SANDBOX_WORLD": "heaven"}, "PEAL_SANDBOX_WORLD: name: there is no world 'heaven'"),
        ({"PEAL_SANDBOX_SENDGRID_PRIVATE_KEY": "x"}, "PEAL_SANDBOX_SENDGRID_PRIVATE_KEY"),
    ],
)
def test_a_wrong_setting_ends_the_process_with_a_sentence(tmp_path, settings, words):
    process = start(free_ports(), tmp_path, **settings)
    _, log = process.communicate(timeout=20)
    assert process.returncode == 70
    assert words in log
    assert "Traceback" not in log


async def test_a_taken_port_is_named(tmp_path):
    async with listening() as taken:
        port = int(taken.url.rpartition(":")[2])
        environment = {"PEAL_PORT_BASE": str(port - 2)}
        process = start(free_ports(), tmp_path, **environment)
        _, log = await asyncio.to_thread(process.communicate, timeout=20)
        assert process.returncode == 70
        assert f"port {port}" in log
