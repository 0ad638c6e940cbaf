"""Asking for a send in doubt: only a find counts, and a find is never anybody else's message."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import RateCard
from services.domain.content import RenderedSms, RenderedWhatsapp
from services.tracker.core.found import Doubt, Listed, conclude, events_of, fits, reads_as
from services.tracker.core.prices import price_event, price_micros, waived
from services.tracker.core.uncertain import UncertainSend, asks_due

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
TWO, TEN = timedelta(minutes=2), timedelta(minutes=10)
ADDRESS, SENDER, TEXT = "+919812345678", "+15005550006", "Hi Asha"
CARD = RateCard(message_micros=7_900)


def doubt(contact: str = "c-1", **fields: Any) -> Doubt:
    send = UncertainSend("camp", 1, f"default/{contact}", "sms", 17, 1, "default", NOW)
    known = Doubt(send, ADDRESS, SENDER, RenderedSms(TEXT), NOW - timedelta(seconds=20), 7_900)
    return msgspec.structs.replace(known, **fields)


def listed(sid: str = "SM1", **fields: Any) -> Listed:
    known = Listed(sid, ADDRESS, SENDER, "", TEXT, "sent", "", NOW - timedelta(seconds=10), None, "USD")
    return msgspec.structs.replace(known, **fields)


@pytest.mark.parametrize(("minutes", "times"), [(1.9, 0), (2, 1), (9.9, 1), (10, 2), (60, 2)])
def test_a_provider_is_asked_after_two_and_after_ten_minutes(minutes: float, times: int) -> None:
    assert asks_due(doubt().send, NOW + timedelta(minutes=minutes), (TWO, TEN)) == times


@pytest.mark.parametrize(
    "other",
    [
        {"to": "+919812345679"}, {"sender": "+15005550007"}, {"text": "Hi Ravi"},
        {"created_at": NOW - timedelta(seconds=81)}, {"created_at": NOW + timedelta(seconds=61)},
    ],
)  # fmt: skip
def test_a_message_to_another_from_another_at_another_time_or_with_another_text_is_not_the_one(
    other: dict[str, Any],
) -> None:
    assert fits(doubt(), listed())
    assert not fits(doubt(), listed(**other))


def test_a_messaging_service_is_the_sender_whatever_number_it_chose() -> None:
    assert fits(doubt(sender="MG1"), listed(service="MG1", sender="+15005550099"))
    assert not fits(doubt(sender="MG1"), listed(service="MG2"))


def test_of_a_template_what_was_filled_in_must_be_in_the_text() -> None:
    template = RenderedWhatsapp("HX1", {"1": "Asha", "2": "Pune"}, None)
    assert reads_as(template, "Dear Asha, book in Pune now")
    assert not reads_as(template, "Dear Ravi, book in Pune now")


def found(doubts: list[Doubt], messages: list[Listed], claimed: tuple[str, ...] = ()) -> dict[tuple[str, int], str]:
    finds = conclude(doubts, {d.send.key for d in doubts}, messages, claimed)
    return {key: message.sid for key, (_, message) in finds.items()}


def test_exactly_one_message_that_nobody_claims_is_a_find() -> None:
    assert found([doubt()], [listed(), listed("SM2", text="Another")]) == {("camp/1/c-1", 1): "SM1"}
    assert found([doubt()], [listed(), listed("SM2")], claimed=("SM2",)) == {("camp/1/c-1", 1): "SM1"}


@pytest.mark.parametrize(
    ("messages", "claimed"), [([], ()), ([listed(), listed("SM2")], ()), ([listed()], ("SM1",))]
)  # fmt: skip
def test_no_message_two_messages_or_one_of_another_send_conclude_nothing(
    messages: list[Listed], claimed: tuple[str, ...]
) -> None:
    assert found([doubt()], messages, claimed) == {}


def test_a_message_that_fits_two_sends_in_doubt_is_neither_s() -> None:
    rival = doubt("c-2")
    assert found([doubt(), rival], [listed()]) == {}
    assert conclude([doubt(), rival], {doubt().send.key}, [listed()], ()) == {}, "also where only one was asked for"


@given(st.lists(st.sampled_from("abcd"), max_size=6), st.sets(st.sampled_from("abcd")), st.integers(1, 4))
def test_no_message_is_ever_found_twice_nor_one_that_is_claimed(
    sids: list[str], claimed: set[str], people: int
) -> None:
    doubts = [doubt(f"c-{n}", rendered=RenderedSms("x" * (n % 2))) for n in range(people)]
    messages = [listed(sid, text="x" * (ord(sid) % 2)) for sid in sids]
    finds = list(found(doubts, messages, tuple(claimed)).values())
    assert len(finds) == len(set(finds))
    assert not set(finds) & claimed


@pytest.mark.parametrize(
    ("told", "statuses"),
    [
        ({"status": "queued"}, [("accepted", "")]),
        ({"status": "sent"}, [("accepted", "")]),
        ({"status": "delivered"}, [("accepted", ""), ("delivered", "")]),
        ({"status": "undelivered", "error_code": "30006"}, [("accepted", ""), ("failed", "invalid_address")]),
    ],
)
def test_a_find_says_what_became_of_the_message(told: dict[str, Any], statuses: list[tuple[str, str]]) -> None:
    events = events_of(doubt(), listed(**told), CARD)
    assert [(event.status, event.reason) for event in events] == statuses
    assert {(event.source, event.provider_message_id, event.attempt) for event in events} == {("ask", "SM1", 1)}
    assert events == events_of(doubt(), listed(**told), CARD), "the same find is the same events"


def test_a_find_costs_what_the_provider_says_or_else_what_the_card_says() -> None:
    (event,) = events_of(doubt(), listed(), CARD)
    assert (event.cost_basis, event.cost_micros) == ("card", 7_900)
    (event,) = events_of(doubt(), listed(price="-0.00830"), CARD)
    assert (event.cost_basis, event.cost_micros) == ("price", 8_300)


@pytest.mark.parametrize(
    ("price", "unit", "micros"),
    [("-0.00830", "USD", 8_300), ("-0.0083", "usd", 8_300), ("0", "USD", 0), (None, "USD", None), ("", "USD", None),
     ("-0.5", "INR", None), ("much", "USD", None), ("NaN", "USD", None), ("-1E-7", "USD", 0)],
)  # fmt: skip
def test_a_price_counts_when_it_is_settled_and_of_the_account_s_currency(
    price: str | None, unit: str, micros: int | None
) -> None:
    assert price_micros(price, unit, "USD") == micros


def test_a_price_is_told_as_an_acceptance_so_that_it_moves_nothing() -> None:
    (_, ended) = events_of(doubt(), listed(status="failed", error_code="30003"), CARD)
    event = price_event(ended, 1_000, "USD")
    assert (event.status, event.reason, event.source, event.occurred_at) == ("accepted", "", "price", ended.occurred_at)
    assert (event.cost_micros, event.cost_basis) == (1_000, "price")
    assert event.detail == "the provider charged 0.001 USD"


def test_what_the_card_calls_free_costs_nothing_and_the_rest_keeps_its_cost() -> None:
    _, failed = events_of(doubt(), listed(status="failed", error_code="30007"), RateCard(free_statuses=[]))
    assert failed.cost_basis == ""
    assert waived(failed, "failed", ["failed"]).cost_basis == "waived"
    assert waived(failed, "undelivered", ["failed"]).cost_basis == "", "Twilio charges for what it tried"
    (taken,) = events_of(doubt(), listed(), CARD)
    assert waived(taken, "failed", ["failed"]) == taken
