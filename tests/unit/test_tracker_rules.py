"""Stops, answers, choices, keywords and doubts: the tracker's small decisions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from schemas import Brand, BrandId, Consent
from services.domain.eligibility import new_record, observe, permitted, stopped
from services.domain.links import LinkTarget
from services.domain.messages import encode_json
from services.tracker.core.choices import choices, chosen, unsubscription
from services.tracker.core.keywords import DEFAULT_WORDS, Keywords, help_answer
from services.tracker.core.repeats import FirstSeen
from services.tracker.core.rows import Inbound
from services.tracker.core.stops import (
    LastSend,
    PersonStop,
    Stop,
    address_stops,
    answer_event,
    consent_for,
    inbound_stops,
)
from services.tracker.core.uncertain import UncertainSend, settle

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
KEYWORDS = Keywords.of(DEFAULT_WORDS)
SEND = LastSend("default/c-1", "camp", 2, 3, 17, "sms", "main")
DOUBT = UncertainSend("camp", 1, "default/c-1", "sms", 17, 2, "main", NOW)


def message(keyword: str = "", text: str = "Thanks!") -> Inbound:
    return Inbound(
        message_id="SM1", channel="sms", account="main", from_address="+919812345678", to_address="+15005550006",
        text=text, at=NOW, keyword=keyword,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("STOP", "stop"), (" Stop. ", "stop"), ("stop all", "stop"), ("“Unsubscribe”", "stop"), ("बंद करें", "stop"),
        ("Start", "start"), ("HELP", "help"), ("please stop by at noon", ""), ("yes", ""), ("", ""), ("Arrêt", "stop"),
    ],
)  # fmt: skip
def test_a_word_alone_is_a_wish_in_any_language_and_a_sentence_is_none(text: str, meaning: str) -> None:
    assert KEYWORDS.meaning(text) == meaning


def test_what_the_provider_made_of_a_message_counts() -> None:
    assert KEYWORDS.meaning("no more of this", "STOP") == "stop"


def test_where_languages_disagree_about_a_word_stop_wins() -> None:
    words = Keywords.of({"a": {"stop": ["alta"]}, "b": {"start": ["alta"]}})
    assert words.meaning("ALTA") == "stop"


def test_a_stop_by_message_counts_for_each_brand_that_writes_from_the_number() -> None:
    stops = inbound_stops(message("stop"), {"b", "a"})
    assert [(stop.brand, stop.channel, stop.address, stop.lifted) for stop in stops] == [
        ("a", "sms", "+919812345678", False),
        ("b", "sms", "+919812345678", False),
    ]
    assert inbound_stops(message("help"), {"a"}) == []
    assert inbound_stops(message("start"), {"a"})[0].lifted


def test_a_start_at_a_shared_number_is_a_yes_to_the_brand_that_wrote_last_and_to_no_other() -> None:
    mine = msgspec.structs.replace(message("start"), recipient="b/c-1")
    assert [stop.brand for stop in inbound_stops(mine, {"a", "b"})] == ["b"]
    assert inbound_stops(message("start"), {"a", "b"}) == [], "nobody knows whom it was meant for"
    assert inbound_stops(mine, {"a"}) == [], "the brand does not write from this number any more"


NORTH = Brand.model_validate(
    {
        "brand_id": "north",
        "keywords": {
            "en": {"help_answer": "North: call 1"},
            "mr": {"stop": ["थांबवा"], "help": ["मदत"], "help_answer": "नॉर्थ: 1"},
        },
    }
)


def test_a_brands_words_add_to_those_that_carriers_demand() -> None:
    words = Keywords.for_brands(DEFAULT_WORDS, [NORTH])
    assert [words.meaning(text) for text in ("थांबवा", "STOP", "help", "मदत")] == ["stop", "stop", "help", "help"]
    assert Keywords.for_brands(DEFAULT_WORDS, []).meaning("थांबवा") == ""


def test_a_word_that_one_brand_of_a_number_takes_for_a_stop_is_a_stop() -> None:
    south = Brand.model_validate({"brand_id": "south", "keywords": {"en": {"start": ["Pause"]}}})
    north = Brand.model_validate({"brand_id": "north", "keywords": {"en": {"stop": ["pause"]}}})
    assert Keywords.for_brands({}, [north, south]).meaning("pause!") == "stop"


@pytest.mark.parametrize(("text", "answer"), [("HELP", "North: call 1"), ("मदत", "नॉर्थ: 1")])
def test_help_is_answered_in_the_language_that_asked(text: str, answer: str) -> None:
    assert help_answer(NORTH, text) == answer
    assert help_answer(Brand(brand_id=BrandId("south")), text) == ""


def test_the_consent_drawn_from_a_stop_is_the_same_each_time_and_fits_the_wire() -> None:
    stop = PersonStop("default/c-1", "email", "camp", "bounced_before", NOW, "camp/1/c-1/1/bounced/sendgrid")
    first, second = (encode_json(consent_for(stop, "default/c-2")) for _ in range(2))
    assert first == second
    consent = Consent.read(first)
    assert (consent.recipient, consent.state, consent.reason) == ("default/c-2", "opted_out", "bounced_before")


def test_a_start_opts_in() -> None:
    consent = consent_for(inbound_stops(message("start"), {"default"})[0], "default/c-1")
    assert (consent.state, consent.channel, consent.at) == ("opted_in", "sms", NOW)


def test_a_stop_without_a_known_address_concerns_nobody_else() -> None:
    stop = PersonStop("default/c-1", "email", "camp", "opted_out", NOW, "p")
    assert address_stops([stop], {}) == []
    found = address_stops([stop], {("default/c-1", "email", "camp"): "a@example.com"})
    assert found == [Stop("default", "email", "a@example.com", "opted_out", NOW, "p")]


@pytest.mark.parametrize(("keyword", "status"), [("", "replied"), ("stop", "unsubscribed")])
def test_an_answer_is_an_event_of_the_send_that_it_answers(keyword: str, status: str) -> None:
    event = answer_event(message(keyword), SEND)
    assert event is not None
    assert (event.send_id, event.attempt, event.ord, event.status) == ("camp/2/c-1", 3, 17, status)


@pytest.mark.parametrize("keyword", ["start", "help"])
def test_start_and_help_answer_no_send(keyword: str) -> None:
    assert answer_event(message(keyword), SEND) is None


def test_nothing_is_decided_before_the_deadline() -> None:
    assert settle(DOUBT, "assume_sent", NOW + timedelta(minutes=14), timedelta(minutes=15)) is None


@pytest.mark.parametrize(
    ("policy", "status", "reason"),
    [("assume_sent", "accepted", "assumed"), ("resend", "failed_retryable", "resend")],
)
def test_after_the_deadline_the_accounts_policy_ends_the_doubt(policy: str, status: str, reason: str) -> None:
    late = NOW + timedelta(hours=3)
    event = settle(DOUBT, policy, late, timedelta(minutes=15))  # type: ignore[arg-type]
    assert event is not None
    assert (event.status, event.reason, event.attempt, event.source) == (status, reason, 2, "tracker")
    again = settle(DOUBT, policy, late + timedelta(seconds=5), timedelta(minutes=15))  # type: ignore[arg-type]
    assert again == event, "two looks say the same"


def test_preferences_show_what_is_recorded_and_else_what_the_channel_allows() -> None:
    shown = {choice.channel: choice.on for choice in choices({"email": "opted_out"})}
    assert shown == {"email": False, "sms": False, "whatsapp": False, "push": True}


def test_preferences_take_silence_as_the_brand_does() -> None:
    shown = {choice.channel: choice.on for choice in choices({}, ["email"])}
    assert shown == {"email": False, "sms": True, "whatsapp": True, "push": True}


def test_only_a_box_that_was_changed_says_something() -> None:
    target = LinkTarget("default/c-1", "email", "camp/1/c-1")
    made = chosen(target, ["email:on", "sms:off", "push:on"], ["sms", "push"], NOW)
    assert [(consent.channel, consent.state) for consent in made] == [("email", "opted_out"), ("sms", "opted_in")]
    assert all(Consent.read(encode_json(consent)) for consent in made)


def test_whoever_had_stopped_everything_gets_again_what_they_tick_and_nothing_else() -> None:
    target, before = LinkTarget("default/c-1", "email", "camp/1/c-1"), NOW - timedelta(days=9)
    everything = msgspec.structs.replace(unsubscription(target, before), channel="all")
    made = chosen(target, ["all:off", "email:off", "sms:off", "whatsapp:off", "push:off"], ["sms"], NOW)
    record = new_record()
    for word in (everything, *made):
        observe(record, word)
    assert [name for name in ("email", "sms", "whatsapp", "push", "social") if stopped(record, name) is None] == ["sms"]
    assert permitted(record, "sms", "marketing") is not None
    assert chosen(target, ["all:off", "email:off", "sms:off"], [], NOW) == []


def test_an_unsubscription_is_of_the_channel_of_the_link() -> None:
    consent = unsubscription(LinkTarget("default/c-1", "email", "camp/1/c-1"), NOW)
    assert (consent.channel, consent.state, consent.proof) == ("email", "opted_out", "link in camp/1/c-1")


def test_a_repeat_keeps_the_time_of_the_first() -> None:
    seen = FirstSeen(size=2)
    assert seen.moment("a", NOW) == NOW
    assert seen.moment("a", NOW + timedelta(minutes=1)) == NOW
    seen.moment("b", NOW)
    seen.moment("c", NOW)
    later = NOW + timedelta(minutes=2)
    assert seen.moment("a", later) == later, "only the latest ids are remembered"


def test_an_inbound_message_fits_the_wire() -> None:
    from schemas import InboundMessage

    made = InboundMessage.read(encode_json(msgspec.structs.replace(message("stop"), recipient=None)))
    assert (made.keyword, made.recipient) == ("stop", None)
