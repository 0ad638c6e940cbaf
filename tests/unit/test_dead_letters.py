"""What a dead letter says, to whom, and what a replay of it does; and when a service stops rather than write more."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from services.console.core.letters import (
    Again,
    Letter,
    Resend,
    Unreplayable,
    brand_of,
    line_of,
    masked,
    replay_of,
    visible,
    whole,
)
from services.planner.core.sweep import Again as SendAgain
from services.planner.core.sweep import StepFindings, again
from services.runtime.dead_letters import PoisonWatch, dead_letter_headers
from services.runtime.errors import StopProcessError

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
SEND = {
    "send_id": "camp/1/c-1", "campaign_id": "camp", "recipient": "acme/c-1", "attempt": 1,
    "address": "asha@example.com", "data": {"name": "Asha"},
}  # fmt: skip


def letter(topic: str, value: Any, key: bytes | None = b"k", whole_size: int = 0) -> Letter:
    own = (("traceparent", b"t"), ("peal_reason", b"forged"))
    headers = dead_letter_headers(
        topic, 3, 17, "unreadable", "no. is asha@example.com or +919812345678", own, whole_size
    )
    data = value if isinstance(value, bytes | None) else json.dumps(value).encode()
    return Letter(topic, 3, 4, NOW, key, data, tuple(headers))


def test_a_list_names_the_reason_the_place_and_the_ids_and_nobodys_data() -> None:
    line = line_of(letter("send-email", SEND))
    assert (line["reason"], line["source"]) == ("unreadable", {"topic": "send-email", "partition": 3, "offset": 17})
    assert (line["topic"], line["partition"], line["offset"]) == ("send-email", 3, 4)
    assert line["about"] == {"send_id": "camp/1/c-1", "campaign_id": "camp", "attempt": 1}
    text = json.dumps(line, default=str)
    assert "asha@" not in text
    assert "9812345678" not in text
    assert "Asha" not in text


def test_shown_by_itself_it_is_whole_but_for_our_own_headers() -> None:
    shown = whole(letter("send-email", SEND))
    assert shown["value"] == SEND
    assert shown["headers"] == {"traceparent": "t"}
    assert "asha@example.com" in shown["detail"]
    assert whole(letter("consents", b"\xff{"))["text"] == "\ufffd{"


@pytest.mark.parametrize(
    ("text", "shown"),
    [("asha@example.com", "ash***@example.com"), ("+919812345678", "***78"), ("camp/1/c-17", "camp/1/c-17")],
)
def test_addresses_are_masked(text: str, shown: str) -> None:
    assert masked(text) == shown


@pytest.mark.parametrize(
    ("key", "value", "brand"),
    [
        (b"acme/c-1", b"rubbish", "acme"), (b"k", SEND, "acme"), (b"camp", {"brand": "acme"}, "acme"),
        (b"k", b"rubbish", None), (None, None, None), (b"a/b/c", [1], None),
    ],
)  # fmt: skip
def test_a_brand_sees_its_own_letters_and_an_admin_also_those_that_are_nobodys(
    key: bytes | None, value: Any, brand: str | None
) -> None:
    found = letter("consents", value, key)
    assert brand_of(found) == brand
    assert visible(found, "acme", installation=False) == (brand == "acme")
    assert not visible(found, "other", installation=False)
    assert visible(found, "other", installation=True)


@pytest.mark.parametrize("topic", ["send-requested", "send-email", "send-sms-own"])
def test_a_replayed_send_goes_by_way_of_its_campaign(topic: str) -> None:
    """Never back to its topic: attempts and money are the planner's to give."""
    assert replay_of(letter(topic, SEND)) == Resend("camp")
    refused = replay_of(letter(topic, b"rubbish"))
    assert isinstance(refused, Unreplayable)
    assert refused.problem == "unknown_send"


def test_any_other_record_is_produced_again_as_it_was() -> None:
    again_ = replay_of(letter("consents", b"value", b"key"))
    assert again_ == Again("consents", b"key", b"value", (("traceparent", b"t"),))


def test_half_a_record_is_not_produced() -> None:
    refused = replay_of(letter("consents", b"val", b"key", whole_size=10_000_000))
    assert isinstance(refused, Unreplayable)
    assert refused.problem == "cut"


def test_what_ended_as_a_dead_letter_is_asked_for_as_a_new_attempt_that_may_reopen_it() -> None:
    found = StepFindings((), (), (), (), 1, dead_lettered=((7, 2),))
    assert again(found, NOW) == ([SendAgain(7, 3, reopen=True)], [])


def test_over_a_hundred_bad_records_in_a_row_stop_a_consumer() -> None:
    watch = PoisonWatch("t")
    for _ in range(100):
        watch.poisoned("x")
    watch.good()
    for _ in range(100):
        watch.poisoned("x")
    with pytest.raises(StopProcessError, match="`peal dlq list`"):
        watch.poisoned("x")


def test_over_a_tenth_of_the_last_ten_thousand_stops_a_consumer_too() -> None:
    watch = PoisonWatch("t")
    for _ in range(1000):
        watch.good(9)
        watch.poisoned("x")
    watch.good(8)
    with pytest.raises(StopProcessError, match="of the last 10000"):
        watch.poisoned("x")
