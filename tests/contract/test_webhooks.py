"""Providers' callbacks: signed with the providers' own SDKs, translated by tables, nothing unknown dropped."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from multidict import MultiDict
from sendgrid.helpers.eventwebhook import EventWebhook
from twilio.request_validator import RequestValidator

from schemas import CampaignRecord, CampaignStatus, Content, DeliveryEvent, InboundMessage, StepRecord
from services.domain.messages import encode_json
from services.tracker.core.keywords import DEFAULT_WORDS, Keywords
from services.tracker.core.sendgrid import parse_events
from services.tracker.core.twilio import parse_inbound, parse_status
from services.tracker.webhooks.verify import load_sendgrid_key, sendgrid_genuine, twilio_form, twilio_genuine

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
TOKEN = "12345"
URL = "https://peal.example.com/webhooks/twilio/status?send=camp%2F2%2Fc-1&attempt=3&ord=17&account=main"
FORM = {"MessageSid": "SM1", "MessageStatus": "delivered", "To": "+919812345678", "AccountSid": "AC1", "ErrorCode": ""}
QUERY = dict(parse_qsl(URL.partition("?")[2]))
KEY = ec.generate_private_key(ec.SECP256R1())
PUBLIC = base64.b64encode(KEY.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
MAIL: dict[str, Any] = {
    "email": "a@example.com", "timestamp": round(NOW.timestamp()) - 5, "event": "delivered", "sg_event_id": "e1",
    "sg_message_id": "abc.recvd-1-1.0", "peal_send_id": "camp/1/c-1", "peal_attempt": "2", "peal_ord": "17",
    "peal_account": "mail",
}  # fmt: skip


def campaign() -> CampaignRecord:
    steps = [{"channel": "email", "account": "mail"}, {"channel": "sms", "account": "main"}]
    return CampaignRecord(
        campaign_id="camp", brand="acme", name="Camp", status=CampaignStatus.ACTIVE, epoch=1,
        steps=[StepRecord.model_validate(step | {"content": Content()}) for step in steps],
        created_at=NOW, updated_at=NOW,
    )  # fmt: skip


FIND = {"camp": campaign()}.get


def fits_the_wire(event: Any) -> DeliveryEvent:
    return DeliveryEvent.read(encode_json(event))


def sendgrid_signature(timestamp: str, body: bytes) -> str:
    return base64.b64encode(KEY.sign(timestamp.encode() + body, ec.ECDSA(hashes.SHA256()))).decode()


def test_a_form_signed_by_twilios_own_signer_is_genuine() -> None:
    form = twilio_form(urlencode(FORM).encode())
    assert form is not None
    assert twilio_genuine(TOKEN, URL, form, RequestValidator(TOKEN).compute_signature(URL, FORM))


def test_an_empty_form_field_is_part_of_what_is_signed() -> None:
    form = twilio_form(urlencode(FORM).encode())
    assert form is not None
    assert form["ErrorCode"] == ""


@pytest.mark.parametrize("damage", ["url", "field", "added", "signature", "unsigned", "token", "no_token"])
def test_an_altered_forged_or_unsigned_form_is_refused(damage: str) -> None:
    signature = RequestValidator("other" if damage == "token" else TOKEN).compute_signature(URL, FORM)
    form = MultiDict(FORM | {"field": {"MessageStatus": "failed"}, "added": {"Extra": "1"}}.get(damage, {}))
    url = URL.replace("attempt=3", "attempt=4") if damage == "url" else URL
    if damage == "signature":
        signature = base64.b64encode(b"x" * 20).decode()
    if damage == "unsigned":
        signature = ""
    token = "" if damage == "no_token" else TOKEN
    assert not twilio_genuine(token, url, form, signature)


def test_a_signature_under_an_empty_token_is_worth_nothing() -> None:
    """An installation without credentials must not believe whoever signs with nothing."""
    assert not twilio_genuine("", URL, MultiDict(FORM), RequestValidator("").compute_signature(URL, FORM))


def test_what_sendgrids_own_verifier_takes_is_genuine_and_nothing_else() -> None:
    body, timestamp = json.dumps([MAIL]).encode(), "1763715600"
    signature = sendgrid_signature(timestamp, body)
    key = load_sendgrid_key(PUBLIC)
    assert EventWebhook(PUBLIC).verify_signature(body.decode(), signature, timestamp)
    assert sendgrid_genuine(key, timestamp, body, signature)
    assert not sendgrid_genuine(key, timestamp, body + b" ", signature)
    assert not sendgrid_genuine(key, "1763715601", body, signature)
    assert not sendgrid_genuine(key, timestamp, body, "")
    assert not sendgrid_genuine(key, timestamp, body, "not base64 !")
    assert not sendgrid_genuine(key, timestamp, body, base64.b64encode(b"rubbish").decode())
    assert not sendgrid_genuine(None, timestamp, body, signature)


@pytest.mark.parametrize(
    ("word", "code", "status", "reason"),
    [
        ("sent", "", "accepted", ""),
        ("delivered", "", "delivered", ""),
        ("read", "", "read", ""),
        ("undelivered", "30003", "failed_retryable", "unreachable"),
        ("undelivered", "30005", "failed", "invalid_address"),
        ("undelivered", "30006", "failed", "invalid_address"),
        ("undelivered", "30007", "failed", "filtered"),
        ("failed", "21610", "failed", "opted_out"),
        ("failed", "30001", "failed_retryable", "queue_full"),
        ("failed", "63016", "failed", "outside_window"),
        ("failed", "63018", "failed_retryable", "rate_limited"),
        ("failed", "63024", "failed", "invalid_address"),
        ("failed", "63049", "failed", "declined_by_platform"),
        ("failed", "99999", "failed", "provider_99999"),
        ("failed", "", "failed", "unknown_error"),
        ("canceled", "", "failed", "canceled"),
    ],
)
def test_twilios_words_become_ours(word: str, code: str, status: str, reason: str) -> None:
    parsed = parse_status(FORM | {"MessageStatus": word, "ErrorCode": code}, QUERY, FIND, NOW)
    event = fits_the_wire(parsed.events[0])
    assert (event.status, event.reason) == (status, reason)
    assert (event.send_id, event.attempt, event.ord, event.account) == ("camp/2/c-1", 3, 17, "main")
    assert (event.recipient, event.channel) == ("acme/c-1", "sms")
    assert event.event_id == f"camp/2/c-1/3/{status}/twilio"
    assert not parsed.unknown


@pytest.mark.parametrize("word", ["queued", "sending", "accepted", "scheduled"])
def test_words_on_the_way_are_counted_and_make_no_event(word: str) -> None:
    parsed = parse_status(FORM | {"MessageStatus": word}, QUERY, FIND, NOW)
    assert (parsed.events, parsed.unknown, parsed.counted[word]) == ([], [], 1)


@pytest.mark.parametrize(
    ("form", "query", "reason"),
    [
        ({"MessageStatus": "teleported"}, QUERY, "unknown_status"),
        ({}, {}, "no_send_id"),
        ({}, QUERY | {"send": "other/1/c-1"}, "unknown_campaign"),
        ({}, QUERY | {"send": "camp/9/c-1"}, "unknown_campaign"),
        ({}, QUERY | {"send": "camp/x/c-1"}, "no_send_id"),
        ({}, QUERY | {"attempt": "-1"}, "no_send_id"),
    ],
)
def test_what_twilio_says_and_we_do_not_understand_is_kept_without_the_address(
    form: dict[str, str], query: dict[str, str], reason: str
) -> None:
    parsed = parse_status(FORM | form, query, FIND, NOW)
    assert parsed.events == []
    assert [unknown.reason for unknown in parsed.unknown] == [reason]
    assert "SM1" in parsed.unknown[0].body
    assert "9812345678" not in parsed.unknown[0].body


def test_a_callback_of_a_send_without_ordinal_is_in_the_ledger_and_in_no_count() -> None:
    parsed = parse_status(FORM, QUERY | {"ord": ""}, FIND, NOW)
    assert parsed.events[0].ord == 4294967295


@pytest.mark.parametrize(
    ("change", "status", "reason", "machine"),
    [
        ({}, "delivered", "", False),
        ({"event": "open"}, "read", "", False),
        ({"event": "open", "sg_machine_open": True}, "read", "", True),
        ({"event": "click", "url": "https://x"}, "clicked", "", False),
        ({"event": "spamreport"}, "complained", "", False),
        ({"event": "unsubscribe"}, "unsubscribed", "", False),
        ({"event": "group_unsubscribe"}, "unsubscribed", "", False),
        ({"event": "bounce", "type": "bounce", "status": "5.1.1", "bounce_classification": "Invalid Address"},
         "bounced", "invalid_address", False),
        ({"event": "bounce", "type": "bounce", "status": "5.0.0"}, "bounced", "invalid_address", False),
        ({"event": "bounce", "type": "blocked", "status": "4.2.2", "bounce_classification": "Mailbox Unavailable"},
         "failed", "mailbox_unavailable", False),
        ({"event": "bounce", "type": "blocked", "bounce_classification": "Reputation"}, "failed", "reputation", False),
        ({"event": "dropped", "reason": "Bounced Address"}, "failed", "bounced_before", False),
        ({"event": "dropped", "reason": "Unsubscribed Address"}, "failed", "opted_out", False),
        ({"event": "dropped", "reason": "Spam Reporting Address"}, "failed", "complained_before", False),
        ({"event": "dropped", "reason": "Invalid"}, "failed", "invalid_address", False),
        ({"event": "dropped", "reason": "Something New"}, "failed", "dropped", False),
    ],
)  # fmt: skip
def test_sendgrids_words_become_ours(change: dict[str, Any], status: str, reason: str, machine: bool) -> None:
    parsed = parse_events([MAIL | change], FIND, NOW)
    event = fits_the_wire(parsed.events[0])
    assert (event.status, event.reason, event.machine) == (status, reason, machine)
    assert (event.send_id, event.attempt, event.ord, event.account) == ("camp/1/c-1", 2, 17, "mail")
    assert event.occurred_at == NOW - timedelta(seconds=5)
    assert event.provider_message_id == "abc"


def test_the_providers_explanation_is_kept_without_the_address() -> None:
    told = MAIL | {"event": "bounce", "type": "bounce", "status": "5.1.1", "reason": "550 <a@example.com> unknown"}
    event = parse_events([told], FIND, NOW).events[0]
    assert "unknown" in event.detail
    assert "a@example.com" not in event.detail


@pytest.mark.parametrize("word", ["processed", "deferred", "group_resubscribe"])
def test_mails_words_on_the_way_are_counted_and_make_no_event(word: str) -> None:
    parsed = parse_events([MAIL | {"event": word}], FIND, NOW)
    assert (parsed.events, parsed.unknown, parsed.counted[word]) == ([], [], 1)


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (MAIL | {"event": "teleported"}, "unknown_status"),
        ({"event": "delivered", "email": "a@example.com"}, "no_send_id"),
        (MAIL | {"peal_send_id": "other/1/c-1"}, "unknown_campaign"),
        (MAIL | {"peal_attempt": "two"}, "no_send_id"),
        ("text", "not_an_object"),
        (None, "not_an_object"),
    ],
)
def test_one_event_that_is_not_understood_is_kept_and_the_others_count(event: Any, reason: str) -> None:
    parsed = parse_events([event, MAIL], FIND, NOW)
    assert [unknown.reason for unknown in parsed.unknown] == [reason]
    assert "a@example.com" not in parsed.unknown[0].body
    assert len(parsed.events) == 1


@pytest.mark.parametrize("timestamp", [None, "soon", -5, 1e18])
def test_an_impossible_time_is_replaced_by_when_it_came(timestamp: Any) -> None:
    assert parse_events([MAIL | {"timestamp": timestamp}], FIND, NOW).events[0].occurred_at == NOW


def test_what_a_person_writes_becomes_an_inbound_message() -> None:
    form = {"MessageSid": "SM9", "From": "whatsapp:+919812345678", "To": "whatsapp:+15005550006", "Body": "Stop!"}
    message = parse_inbound(form, "main", Keywords.of(DEFAULT_WORDS), NOW)
    assert message is not None
    made = InboundMessage.read(encode_json(message))
    assert (made.channel, made.from_address, made.keyword, made.account) == (
        "whatsapp", "+919812345678", "stop", "main",
    )  # fmt: skip


def test_what_nobody_wrote_is_no_inbound_message() -> None:
    assert parse_inbound({"Body": "x"}, "main", Keywords.of(DEFAULT_WORDS), NOW) is None
