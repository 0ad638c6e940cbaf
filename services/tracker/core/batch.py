"""One batch of records from Kafka, decoded: rows for each table, what else follows from them, and what is refused."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec

from schemas.topics import AUDIT_LOG, CONSENTS, CONTACT_CHANGES, DELIVERY_EVENTS, ENGAGEMENTS, INBOUND_MESSAGES
from services.domain.erasure import ERASED, FORGOTTEN
from services.domain.messages import Consent, ContactChange, DeliveryEvent, Engagement
from services.tracker.core.contacts import Change
from services.tracker.core.normalise import Problems, normalise
from services.tracker.core.rows import (
    Audit,
    BadRecordError,
    Inbound,
    Queued,
    Row,
    audit_row,
    brand_of,
    consent_row,
    engagement_row,
    inbound_row,
    ledger_row,
    queued_row,
)
from services.tracker.core.stops import PersonStop, person_stop


class KafkaRecord(Protocol):
    """What is used of aiokafka's ConsumerRecord."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    headers: Any


class Refusal(msgspec.Struct, frozen=True):
    record: Any
    reason: str
    detail: str


class Misplaced(msgspec.Struct, frozen=True):
    record: Any
    right: int
    """The partition that its key belongs to."""


class Batch(msgspec.Struct):
    ledger: list[Row] = []
    consents: list[Row] = []
    erasures: list[str] = []
    """Recipients whose erasure is asked for."""
    engagements: list[Row] = []
    inbound: list[Row] = []
    audit: list[Row] = []
    changes: dict[str, list[Change]] = {}
    """Recipient -> changes, in the order of the topic."""
    stops: list[PersonStop] = []
    answers: list[Inbound] = []
    refused: list[Refusal] = []
    misplaced: list[Misplaced] = []
    """Sound, but in a partition of somebody else: to be sent to where they belong, from where they come again."""
    problems: Problems = msgspec.field(default_factory=Problems)
    records: int = 0


class Rules(msgspec.Struct, frozen=True):
    partitions_of: Callable[[Sequence[bytes]], Sequence[int]]
    """Of keys, by murmur2."""
    region: str


LARGEST_RECORD = 700_000
"""Bytes of a value that can be put on a topic again: with headers it must fit into one batch."""

_event = msgspec.json.Decoder(DeliveryEvent).decode
_queued = msgspec.json.Decoder(Queued).decode
_consent = msgspec.json.Decoder(Consent).decode
_engagement = msgspec.json.Decoder(Engagement).decode
_inbound = msgspec.json.Decoder(Inbound).decode
_audit = msgspec.json.Decoder(Audit).decode
_change = msgspec.json.Decoder(ContactChange).decode


def add_records(batch: Batch, topic: str, records: Sequence[KafkaRecord], rules: Rules, now_ms: int) -> int:
    """Decode one topic's records into the batch. Returns how many were refused."""
    add = _READERS.get(topic, _add_queued)
    before = len(batch.refused)
    rights = rules.partitions_of([record.key or b"" for record in records]) if topic in _PLACED else [0] * len(records)
    for record, right in zip(records, rights, strict=True):
        batch.records += 1
        try:
            if record.value is None:
                raise BadRecordError("null_value", "the record has no value")
            add(batch, record, record.value, right, rules, now_ms)
        except BadRecordError as error:
            batch.refused.append(Refusal(record, error.reason, error.detail))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:  # the last: a thousand brackets
            batch.refused.append(Refusal(record, "undecodable", str(error)))
    return len(batch.refused) - before


def _check_key(record: KafkaRecord, key: str) -> None:
    if record.key != key.encode():
        raise BadRecordError("wrong_key", f"the key is {record.key!r:.200}, expected {key}")


def _check_place(record: KafkaRecord, key: str, right: int) -> None:
    """Key and partition, where people must each have one owner. Peal's own producers place by murmur2, and the ledger's
    counts do not depend on it."""
    _check_key(record, key)
    if right != record.partition:
        raise BadRecordError("wrong_partition", f"murmur2 of the key gives partition {right}: mend the producer")


def _size(record: KafkaRecord) -> int:
    return len(record.value or b"") + sum(len(name) + len(value or b"") for name, value in record.headers or ())


def _is_misplaced(batch: Batch, record: KafkaRecord, key: str, right: int) -> bool:
    """Likewise, of topics that others write: whether it came to a wrong owner, as from a producer that partitions by
    CRC32, and has been noted as such."""
    if right == record.partition or _size(record) > LARGEST_RECORD:
        _check_place(record, key, right)
        return False
    _check_key(record, key)
    batch.misplaced.append(Misplaced(record, right))
    return True


def _add_event(batch: Batch, record: KafkaRecord, value: bytes, _right: int, _rules: Rules, _now_ms: int) -> None:
    event = _event(value)
    row = ledger_row(event, record.partition, record.offset)
    _check_key(record, event.recipient)
    batch.ledger.append(row)
    if (stop := person_stop(event)) is not None:
        batch.stops.append(stop)


def _add_queued(batch: Batch, record: KafkaRecord, value: bytes, _right: int, _rules: Rules, _now_ms: int) -> None:
    message = _queued(value)
    row = queued_row(message, record.partition, record.offset)
    _check_key(record, message.recipient)
    batch.ledger.append(row)


def _add_consent(batch: Batch, record: KafkaRecord, value: bytes, right: int, _rules: Rules, _now_ms: int) -> None:
    consent = _consent(value)
    row = consent_row(consent)
    if _is_misplaced(batch, record, consent.recipient, right):
        return
    if consent.reason == FORGOTTEN:
        return  # our own word to the router
    batch.consents.append(row)
    if consent.reason == ERASED:
        batch.erasures.append(consent.recipient)


def _add_engagement(batch: Batch, record: KafkaRecord, value: bytes, right: int, _rules: Rules, _now_ms: int) -> None:
    engagement = _engagement(value)
    row = engagement_row(engagement)
    if not _is_misplaced(batch, record, engagement.recipient, right):
        batch.engagements.append(row)


def _add_inbound(batch: Batch, record: KafkaRecord, value: bytes, right: int, _rules: Rules, _now_ms: int) -> None:
    """Where nobody known has the address, the message lies under the address."""
    message = _inbound(value)
    row = inbound_row(message)
    _check_place(record, message.recipient or message.from_address, right)
    batch.inbound.append(row)
    batch.answers.append(message)


def _add_audit(batch: Batch, record: KafkaRecord, value: bytes, _right: int, _rules: Rules, _now_ms: int) -> None:
    entry = _audit(value)
    row = audit_row(entry)
    _check_key(record, entry.brand)
    batch.audit.append(row)


def _add_change(batch: Batch, record: KafkaRecord, value: bytes, right: int, rules: Rules, now_ms: int) -> None:
    change = _change(value)
    brand_of(change.recipient)
    if _is_misplaced(batch, record, change.recipient, right):
        return
    made = normalise(change, record.offset, now_ms, rules.region, batch.problems)
    batch.changes.setdefault(change.recipient, []).append(made)


_READERS: dict[str, Callable[[Batch, KafkaRecord, bytes, int, Rules, int], None]] = {
    DELIVERY_EVENTS: _add_event,
    CONSENTS: _add_consent,
    ENGAGEMENTS: _add_engagement,
    INBOUND_MESSAGES: _add_inbound,
    CONTACT_CHANGES: _add_change,
    AUDIT_LOG: _add_audit,
}
"""All other topics that are read are send topics."""
_PLACED = {CONSENTS, ENGAGEMENTS, INBOUND_MESSAGES, CONTACT_CHANGES}
"""Whose records must be in the partition of their key."""
