"""Everything that decodes what others send. A target raises where one of them does not answer in its own words."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from importlib.resources import files
from types import SimpleNamespace
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec
from aiokafka import TopicPartition
from aiokafka.structs import ConsumerRecord

from schemas import Campaign, Command, CommandType
from schemas.base import CampaignId
from schemas.topics import CONSENTS, CONTACT_CHANGES, DELIVERY_EVENTS, ENGAGEMENTS, INBOUND_MESSAGES
from services.domain.campaigns import record_of
from services.domain.eligibility import SOURCES
from services.domain.marks import Mark, decode_mark
from services.planner.core.decisions import Accepted
from services.planner.core.decoding import Refused, Unanswerable, decode_command
from services.planner.core.due import due_at, expires_at
from services.planner.core.lifecycle import steer
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
TRACKED: Final = (DELIVERY_EVENTS, CONSENTS, ENGAGEMENTS, INBOUND_MESSAGES, CONTACT_CHANGES, "send-sms")
PLACE: Final = TopicPartition("send-sms", 3)
KEYWORDS: Final = Keywords.of(DEFAULT_WORDS)
RULES: Final = Rules(lambda keys: [PLACE.partition] * len(keys), "IN")


def _record(topic: str, value: bytes) -> Any:
    """Under the key that the value names, where it names one: else all would end at that."""
    found = _recipient(value)
    return ConsumerRecord(topic, PLACE.partition, 42, 0, 0, found, value, None, 0, 0, ())


def _recipient(value: bytes) -> bytes:
    try:
        named = msgspec.json.decode(value, type=dict[str, Any]).get("recipient")
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        named = None
    return named.encode(errors="replace") if isinstance(named, str) else b"default/p"


def _campaign(campaign_id: str) -> Any:
    step = SimpleNamespace(channel=SimpleNamespace(value="email"), account="default")
    return SimpleNamespace(brand="default", steps=[step]) if campaign_id else None


def command(data: bytes) -> None:
    decoded = decode_command(data)
    assert isinstance(decoded, Command | Refused | Unanswerable)
    if isinstance(decoded, Refused):
        assert all(error.field and error.message for error in decoded.errors)
    elif isinstance(decoded, Command) and decoded.campaign is not None:
        _launch(decoded, decoded.campaign)


def _launch(sent: Command, campaign: Campaign) -> None:
    """What is accepted must have its moments in the calendar too: else it would stop the planner later."""
    record = record_of(campaign, CampaignId("c"), NOW)
    decision = steer(record, sent.model_copy(update={"type": CommandType.LAUNCH, "expected_epoch": None}), NOW)
    if isinstance(decision, Accepted) and (due := due_at(decision.record, 1, {})) is not None:
        assert expires_at(decision.record, due) > due


def router(data: bytes) -> None:
    """The first byte says of which topic."""
    found = read(_record(SOURCES[data[0] % len(SOURCES)], data[1:]), NOW)
    if isinstance(found, Bad):
        assert found.reason
        assert found.detail


def tracker(data: bytes) -> None:
    """The first byte says of which topic."""
    batch = Batch()
    refused = add_records(batch, (topic := TRACKED[data[0] % len(TRACKED)]), [_record(topic, data[1:])], RULES, NOW_MS)
    stored = (batch.ledger, batch.consents, batch.engagements, batch.inbound, batch.changes, batch.misplaced)
    assert refused == len(batch.refused) == 1 - sum(bool(rows) for rows in stored)


def sender(data: bytes) -> None:
    item = Reader(None, PLACE)._item(_record(PLACE.topic, data))
    assert (item.message is None) == (item.poison is not None)
    if item.poison:
        event = dead_letter_event(data, item.poison.detail, NOW)
        assert event is None or event.status == "failed"


def sendgrid(data: bytes) -> None:
    events = read_events(data)
    if events is None:
        return
    parsed = parse_events(events, _campaign, NOW)
    assert parsed.counted.total() == len(events)
    assert len(parsed.events) + len(parsed.unknown) <= len(events)
    for event in parsed.events:
        assert msgspec.json.decode(msgspec.json.encode(event))


def twilio(data: bytes) -> None:
    """A query, a line's end, a form."""
    query, _, body = data.partition(b"\n")
    form = twilio_form(body)
    if form is None:
        return
    asked = dict(parse_qsl(query.decode("ascii", "replace"), keep_blank_values=True))
    parsed = parse_status(form, asked, _campaign, NOW)
    assert parsed.counted.total() == 1
    assert len(parsed.events) + len(parsed.unknown) <= 1
    message = parse_inbound(form, "default", KEYWORDS, NOW)
    assert message is None or msgspec.json.decode(msgspec.json.encode(message))


def mark(data: bytes) -> None:
    """What a consumer group's commit says beside its offset."""
    try:
        assert isinstance(decode_mark(data.decode(errors="replace")), Mark)
    except msgspec.MsgspecError:
        return


TARGETS: Final[Mapping[str, Callable[[bytes], None]]] = {
    one.__name__: one for one in (command, router, tracker, sender, sendgrid, twilio, mark)
}

_BOUNCE = {
    "event": "bounce", "peal_send_id": "c/1/p", "peal_attempt": "1", "peal_ord": "1", "peal_account": "default",
    "sg_message_id": "m.1", "timestamp": NOW_MS // 1000, "reason": "550", "type": "blocked", "status": "5.0.0",
    "email": "a@example.com", "sg_machine_open": True, "bounce_classification": "Invalid Address",
}  # fmt: skip
_STATUS = b"send=c%2F1%2Fp&attempt=1&ord=17&account=default\n"


def seeds(target: str) -> list[bytes]:
    """Good input to begin from: the examples that upstream systems are given, and what the providers post."""
    if target == "sendgrid":
        return [json.dumps([_BOUNCE, _BOUNCE | {"event": "click", "url": "https://example.com"}]).encode()]
    if target == "twilio":
        told = b"MessageStatus=undelivered&MessageSid=SM1&ErrorCode=30003&From=%2B15005550006&To=%2B919812345678"
        said = b"MessageSid=SM2&From=whatsapp%3A%2B919812345678&To=whatsapp%3A%2B14155238886&Body=STOP&AccountSid=AC1"
        return [_STATUS + told, b"\n" + said]
    if target == "mark":
        return [b'{"do": "call", "through": 7, "seen": 4711}', b'{"do": "return", "through": 7, "seen": 4711}', b""]
    wanted = {"command": "command-", "sender": "send-message"}.get(target, "")
    examples = [file for file in files("schemas").joinpath("examples").iterdir() if file.name.startswith(wanted)]
    values = [json.dumps(json.loads(file.read_bytes())).encode() for file in examples]
    topics = {"router": SOURCES, "tracker": TRACKED}.get(target)
    return values if topics is None else [bytes([number]) + value for number in range(len(topics)) for value in values]
