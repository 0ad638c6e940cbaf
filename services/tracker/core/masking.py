"""What a batch may keep of people who have been erased: figures under their pseudonym, and nothing else."""

from __future__ import annotations

from collections import Counter
from typing import Final, Protocol

import msgspec

from schemas.topics import AUDIT_LOG, CONSENTS, CONTACT_CHANGES, DELIVERY_EVENTS, ENGAGEMENTS, INBOUND_MESSAGES
from services.domain.erasure import EMAIL, PHONE
from services.domain.messages import DeliveryEvent, event_id, send_id_of
from services.tracker.core.batch import Batch
from services.tracker.core.contacts import Change
from services.tracker.core.rows import AUDIT_COLUMNS, LEDGER_COLUMNS, Inbound, Row

_DETAIL: Final = LEDGER_COLUMNS.index("detail")
_AUDITED: Final = AUDIT_COLUMNS.index("recipient_id")
_MESSAGE: Final = LEDGER_COLUMNS.index("provider_message_id")


class Erased(Protocol):
    """`services.runtime.erased.ErasedPeople`."""

    @property
    def brands(self) -> frozenset[str]: ...
    def name_of(self, recipient: str) -> str: ...
    def knows_address(self, brand: str, kind: str, address: str) -> bool: ...


def mask(batch: Batch, erased: Erased) -> Counter[str]:
    """Change the batch in place; returns how many records of each topic were about the erased."""
    found = Counter[str]()
    if not erased.brands:
        return found
    batch.ledger = [_ledger_row(row, erased.name_of(row[0]), found) for row in batch.ledger]
    batch.engagements = [_named(row, erased.name_of(row[0]), found) for row in batch.engagements]
    batch.audit = [_audited(row, erased.name_of(row[_AUDITED]), found) for row in batch.audit]
    consents = [row for row in batch.consents if not erased.name_of(row[0])]
    found[CONSENTS] += len(batch.consents) - len(consents)
    batch.consents = consents
    batch.stops = [stop for stop in batch.stops if not erased.name_of(stop.recipient)]
    kept = [pair for pair in zip(batch.inbound, batch.answers, strict=True) if not _wrote(pair[1], erased)]
    found[INBOUND_MESSAGES] += len(batch.inbound) - len(kept)
    batch.inbound, batch.answers = [row for row, _ in kept], [answer for _, answer in kept]
    for recipient in list(batch.changes):
        if erased.name_of(recipient):
            found[CONTACT_CHANGES] += len(batch.changes.pop(recipient))
        else:
            told = [_without_addresses(recipient, change, erased, batch) for change in batch.changes[recipient]]
            batch.changes[recipient] = told
    return +found


def masked_event(event: DeliveryEvent, erased: Erased) -> DeliveryEvent:
    """As the ledger would keep it: so that no topic need carry the id."""
    name = erased.name_of(event.recipient)
    if not name:
        return event
    send_id = send_id_of(event.campaign_id, event.step, name)
    return msgspec.structs.replace(
        event, recipient=name, send_id=send_id, detail="", provider_message_id="",
        event_id=event_id(send_id, event.attempt, event.status, event.source),
    )  # fmt: skip


def _ledger_row(row: Row, name: str, found: Counter[str]) -> Row:
    if not name:
        return row
    found[DELIVERY_EVENTS] += 1
    fields = list(row)
    fields[0], fields[_DETAIL], fields[_MESSAGE] = name, "", ""
    return tuple(fields)


def _named(row: Row, name: str, found: Counter[str]) -> Row:
    if not name:
        return row
    found[ENGAGEMENTS] += 1
    return (name, *row[1:])


def _audited(row: Row, name: str, found: Counter[str]) -> Row:
    if not name:
        return row
    found[AUDIT_LOG] += 1
    return (*row[:_AUDITED], name, *row[_AUDITED + 1 :])


def _wrote(message: Inbound, erased: Erased) -> bool:
    if message.recipient:
        brand = message.recipient.partition("/")[0]
        return bool(erased.name_of(message.recipient)) or erased.knows_address(brand, PHONE, message.from_address)
    return any(erased.knows_address(brand, PHONE, message.from_address) for brand in erased.brands)


def _without_addresses(recipient: str, change: Change, erased: Erased, batch: Batch) -> Change:
    """Somebody else's record may be kept, without an address that nobody may be messaged at."""
    brand, writes = recipient.partition("/")[0], change.writes
    for field, kind in (("email", EMAIL), ("phone", PHONE)):
        address = writes.get(field)
        if isinstance(address, str) and erased.knows_address(brand, kind, address):
            writes = writes | {field: None}
            batch.problems[field, "erased"] += 1
    return change if writes is change.writes else msgspec.structs.replace(change, writes=writes)
