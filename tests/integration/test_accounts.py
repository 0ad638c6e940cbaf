"""Accounts are connected at the console: proven at the provider, kept encrypted, used by senders and tracker."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from installation_desk import Desk, completed
from ulid import ULID
from waiting import until

from deploy.local.installation import Installation
from schemas import AccountCheck
from schemas.topics import ACCOUNT_CHECKS
from services.console.core.accounts import check_key
from services.runtime.kafka import make_producer

SID, TOKEN, MAIL_KEY = "AC" + "3c" * 16, "hush-third-token", "SG.hush-second-key"
GIVEN = {
    "PEAL_SANDBOX_WORLD": "calm",
    "PEAL_ACCOUNT_TEST_S": "24",
    "PEAL_SANDBOX_TWILIO_ACCOUNTS": json.dumps({SID: TOKEN}),
    "PEAL_SANDBOX_SENDGRID_KEYS": json.dumps([MAIL_KEY]),
}
TWILIO: dict[str, Any] = {
    "account_id": "shop", "provider": "twilio", "channels": ["sms", "whatsapp"], "account_sid": SID,
    "auth_token": TOKEN, "sender": "+15005550009", "rate_per_s": 50, "rate_card": {"message_micros": 900},
}  # fmt: skip


@pytest.fixture
async def browser(installation: Installation, desk: Desk) -> httpx.AsyncClient:
    client = httpx.AsyncClient(base_url=desk.access.console_url, follow_redirects=True, timeout=60)
    await client.post("/login", data={"api_key": desk.access.api_key})
    return client


def by_phone(people: int) -> list[dict[str, Any]]:
    return [{"id": f"p{i}", "name": f"N{i}", "phone": f"+91930001{i:04}", "opt_in": ["sms"]} for i in range(people)]


def field_of(answer: httpx.Response) -> tuple[int, str, str]:
    error = answer.json()["errors"][0]
    return answer.status_code, error["field"], error["problem"]


async def test_only_proven_credentials_are_taken_and_they_are_never_shown_again(
    desk: Desk, browser: httpx.AsyncClient
) -> None:
    wrong = await desk.rest.post("/accounts", json=TWILIO | {"auth_token": "hush-wrong"})
    assert field_of(wrong) == (422, "auth_token", "refused")
    assert "check both" in wrong.json()["detail"]
    assert (await desk.rest.get("/accounts/shop-sms")).status_code == 404, "nothing is left of it"
    made = await desk.rest.post("/accounts", json=TWILIO)
    assert made.status_code == 201, made.text
    assert [(item["account_id"], item["state"]) for item in made.json()["items"]] == [
        ("shop-sms", "connected"), ("shop-whatsapp", "connected"),
    ]  # fmt: skip
    assert field_of(await desk.rest.post("/accounts", json=TWILIO)) == (409, "account_id", "taken")
    mail = {"account_id": "letters", "provider": "sendgrid", "api_key": MAIL_KEY, "sender": "Peal <hi@example.com>"}
    assert field_of(await desk.rest.post("/accounts", json=mail | {"api_key": "SG.no"})) == (422, "api_key", "refused")
    assert (await desk.rest.post("/accounts", json=mail)).json()["items"][0]["state"] == "connected"
    tested = await desk.rest.post("/accounts/default/test", params={"channel": "email"})
    assert (tested.json()["state"], tested.json()["test_detail"]) == (
        "connected", "SendGrid knows the key, and it may send mail.",
    )  # fmt: skip
    pages = [await browser.get(path) for path in ("/accounts", "/accounts/shop-sms", "/accounts/letters")]
    assert all(page.status_code == 200 for page in pages), [page.text[:500] for page in pages]
    assert "/webhooks/twilio/inbound" in pages[1].text
    assert "/webhooks/sendgrid/events?account=letters" in pages[2].text
    audit = (await desk.rest.get("/audit")).text
    for told in (wrong.text, made.text, audit, *(page.text for page in pages)):
        assert "hush-" not in told


async def test_a_connected_account_sends_hears_and_is_stopped(desk: Desk, installation: Installation) -> None:
    sent = await desk.launch(by_phone(30), steps=[{"channel": "sms"}], accounts={"sms": "shop-sms"})
    stats = await desk.until(sent, lambda s: completed(s) and s["by_channel"]["sms"]["delivered"] > 0)
    assert (await desk.reckon(sent, 30)).exact, "callbacks were believed, so signed by this account's token"
    assert {message["account"] for message in await desk.received(sent)} == {"shop-sms"}
    assert stats["by_channel"]["sms"]["sent"] == 30

    changed = await desk.rest.patch("/accounts/shop-sms", json={"rate_per_s": 40})
    assert (changed.json()["rate_per_s"], changed.json()["state"]) == (40, "connected")
    assert field_of(await desk.rest.patch("/accounts/shop-sms", json={"rate_per_s": 0}))[:2] == (422, "rate_per_s")
    assert field_of(await desk.rest.patch("/accounts/shop-sms", json={"auth_token": "hush-no"}))[1] == "auth_token"

    assert (await desk.rest.post("/accounts/shop-sms/disconnect")).json()["state"] == "disconnected"
    assert (await desk.rest.post("/accounts/shop-sms/test")).status_code == 409
    campaign = {"id": str(ULID()), "name": "No way", "channels": ["sms"], "accounts": {"sms": "shop-sms"},
                "body": {"text": "Hi"}, "audience": {"recipients": by_phone(1)}}  # fmt: skip
    refused = await desk.rest.post("/campaigns", json=campaign, params={"launch": "true"})
    assert field_of(refused) == (422, "accounts.sms", "unknown_account")
    back = await desk.rest.patch("/accounts/shop-sms", json={"auth_token": TOKEN})
    assert back.json()["state"] == "connected"
    again = await desk.launch(by_phone(5), steps=[{"channel": "sms"}], accounts={"sms": "shop-sms"})
    await desk.until(again, completed)
    assert (await desk.reckon(again, 5)).exact
    logs = [file.read_text(errors="replace") for file in Path(installation.stack.data_dir, "logs").glob("*.log")]
    assert logs
    assert not [log for log in logs if "hush-" in log]


async def test_accounts_are_tested_without_being_asked_to(desk: Desk, installation: Installation) -> None:
    """One that nobody has ever tested, and one that had failed and works again."""

    async def tested(channel: str, since: datetime) -> bool:
        accounts = (await desk.rest.get("/accounts")).json()["items"]
        (one,) = (each for each in accounts if (each["account_id"], each["channel"]) == ("default", channel))
        return one["state"] == "connected" and datetime.fromisoformat(one["tested_at"]) > since

    now = datetime.now(UTC)
    never = datetime.min.replace(tzinfo=UTC)
    await until(lambda: tested("whatsapp", never), "the account that nobody had tested is tested")
    failed = AccountCheck.model_validate(
        {"account_id": "default", "channel": "sms", "at": now, "good": False, "detail": "Twilio said no."}
    )
    async with make_producer(installation.stack.settings) as producer:
        await producer.send_and_wait(ACCOUNT_CHECKS, failed.write(), check_key("sms", "default").encode())
    await until(lambda: tested("sms", now), "the account that had failed is tested again")
