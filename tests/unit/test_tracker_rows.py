"""From topics to rows: what makes no row is refused with a reason, and the stream goes on."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Any

import msgspec
import pytest

from schemas import RANK, Channel, SendMessage, Status
from schemas.topics import (
    AUDIT_LOG,
    CONSENTS,
    CONTACT_CHANGES,
    DELIVERY_EVENTS,
    ENGAGEMENTS,
    INBOUND_MESSAGES,
    load_topics,
)
from services.domain.messages import DeliveryEvent, encode_json, event_for
from services.domain.messages import SendMessage as HotSendMessage
from services.runtime.kafka import partition_of
from services.runtime.partitions import partitions_for
from services.tracker.core.batch import Batch, Rules, add_records
from services.tracker.core.rows import CHANNELS, LEDGER_COLUMNS, STATUSES
from services.tracker.migrate import migrations, statements

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
RULES = Rules(lambda keys: partitions_for(keys, 8), "")
EVENT: dict[str, Any] = {
    "event_id": "camp/1/c-1/1/accepted/sender", "send_id": "camp/1/c-1", "campaign_id": "camp", "step": 1,
    "recipient": "default/c-1", "ord": 17, "attempt": 1, "channel": "email", "account": "default", "status": "accepted",
    "cost_micros": 900, "occurred_at": "2026-11-21T08:59:59.123Z", "source": "sender",
}  # fmt: skip


@dataclass
class Record:
    topic: str
    value: bytes | None
    key: bytes | None
    partition: int = 0
    offset: int = 5
    headers: tuple[Any, ...] = field(default=())


def record(topic: str, value: object, key: str, partition: int | None = None) -> Record:
    raw = value if isinstance(value, bytes) or value is None else msgspec.json.encode(value)
    return Record(topic, raw, key.encode(), partition_of(key, 8) if partition is None else partition)


def batch_of(*records: Record) -> Batch:
    batch = Batch()
    for one in records:
        add_records(batch, one.topic, [one], RULES, round(NOW.timestamp() * 1000))
    return batch


def refusals(batch: Batch) -> list[str]:
    return [refusal.reason for refusal in batch.refused]


def test_the_numbers_of_statuses_and_channels_in_sql_are_those_of_the_wire() -> None:
    """The rank table stands in one place; SQL repeats it, and may not differ."""
    words = ", ".join(f"'{status.value}' = {RANK[status]}" for status in Status)
    channels = ", ".join(f"'{channel.value}' = {number}" for number, channel in enumerate(Channel, 1))
    text = "\n".join(" ".join(sql.split()) for name, sql in migrations() if name <= "0002")
    text += "\n".join(" ".join(sql.split()) for name, sql in migrations() if name.startswith("0002"))
    assert text.count(f"Enum8({words})") >= 3
    assert text.count(f"Enum8({channels})") >= 6
    assert {status.value: rank for status, rank in RANK.items()} == STATUSES
    assert list(CHANNELS) == [channel.value for channel in Channel]


def test_the_views_name_every_status_with_its_rank() -> None:
    text = dict(migrations())["0007_send_standings.sql"]
    ranks = ", ".join(str(rank) for rank in RANK.values())
    assert f"transform(rank, [{ranks}]" in text
    for status in Status:
        assert f"'{status.value}'" in text


def test_migrations_are_numbered_without_gaps() -> None:
    numbers = [int(name[:4]) for name, _ in migrations()]
    assert numbers == list(range(1, len(numbers) + 1))


def test_a_statement_ends_with_a_semicolon_at_the_end_of_a_line() -> None:
    assert list(statements("-- only; a comment\nSELECT ';' AS a\n  ;\n\nSELECT 2;  \n-- the end\n")) == [
        "-- only; a comment\nSELECT ';' AS a",
        "SELECT 2",
    ]


def test_an_event_becomes_a_row_of_the_ledger() -> None:
    batch = batch_of(record(DELIVERY_EVENTS, EVENT, "default/c-1", partition=3))
    row = dict(zip(LEDGER_COLUMNS, batch.ledger[0], strict=True))
    assert row["recipient_id"] == "default/c-1"
    assert row["status"] == RANK[Status.ACCEPTED]
    assert row["occurred_at"] == round(datetime(2026, 11, 21, 8, 59, 59, 123000, UTC).timestamp() * 1000)
    assert (row["kafka_partition"], row["kafka_offset"]) == (3, 5)


def test_a_routed_message_is_queued_and_brings_nothing_personal_into_the_ledger() -> None:
    message = SendMessage(
        send_id="camp/1/c-1", campaign_id="camp", step=1, recipient="default/c-1", ord=17, attempt=2, epoch=1,
        channel=Channel.SMS, account="main", address="+919812345678", data={"name": "Asha"}, expires_at=NOW,
        request_offset=4, routed_at=NOW, detail="caps 1/3 in 7d",
    )  # fmt: skip
    batch = batch_of(record("send-sms-main", message.write(), "default/c-1"))
    row = dict(zip(LEDGER_COLUMNS, batch.ledger[0], strict=True))
    assert (row["status"], row["source"], row["account"], row["attempt"]) == (20, "router", "main", 2)
    assert "+919812345678" not in repr(row)
    assert "Asha" not in repr(row)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"status": "teleported"}, "bad_value"),
        ({"channel": "fax"}, "bad_value"),
        ({"step": 0, "send_id": "camp/0/c-1"}, "bad_value"),
        ({"attempt": 70_000}, "bad_value"),
        ({"ord": -1}, "bad_value"),
        ({"ord": 1 << 32}, "bad_value"),
        ({"send_id": "camp/1/c-2"}, "wrong_send_id"),
        ({"recipient": "c-1"}, "bad_value"),
        ({"occurred_at": "1950-01-01T00:00:00Z"}, "bad_value"),
        ({"occurred_at": "2026-11-21T08:59:59"}, "undecodable"),
        ({"cost_micros": 1 << 63}, "bad_value"),
        ({"step": "one"}, "undecodable"),
    ],
)
def test_an_event_that_makes_no_row_is_refused_with_a_reason(change: dict[str, Any], reason: str) -> None:
    batch = batch_of(record(DELIVERY_EVENTS, EVENT | change, "default/c-1"))
    assert refusals(batch) == [reason]
    assert not batch.ledger


TOPICS = [DELIVERY_EVENTS, CONSENTS, ENGAGEMENTS, CONTACT_CHANGES, INBOUND_MESSAGES, "send-email"]


@pytest.mark.parametrize("topic", TOPICS)
@pytest.mark.parametrize("value", [None, b"", b"{", b"\xff\xfe", b"null", b"[]", b"x" * 900_000, b'{"recipient": 3}'])
def test_rubbish_is_refused_on_every_topic_and_the_rest_goes_on(topic: str, value: bytes | None) -> None:
    good = record(DELIVERY_EVENTS, EVENT, "default/c-1")
    batch = batch_of(Record(topic, value, b"default/c-1"), good)
    assert refusals(batch) == ["null_value" if value is None else "undecodable"]
    assert len(batch.ledger) == 1


def test_a_key_that_is_not_the_recipient_is_refused() -> None:
    assert refusals(batch_of(record(DELIVERY_EVENTS, EVENT, "default/c-2"))) == ["wrong_key"]
    assert refusals(batch_of(Record(DELIVERY_EVENTS, encode_json(EVENT), None))) == ["wrong_key"]


CHANGE = {"recipient": "default/c-1", "occurred_at": "2026-11-21T08:00:00Z", "set": {"name": "Asha"}}
CONSENT = {"recipient": "default/c-1", "channel": "sms", "state": "opted_out", "at": "2026-11-21T08:00:00Z"}
VISIT = {"recipient": "default/c-1", "kind": "visit", "campaign_id": "camp", "at": "2026-11-21T08:00:00Z", "value": "0"}


@pytest.mark.parametrize(
    ("topic", "value"), [(CONTACT_CHANGES, CHANGE), (CONSENTS, CONSENT), (ENGAGEMENTS, VISIT)], ids=str
)
def test_what_others_write_to_a_wrong_partition_is_sent_to_the_right_one_and_kept_only_there(
    topic: str, value: dict[str, Any]
) -> None:
    right = partition_of("default/c-1", 8)
    wrong = batch_of(record(topic, value, "default/c-1", (right + 1) % 8))
    assert [(one.record.topic, one.right) for one in wrong.misplaced] == [(topic, right)]
    assert not any((wrong.refused, wrong.changes, wrong.consents, wrong.engagements))
    kept = batch_of(record(topic, value, "default/c-1"))
    assert not kept.misplaced
    assert len(kept.changes) + len(kept.consents) + len(kept.engagements) == 1


def test_what_is_unsound_or_too_large_to_be_sent_again_is_refused_wherever_it_is() -> None:
    wrong = (partition_of("default/c-1", 8) + 1) % 8
    large = CHANGE | {"set": {"name": "A" * 800_000}}
    assert refusals(batch_of(record(CONTACT_CHANGES, large, "default/c-1", wrong))) == ["wrong_partition"]
    assert refusals(batch_of(record(CONTACT_CHANGES, CHANGE, "default/c-2", wrong))) == ["wrong_key"]
    assert refusals(batch_of(record(CONSENTS, CONSENT | {"state": "perhaps"}, "default/c-1", wrong)))


def test_stops_are_noted_but_not_those_of_machines() -> None:
    stop = EVENT | {"status": "bounced", "event_id": "x"}
    machine = EVENT | {"status": "unsubscribed", "machine": True}
    batch = batch_of(record(DELIVERY_EVENTS, stop, "default/c-1"), record(DELIVERY_EVENTS, machine, "default/c-1"))
    assert [(one.recipient, one.reason) for one in batch.stops] == [("default/c-1", "bounced_before")]


@pytest.mark.parametrize("value", ["abc", "NaN", "1e13", ""])
def test_an_engagement_with_a_value_that_is_no_amount_is_refused(value: str) -> None:
    visit = {"recipient": "default/c-1", "kind": "visit", "at": "2026-11-21T08:00:00Z", "value": value}
    assert refusals(batch_of(record(ENGAGEMENTS, visit, "default/c-1"))) == ["bad_value"]


def test_a_message_of_nobody_known_lies_under_its_address() -> None:
    message = {
        "message_id": "SM1", "recipient": None, "channel": "sms", "account": "default", "from_address": "+919812345678",
        "to_address": "+15005550006", "text": "STOP", "at": "2026-11-21T08:00:00Z", "keyword": "stop",
    }  # fmt: skip
    batch = batch_of(record(INBOUND_MESSAGES, message, "+919812345678"))
    assert not batch.refused
    assert len(batch.answers) == 1


def test_every_topic_that_names_the_tracker_as_a_reader_is_read() -> None:
    import re

    from services.tracker.source import PATTERN

    for name, topic in load_topics().topics.items():
        assert bool(re.match(PATTERN, name)) == ("peal-tracker" in topic.groups), name
    assert re.match(PATTERN, "send-sms-twilio-main")
    assert not re.match(PATTERN, "send-sms-dlq")
    assert not re.match(PATTERN, "delivery-events-dlq")


def test_an_event_made_by_the_senders_helper_is_a_row() -> None:
    message = HotSendMessage(
        send_id="camp/1/c-1", campaign_id="camp", step=1, recipient="default/c-1", ord=1, attempt=1, epoch=1,
        channel="email", address="a@example.com", expires_at=NOW + timedelta(days=1), request_offset=1, routed_at=NOW,
    )  # fmt: skip
    event: DeliveryEvent = event_for(message, "failed", source="sender", occurred_at=NOW, reason="invalid_address")
    assert len(batch_of(record(DELIVERY_EVENTS, event, "default/c-1")).ledger) == 1


def _key(topic: str, value: dict[str, Any]) -> str:
    return str(value["brand"] if topic == AUDIT_LOG else value.get("recipient") or value["from_address"])


READ = [
    (name, example)
    for name, topic in load_topics().topics.items()
    if "peal-tracker" in topic.groups
    for example in topic.examples
]


@pytest.mark.parametrize(("topic", "example"), READ)
def test_every_example_of_what_the_tracker_reads_is_taken(topic: str, example: str) -> None:
    raw = files("schemas").joinpath("examples", example).read_bytes()
    value = msgspec.json.decode(raw)
    batch = batch_of(record(topic, raw, _key(topic, value)))
    assert [(refusal.reason, refusal.detail) for refusal in batch.refused] == []
    assert batch.records == 1
