"""Accounts at providers: how each stands, what may be entered of one, and what a campaign is told about it."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import ValidationError

from schemas import Account, AccountCheck, Channel
from services.console.core.accounts import due, problems_of, state_of
from services.console.core.connecting import AccountChanges, Connect, Connected, changed, connected

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
SID, TOKEN = "AC" + "1f" * 16, "a-token-5f3a"
TWILIO = {"account_id": "main", "provider": "twilio", "account_sid": SID, "auth_token": TOKEN, "sender": "+15005550006"}
MAIL = {"account_id": "mail", "provider": "sendgrid", "api_key": "SG.x", "sender": "Peal <hi@example.com>"}


def account(**changes: Any) -> Account:
    given = {"account_id": "main", "channel": "sms", "provider": "twilio", "sender": "+15005550006", "rate_per_s": 10,
             "username": SID, "secret": "sealed"}  # fmt: skip
    return Account.model_validate(given | changes)


def check(good: bool) -> AccountCheck:
    return AccountCheck.model_validate(
        {"account_id": "main", "channel": "sms", "at": NOW, "good": good, "detail": "Twilio said no."}
    )


@pytest.mark.parametrize(
    ("changes", "tested", "state"),
    [
        ({}, None, "untested"), ({}, True, "connected"), ({}, False, "failing"),
        ({"expires_at": NOW + timedelta(days=8)}, True, "connected"),
        ({"expires_at": NOW + timedelta(days=6)}, True, "expiring"),
        ({"expires_at": NOW + timedelta(days=6)}, False, "failing"), ({"expires_at": NOW}, True, "expired"),
        ({"expires_at": NOW, "disconnected_at": NOW}, True, "disconnected"),
    ],
)  # fmt: skip
def test_a_badge_says_the_worst_that_is_known(changes: dict[str, Any], tested: bool | None, state: str) -> None:
    assert state_of(account(**changes), None if tested is None else check(tested), NOW) == state


def test_a_campaign_is_stopped_by_what_sends_nothing_and_warned_of_what_may_not() -> None:
    def told(tested: bool = True, **changes: Any) -> tuple[str, bool] | None:
        known = {("sms", "main"): account(**changes)}
        found = problems_of({"sms": "main"}, known, {"sms/main": check(tested)}, NOW)
        return (found[0].problem, found[0].blocking) if found else None

    assert told() is None
    assert told(tested=False) == ("failing", False)
    assert told(expires_at=NOW + timedelta(days=1)) == ("expiring", False)
    assert told(expires_at=NOW - timedelta(days=1)) == ("expired", True)
    assert told(disconnected_at=NOW) == ("disconnected", True)
    missing = problems_of({"email": "default", "sms": "other"}, {}, {}, NOW)
    assert [(each.problem, each.blocking) for each in missing] == [("unknown_account", True)] * 2
    assert "connect one, or leave the channel out" in missing[0].message
    (failing,) = problems_of({"sms": "main"}, {("sms", "main"): account()}, {"sms/main": check(False)}, NOW)
    assert failing.message.startswith("the account 'main' for sms did not pass its last test (Twilio said no)")
    assert failing.path == "/accounts/main"


def test_one_connection_makes_an_account_for_each_channel_and_holds_no_secret() -> None:
    body = Connect.model_validate(
        TWILIO | {"channels": ["sms", "whatsapp"], "whatsapp_sender": "whatsapp:+14155238886"}
    )
    made = connected(body, "north", "https://api.twilio.com", NOW)
    assert isinstance(made, Connected)
    assert [(a.account_id, a.channel, a.sender, a.rate_per_s) for a in made.accounts] == [
        ("main-sms", Channel.SMS, "+15005550006", 10.0), ("main-whatsapp", Channel.WHATSAPP, "+14155238886", 5.0),
    ]  # fmt: skip
    assert {(a.brand, a.username, a.secret) for a in made.accounts} == {("north", SID, "")}
    assert made.secret.get_secret_value() == TOKEN
    assert TOKEN not in repr(body) + repr(made)
    alone = connected(Connect.model_validate(TWILIO), "north", "", NOW)
    assert isinstance(alone, Connected)
    assert [a.account_id for a in alone.accounts] == ["main"]


@pytest.mark.parametrize(
    ("given", "fields"),
    [
        (TWILIO | {"account_sid": "AC1", "sender": "much too long a word"}, {"account_sid", "sender"}),
        (TWILIO | {"auth_token": " "}, {"auth_token"}), (TWILIO | {"channels": ["email"]}, {"channels", "sender"}),
        (TWILIO | {"channels": ["whatsapp"], "sender": "Peal"}, {"whatsapp_sender"}),
        (TWILIO | {"account_id": "connect"}, {"account_id"}), (TWILIO | {"account_id": "x-dlq"}, {"account_id"}),
        (MAIL | {"sender": "hi"}, {"sender"}), (MAIL | {"webhook_public_key": "AAAA"}, {"webhook_public_key"}),
        (MAIL | {"rate_card": {"by_country": {"India": 1}}}, {"rate_card.by_country.India"}),
        ({"account_id": "mail", "provider": "sendgrid"}, {"api_key", "sender"}),
    ],
)  # fmt: skip
def test_everything_that_is_wrong_is_said_by_its_field(given: dict[str, Any], fields: set[str]) -> None:
    found = connected(Connect.model_validate(given), "north", "", NOW)
    assert isinstance(found, list)
    assert {error.field for error in found} == fields
    assert TOKEN not in str(found)


@pytest.mark.parametrize("rate", [0, -1, float("nan"), float("inf"), 10_001])
def test_a_rate_is_one_that_can_be_kept(rate: float) -> None:
    with pytest.raises(ValidationError):
        Connect.model_validate(TWILIO | {"rate_per_s": rate})


def test_a_change_keeps_what_is_left_out_and_another_sid_needs_its_token() -> None:
    was = account(expires_at=NOW, rate_card={"message_micros": 5})
    found = changed(was, AccountChanges.model_validate({"rate_per_s": 3, "expires_at": None}), NOW)
    assert isinstance(found, tuple)
    made, secret = found
    assert (made.rate_per_s, made.expires_at, made.rate_card.message_micros, made.secret, secret) == (
        3.0, None, 5, "sealed", "",
    )  # fmt: skip
    other = changed(was, AccountChanges.model_validate({"account_sid": "AC" + "2b" * 16}), NOW)
    assert isinstance(other, list)
    assert [error.field for error in other] == ["auth_token"]
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    text = base64.b64encode(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
    assert isinstance(changed(was, AccountChanges.model_validate({"webhook_public_key": text}), NOW), tuple)


@pytest.mark.parametrize(
    ("changes", "tested", "later", "is_due"),
    [
        ({}, None, timedelta(0), True),
        ({}, True, timedelta(minutes=359), False), ({}, True, timedelta(minutes=360), True),
        ({}, False, timedelta(minutes=14), False), ({}, False, timedelta(minutes=15), True),
        ({"disconnected_at": NOW}, None, timedelta(days=1), False),
        ({"expires_at": NOW}, True, timedelta(days=1), False),
    ],
)  # fmt: skip
def test_an_account_is_tested_four_times_a_day_and_every_quarter_of_an_hour_while_it_fails(
    changes: dict[str, Any], tested: bool | None, later: timedelta, is_due: bool
) -> None:
    one = account(**changes)
    checks = {} if tested is None else {"sms/main": check(tested)}
    assert due([one], checks, NOW + later, timedelta(hours=6)) == ([one] if is_due else [])
