"""What comes late about people who have been erased: figures under a pseudonym, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from schemas.topics import AUDIT_LOG, CONSENTS, CONTACT_CHANGES, DELIVERY_EVENTS, ENGAGEMENTS, INBOUND_MESSAGES
from services.domain.erasure import Hasher, Mark, looks_erased
from services.domain.messages import Consent, DeliveryEvent, Engagement
from services.runtime.erased import ErasedPeople
from services.tracker.core.batch import Batch
from services.tracker.core.contacts import Change
from services.tracker.core.masking import mask, masked_event
from services.tracker.core.rows import (
    AUDIT_COLUMNS,
    Audit,
    Inbound,
    audit_row,
    consent_row,
    engagement_row,
    inbound_row,
    ledger_row,
)
from services.tracker.core.stops import PersonStop

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
GONE, OTHER = "default/c-1", "default/c-2"
NAME = Hasher("key").pseudonym(GONE)


class Table:
    """What ClickHouse would answer of the table `erased`."""

    def __init__(self, marks: set[Mark]) -> None:
        self.marks, self.asked = marks, 0

    async def query(self, query: str) -> Sequence[Sequence[Any]]:
        self.asked += 1
        return [(len(self.marks), 0)] if "count()" in query else [(mark.brand, mark.hash) for mark in self.marks]


@pytest.fixture
async def erased() -> ErasedPeople:
    people = ErasedPeople("key", Table(Hasher("key").marks(GONE, ["a@x.example"], ["+919812345678"])).query)
    await people.refresh()
    return people


def event(recipient: str) -> DeliveryEvent:
    return DeliveryEvent(
        event_id="e", send_id=f"camp/1/{recipient.partition('/')[2]}", campaign_id="camp", step=1, recipient=recipient,
        ord=7, attempt=2, channel="email", account="default", status="bounced", detail="550 a@x.example",
        source="sendgrid", provider_message_id="m-1", occurred_at=NOW,
    )  # fmt: skip


def message(recipient: str | None, sender: str) -> Inbound:
    return Inbound(
        message_id="SM1", recipient=recipient, channel="sms", account="default", from_address=sender, to_address="+1",
        text="Hello", at=NOW,
    )  # fmt: skip


def test_hashes_need_the_key_and_differ_by_brand_and_kind() -> None:
    hasher = Hasher("key")
    hashes = {hasher.hash("a", "email", "x"), hasher.hash("b", "email", "x"), hasher.hash("a", "phone", "x")}
    assert len(hashes | {Hasher("other").hash("a", "email", "x")}) == 4
    assert hasher.pseudonym("a/c-1") == Hasher("key").pseudonym("a/c-1")
    assert looks_erased(hasher.pseudonym("a/c-1"))
    assert not looks_erased("a/erased-me")
    with pytest.raises(ValueError, match="PEAL_MASTER_KEY"):
        Hasher("")


def test_a_batch_keeps_figures_of_the_erased_and_everything_of_others(erased: ErasedPeople) -> None:
    batch = Batch()
    for recipient in (GONE, OTHER):
        batch.ledger.append(ledger_row(event(recipient), 0, 0))
        batch.consents.append(consent_row(Consent(recipient=recipient, channel="all", state="opted_in", at=NOW)))
        batch.engagements.append(engagement_row(Engagement(recipient=recipient, kind="visit", at=NOW)))
        batch.stops.append(PersonStop(recipient, "email", "camp", "bounced_before", NOW, "e"))
    for told in (message(GONE, "+1555"), message(None, "+919812345678"), message(OTHER, "+1556")):
        batch.inbound.append(inbound_row(told))
        batch.answers.append(told)
    batch.changes[GONE] = [Change(1, 0, {"name": "Zoe"})]
    batch.changes[OTHER] = [Change(1, 0, {"name": "Bo", "email": "a@x.example", "phone": "+919812345679"})]

    found = mask(batch, erased)

    topics = {DELIVERY_EVENTS: 1, CONSENTS: 1, ENGAGEMENTS: 1, INBOUND_MESSAGES: 2, CONTACT_CHANGES: 1}
    assert found == topics
    assert [row[0] for row in batch.ledger] == [row[0] for row in batch.engagements] == [NAME, OTHER]
    assert not [value for value in batch.ledger[0] if value in ("m-1", "550 a@x.example")]
    assert [row[0] for row in batch.consents] == [stop.recipient for stop in batch.stops] == [OTHER]
    assert [answer.recipient for answer in batch.answers] == [OTHER]
    assert batch.changes == {OTHER: [Change(1, 0, {"name": "Bo", "email": None, "phone": "+919812345679"})]}
    assert batch.problems["email", "erased"] == 1


def test_a_callback_names_the_pseudonym_before_it_is_on_any_topic(erased: ErasedPeople) -> None:
    masked = masked_event(event(GONE), erased)
    assert (masked.recipient, masked.send_id) == (NAME, f"camp/1/{NAME.partition('/')[2]}")
    assert "c-1" not in str(masked)
    assert masked_event(event(OTHER), erased) == event(OTHER)


async def test_the_hashes_are_read_again_only_when_there_are_others() -> None:
    table = Table(Hasher("key").marks(GONE, [], []))
    people = ErasedPeople("key", table.query)
    await people.refresh()
    await people.refresh()
    assert table.asked == 3
    assert (people.knows(GONE), people.knows(OTHER, "b@x.example")) == (True, False)
    table.marks |= Hasher("key").marks("default/c-9", ["b@x.example"], [])
    await people.refresh()
    assert (people.knows(GONE), people.knows(OTHER, "b@x.example")) == (True, True)


async def test_the_audit_log_says_that_something_was_done_and_no_longer_to_whom(erased: ErasedPeople) -> None:
    entry = Audit(
        entry_id="e-1", at=NOW, brand="default", operator="asha", source="console", action="consent.record",
        object="contact", recipient=GONE,
    )  # fmt: skip
    rows = [audit_row(entry), audit_row(msgspec.structs.replace(entry, recipient=OTHER))]
    batch = Batch(audit=list(rows))
    assert mask(batch, erased) == {AUDIT_LOG: 1}
    place = AUDIT_COLUMNS.index("recipient_id")
    assert [row[place] for row in batch.audit] == [NAME, OTHER]
    assert [row[:place] for row in batch.audit] == [row[:place] for row in rows]
