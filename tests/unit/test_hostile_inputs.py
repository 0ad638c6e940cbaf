"""Whatever bytes come in, nothing is raised but our own errors: the stream goes on, and a webhook answers."""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, Final

import msgspec
import pytest
from aiokafka import TopicPartition
from aiokafka.structs import ConsumerRecord
from hypothesis import given, settings
from hypothesis import strategies as st

from schemas import Command
from schemas.topics import CONSENTS, CONTACT_CHANGES, DELIVERY_EVENTS, ENGAGEMENTS, INBOUND_MESSAGES, SEND_REQUESTED
from services.domain.eligibility import SOURCES
from services.domain.marks import Mark, decode_mark
from services.planner.core.decoding import LARGEST_COMMAND, Refused, Unanswerable, decode_command
from services.router.inputs import Bad, read
from services.senders.core.poison import dead_letter_event
from services.senders.reader import Reader
from services.tracker.core.batch import Batch, Rules, add_records
from services.tracker.core.keywords import DEFAULT_WORDS, Keywords
from services.tracker.core.sendgrid import parse_events, read_events
from services.tracker.core.twilio import parse_inbound, parse_status
from services.tracker.webhooks.verify import twilio_form

NOW: Final = datetime(2026, 11, 21, 9, tzinfo=UTC)
NOW_MS: Final = int(NOW.timestamp() * 1000)
LONG = "9" * 5_000
"""More digits than Python turns into a number."""

ODD = st.sampled_from(
    ["", "/", "//", "c/1/p", "c/0/p", f"c/{LONG}/p", "c/²/p", "c/١/p", "c/-1/p", LONG, "1", "-1", "0", "٣", "²",
     "1e400", "NaN", "\x00", "\ud800", "default/p", "2026-11-21T09:00:00Z", "0001-01-01T00:00:00Z",
     "9999-12-31T23:59:59-14:00", "2026-11-21T09:00:00", "sms", "delivered", "open",
     "bounce", "dropped", "sent", "failed", "opted_out"]
)  # fmt: skip
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), ODD,
    st.sampled_from([2**63, -(2**63), 2**64, 10**400, 65_536, -1, 0, 1]),
)  # fmt: skip
JSON = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.one_of(ODD, st.text(max_size=8)), inner, max_size=4)
    ),
    max_leaves=12,
)
DEEP: Final = {
    "brackets": b"[" * 100_000,
    "braces": b'{"a":' * 50_000,
    "closed": b'{"x":' + b"[" * 5_000 + b"]" * 5_000 + b"}",
}

EVENT = {
    "event_id": "e", "send_id": "c/1/p", "campaign_id": "c", "step": 1, "recipient": "default/p", "ord": 1,
    "attempt": 1, "channel": "sms", "account": "default", "status": "accepted", "occurred_at": "2026-11-21T09:00:00Z",
    "source": "sender", "reason": "", "detail": "", "cost_micros": 1, "provider": "twilio", "machine": False,
}  # fmt: skip
MESSAGE = {
    "send_id": "c/1/p", "campaign_id": "c", "step": 1, "recipient": "default/p", "ord": 1, "attempt": 1, "epoch": 1,
    "channel": "sms", "address": "+919812345678", "data": {"a": 1}, "expires_at": "2026-12-01T00:00:00Z", "zone": "UTC",
    "request_offset": 1, "routed_at": "2026-11-21T09:00:00Z", "missing": [], "reserved_micros": 1, "not_before": None,
}  # fmt: skip
GOOD: Final[dict[str, dict[str, Any]]] = {
    DELIVERY_EVENTS: EVENT,
    SEND_REQUESTED: MESSAGE,
    "send-sms": MESSAGE,
    CONSENTS: {"recipient": "default/p", "channel": "sms", "state": "opted_in", "at": "2026-11-21T09:00:00Z",
               "purpose": "marketing", "reason": "opted_out", "source": "", "proof": ""},
    ENGAGEMENTS: {"recipient": "default/p", "kind": "visit", "campaign_id": "c", "at": "2026-11-21T09:00:00Z",
                  "value": "1.5"},
    INBOUND_MESSAGES: {"message_id": "m", "recipient": "default/p", "channel": "sms", "account": "default",
                       "from_address": "+919812345678", "to_address": "+15550001111", "text": "STOP",
                       "at": "2026-11-21T09:00:00Z", "keyword": "stop"},
    CONTACT_CHANGES: {"recipient": "default/p", "occurred_at": "2026-11-21T09:00:00Z", "unset": ["phone", "x"],
                      "set": {"name": "A", "email": "a@example.com", "phone": "98123 45678", "zone": "Asia/Kolkata",
                              "role": "customer", "last_active_at": "2026-11-21T09:00:00Z",
                              "attributes": {"plan": "x"}}},
}  # fmt: skip
COMMAND = {
    "type": "campaign.send", "command_id": "k", "brand": "default", "at": "2026-11-21T09:00:00Z",
    "campaign": {"id": "c", "name": "C", "body": {"text": "Hi {{ name }}", "link": "https://example.com"},
                 "channels": ["sms"], "audience": {"filter": {"cities": ["Pune"]}}, "limits": {"expires_after": "7d"},
                 "budget": {"total": "5.00", "currency": "USD", "allocation": {"sms": "40%"}},
                 "schedule": {"at": "2026-12-01T10:00", "zone": "Asia/Kolkata"}},
}  # fmt: skip


def values(good: dict[str, Any]) -> st.SearchStrategy[bytes]:
    """Bytes of any kind, any JSON, and good values in which something was replaced, added or left out."""
    return st.one_of(
        st.binary(max_size=60),
        st.sampled_from(sorted(DEEP)).map(DEEP.__getitem__),
        JSON.map(encoded),
        st.lists(st.tuples(st.sampled_from(paths(good)), JSON, st.booleans()), min_size=1, max_size=3).map(
            lambda changes: encoded(changed(good, changes))
        ),
    )


def encoded(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=True).encode()


def paths(value: dict[str, Any], before: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    found = [(*before, "unknown")]
    for name, inner in value.items():
        found.append((*before, name))
        if isinstance(inner, dict):
            found += paths(inner, (*before, name))
    return found


def changed(good: dict[str, Any], changes: list[tuple[tuple[str, ...], Any, bool]]) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(json.dumps(good))
    for path, value, drop in changes:
        inside: Any = made
        for name in path[:-1]:
            inside = inside.get(name) if isinstance(inside, dict) else None
        if isinstance(inside, dict):
            inside[path[-1]] = value
            if drop:
                del inside[path[-1]]
    return made


def fetched(topic: str, value: bytes | None, key: bytes | None = b"default/p") -> Any:
    return ConsumerRecord(topic, 3, 42, 0, 0, key, value, None, 0, 0, ())


@pytest.mark.parametrize("topic", SOURCES)
@settings(deadline=None, max_examples=40)
@given(st.data())
def test_the_router_reads_it_or_says_why_not(topic: str, data: st.DataObject) -> None:
    found = read(fetched(topic, data.draw(values(GOOD[topic]))), NOW)
    if isinstance(found, Bad):
        assert found.reason
        assert found.detail


RULES = Rules(lambda keys: [3] * len(keys), "IN")


@pytest.mark.parametrize("topic", GOOD.keys() - {SEND_REQUESTED})
@settings(deadline=None, max_examples=40)
@given(st.data())
def test_the_tracker_stores_it_or_refuses_it(topic: str, data: st.DataObject) -> None:
    batch = Batch()
    value = data.draw(values(GOOD[topic]))
    refused = add_records(batch, topic, [fetched(topic, value)], RULES, NOW_MS)
    stored = batch.ledger or batch.consents or batch.engagements or batch.inbound or batch.changes
    assert refused == len(batch.refused)
    assert bool(refused) != bool(stored)


@pytest.mark.parametrize("name", DEEP)
def test_a_thousand_brackets_stop_neither_tracker_nor_sender(name: str) -> None:
    batch = Batch()
    for topic in GOOD.keys() - {SEND_REQUESTED}:
        assert add_records(batch, topic, [fetched(topic, DEEP[name])], RULES, NOW_MS) == 1
    assert {refusal.reason for refusal in batch.refused} == {"undecodable"}
    assert Reader(None, TopicPartition("send-sms", 3))._item(fetched("send-sms", DEEP[name])).poison
    assert dead_letter_event(DEEP[name], "", NOW) is None


@pytest.mark.parametrize("body", [*DEEP.values(), b"", b"{}", b"\xff", b"null"])
def test_what_is_no_list_of_events_is_told_to_be_none(body: bytes) -> None:
    assert read_events(body) is None


@pytest.mark.parametrize("number", [LONG, "٣", "0", "-1", "65536", ""])
def test_a_callback_of_an_attempt_that_cannot_be_is_kept_and_no_event(number: str) -> None:
    parsed = parse_status({"MessageStatus": "delivered"}, {"send": "c/1/p", "attempt": number, "ord": "1"}, find, NOW)
    assert [unknown.reason for unknown in parsed.unknown] == ["no_send_id"]
    assert not parsed.events


@settings(deadline=None, max_examples=60)
@given(values(MESSAGE))
def test_a_sender_reads_it_or_puts_it_aside(value: bytes) -> None:
    item = Reader(None, TopicPartition("send-sms", 3))._item(fetched("send-sms", value))
    assert (item.message is None) == (item.poison is not None)
    if item.poison:
        event = dead_letter_event(value, item.poison.detail, NOW)
        assert event is None or event.status == "failed"


@settings(deadline=None, max_examples=100)
@given(values(COMMAND))
def test_the_planner_takes_a_command_refuses_it_or_cannot_answer_it(value: bytes) -> None:
    decoded = decode_command(value)
    assert isinstance(decoded, Command | Refused | Unanswerable)
    if isinstance(decoded, Refused):
        assert all(error.field and error.message for error in decoded.errors)


def test_the_largest_command_is_read_in_time() -> None:
    recipients = [{"id": f"c-{n}", "phone": "+919812345678"} for n in range(15_000)]
    value = encoded({**COMMAND, "campaign": {**COMMAND["campaign"], "audience": {"recipients": recipients}}})  # type: ignore[dict-item]
    assert len(value) < LARGEST_COMMAND
    assert isinstance(decode_command(value), Command)


@pytest.mark.parametrize("after", ["9" * 30 + "d", "9" * 5_000 + "s", "4000d", "1e3d", "-1d"])
def test_a_duration_beyond_the_calendar_is_refused_and_named(after: str) -> None:
    """Else it would end the planner: at once, or when the step is due."""
    steps = [{"channel": "sms"}, {"channel": "sms", "after": after}]
    campaign = {name: value for name, value in COMMAND["campaign"].items() if name != "channels"} | {"steps": steps}  # type: ignore[attr-defined]
    decoded = decode_command(encoded(COMMAND | {"campaign": campaign}))
    assert isinstance(decoded, Refused)
    assert any("after" in error.field for error in decoded.errors)


SENDGRID = {
    "event": "bounce", "peal_send_id": "c/1/p", "peal_attempt": "1", "peal_ord": "1", "peal_account": "default",
    "sg_message_id": "m.1", "timestamp": NOW_MS // 1000, "reason": "550", "type": "blocked", "status": "5.0.0",
    "email": "a@example.com", "sg_machine_open": True, "bounce_classification": "Invalid Address",
}  # fmt: skip


def find(campaign_id: str) -> Any:
    channel = SimpleNamespace(value="email")
    step = SimpleNamespace(channel=channel, account="default")
    return SimpleNamespace(brand="default", steps=[step]) if campaign_id == "c" else None


@settings(deadline=None, max_examples=100)
@given(st.lists(values(SENDGRID), max_size=3))
def test_every_event_of_sendgrid_s_is_told_counted_or_kept(bodies: list[bytes]) -> None:
    events = [event for body in bodies for event in read_events(b"[%s]" % body) or ()]
    parsed = parse_events(events, find, NOW)
    assert parsed.counted.total() == len(events)
    assert len(parsed.events) + len(parsed.unknown) <= len(events)
    for event in parsed.events:
        assert msgspec.json.decode(msgspec.json.encode(event))


SENT = ODD.filter(lambda text: text.isprintable())
"""What a form can carry: its bytes were decoded, half of a surrogate pair is none."""
FORM = st.dictionaries(
    st.sampled_from(["MessageStatus", "SmsStatus", "MessageSid", "SmsSid", "ErrorCode", "ErrorMessage", "From", "To",
                     "Body", "OptOutType", "ChannelStatusMessage", "Price", "PriceUnit", "AccountSid"]),
    st.one_of(SENT, st.text(max_size=20), st.sampled_from(["undelivered", "read", "30003", "whatsapp:", "STOP"])),
)  # fmt: skip
QUERY = st.dictionaries(st.sampled_from(["send", "attempt", "ord", "account"]), st.one_of(SENT, st.text(max_size=20)))


@settings(deadline=None, max_examples=100)
@given(FORM, QUERY)
def test_every_callback_of_twilio_s_is_told_counted_or_kept(form: dict[str, str], query: dict[str, str]) -> None:
    parsed = parse_status(form, query, find, NOW)
    assert parsed.counted.total() == 1
    assert len(parsed.events) + len(parsed.unknown) <= 1
    inbound = parse_inbound(form, "default", Keywords.of(DEFAULT_WORDS), NOW)
    assert inbound is None or inbound.from_address is not None


@given(st.binary(max_size=200))
def test_any_bytes_are_a_form_or_none(body: bytes) -> None:
    twilio_form(body)


@given(st.one_of(st.text(max_size=60), JSON.map(lambda value: encoded(value).decode())))
def test_a_commit_is_ours_or_told_to_be_another_s(metadata: str) -> None:
    with suppress(msgspec.MsgspecError):
        assert isinstance(decode_mark(metadata), Mark)
