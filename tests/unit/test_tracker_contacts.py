"""Contacts are merged field by field; the order and the batches in which changes come make no difference."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.domain.messages import ContactChange, ContactSet
from services.tracker.core.contacts import (
    Change,
    Contact,
    NewAddress,
    merge,
    new_addresses,
)
from services.tracker.core.normalise import Problems, normalise
from services.tracker.core.rows import BadRecordError

WHO = "default/c-1"
NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
NOW_MS = round(NOW.timestamp() * 1000)

values = st.one_of(st.none(), st.booleans(), st.integers(-3, 3), st.sampled_from(["", "a", "b"]), st.floats(-2, 2))
fields = st.sampled_from(["name", "email", "city", "attributes.plan", "attributes.n", "lists.vip"])
changes = st.builds(
    Change,
    at=st.integers(0, 6),
    offset=st.integers(0, 100),
    writes=st.dictionaries(fields, values, max_size=3),
    replace=st.booleans(),
    delete=st.sampled_from([False, False, False, True]),
)


def fold(told: list[Change], cuts: list[int]) -> Contact | None:
    """In batches, as they would come from several polls."""
    contact: Contact | None = None
    edges = sorted({0, len(told), *[cut % (len(told) + 1) for cut in cuts]})
    for start, end in pairwise(edges):
        contact = merge(contact, WHO, told[start:end]) or contact
    return contact


def state(contact: Contact | None) -> tuple[Any, ...] | None:
    return None if contact is None else (contact.values, contact.times, contact.is_deleted)


@settings(max_examples=300)
@given(st.lists(changes, min_size=1, max_size=7), st.randoms(use_true_random=False), st.lists(st.integers(0, 9)))
def test_any_order_and_any_batches_give_the_same_person(told: list[Change], chance: Any, cuts: list[int]) -> None:
    other = told[:]
    chance.shuffle(other)
    assert state(fold(told, [])) == state(fold(other, cuts))


@settings(max_examples=200)
@given(st.lists(changes, min_size=1, max_size=6), st.lists(st.integers(0, 5), max_size=4))
def test_a_change_that_comes_again_changes_nothing(told: list[Change], repeats: list[int]) -> None:
    again = told + [told[number % len(told)] for number in repeats]
    assert state(fold(told, [])) == state(fold(again, [2]))


@settings(max_examples=200)
@given(st.lists(changes, min_size=2, max_size=6))
def test_the_version_rises_with_every_change_of_the_row(told: list[Change]) -> None:
    contact: Contact | None = None
    for change in told:
        after = merge(contact, WHO, [change])
        if after is not None:
            assert contact is None or after.version > contact.version
            contact = after


def test_a_batch_that_changes_nothing_makes_no_row() -> None:
    contact = merge(None, WHO, [Change(5, 1, {"name": "Asha"})])
    assert merge(contact, WHO, [Change(5, 1, {"name": "Asha"}), Change(3, 2, {"name": "Old"})]) is None


def test_the_newer_value_wins_in_each_field_by_itself() -> None:
    contact = merge(
        None,
        WHO,
        [Change(5, 1, {"name": "New", "city": "Pune"}), Change(4, 2, {"name": "Old", "email": "a@example.com"})],
    )
    assert contact is not None
    assert contact.values == {"name": "New", "city": "Pune", "email": "a@example.com"}


def test_a_whole_record_empties_what_it_does_not_name_but_not_what_came_after_it() -> None:
    contact = merge(
        None,
        WHO,
        [
            Change(7, 3, {"attributes.plan": "gold"}),
            Change(4, 1, {"city": "Pune"}),
            Change(5, 2, {"name": "Asha"}, replace=True),
        ],
    )
    assert contact is not None
    assert contact.values == {"name": "Asha", "attributes.plan": "gold"}


def test_a_whole_record_takes_nobody_off_a_list_but_a_deletion_does() -> None:
    on_it = merge(None, WHO, [Change(4, 1, {"lists.vip": True, "city": "Pune"}), Change(5, 2, {}, replace=True)])
    assert on_it is not None
    assert on_it.values == {"lists.vip": True}
    gone = merge(on_it, WHO, [Change(6, 3, delete=True), Change(7, 4, {"name": "Asha"})])
    assert gone is not None
    assert gone.values == {"name": "Asha"}


def test_a_deleted_person_comes_back_with_what_is_told_afterwards_only() -> None:
    gone = merge(None, WHO, [Change(4, 1, {"name": "Asha"}), Change(5, 2, delete=True)])
    assert gone is not None
    assert gone.is_deleted
    assert gone.values == {}
    back = merge(gone, WHO, [Change(3, 3, {"city": "Pune"}), Change(6, 4, {"email": "a@example.com"})])
    assert back is not None
    assert not back.is_deleted
    assert back.values == {"email": "a@example.com"}


def test_an_emptied_field_stays_empty_against_an_older_value() -> None:
    contact = merge(None, WHO, [Change(5, 1, {"phone": None}), Change(4, 2, {"phone": "+919812345678"})])
    assert contact is not None
    assert contact.values == {}


def test_a_late_row_of_a_former_owner_has_the_lower_version() -> None:
    """It read the same row, and knew fewer changes."""
    base = merge(None, WHO, [Change(1, 10, {"name": "A"})])
    former = merge(base, WHO, [Change(2, 11, {"city": "Pune"})])
    present = merge(base, WHO, [Change(2, 11, {"city": "Pune"}), Change(3, 12, {"city": "Goa"})])
    assert former is not None
    assert present is not None
    assert present.version > former.version


def read(change: ContactChange, region: str = "") -> tuple[Change, Problems]:
    problems: Problems = Counter()
    return normalise(change, 0, NOW_MS, region, problems), problems


def told(**fields: Any) -> ContactChange:
    return ContactChange(recipient=WHO, occurred_at=NOW, set=ContactSet(**fields))


def test_addresses_are_brought_to_one_form() -> None:
    change, problems = read(told(email="  Asha@Example.COM ", phone="+91 98123-45678", zone="Asia/Kolkata"))
    assert change.writes == {"email": "asha@example.com", "phone": "+919812345678", "zone": "Asia/Kolkata"}
    assert not problems


def test_what_cannot_be_is_kept_out_and_counted() -> None:
    change, problems = read(told(email="asha(at)example", phone="12", zone="Mars/Olympus", name=" Asha "))
    assert change.writes == {"email": None, "phone": None, "zone": None, "name": "Asha"}
    assert problems == {("email", "invalid"): 1, ("phone", "invalid"): 1, ("zone", "invalid"): 1}


def test_unset_reaches_fields_and_attributes_and_counts_unknown_names() -> None:
    change = ContactChange(recipient=WHO, occurred_at=NOW, unset=["phone", "attributes.plan", "shoe"])
    made, problems = read(change)
    assert made.writes == {"phone": None, "attributes.plan": None}
    assert problems == {("unset", "unknown_field"): 1}


def test_lists_are_entered_and_left_by_name() -> None:
    change, problems = read(told(lists=[" spring ", ""]))
    assert change.writes == {"lists.spring": True}
    assert problems == {("lists", "no_name"): 1}
    left, _ = read(ContactChange(recipient=WHO, occurred_at=NOW, unset=["lists.spring"]))
    assert left.writes == {"lists.spring": None}


def test_a_dot_in_an_attribute_becomes_an_underscore_and_huge_numbers_text() -> None:
    change, _ = read(told(attributes={"a.b": 1, "big": 1 << 70, "gone": None, "empty": ""}))
    assert change.writes == {
        "attributes.a_b": 1, "attributes.big": str(1 << 70), "attributes.gone": None, "attributes.empty": None,
    }  # fmt: skip


def test_a_change_from_the_far_future_is_refused_for_it_would_win_for_ever() -> None:
    change = ContactChange(recipient=WHO, occurred_at=NOW + timedelta(days=2), set=ContactSet(name="x"))
    with pytest.raises(BadRecordError, match="future_time"):
        read(change)


def test_every_address_that_a_batch_gives_is_told_also_when_the_batch_comes_again() -> None:
    batch = {WHO: [Change(1, 0, {"email": "a@example.com", "phone": None}), Change(2, 1, {"phone": "+919812345678"})]}
    assert new_addresses(batch) == [
        NewAddress(WHO, "email", "a@example.com"),
        NewAddress(WHO, "phone", "+919812345678"),
    ]
