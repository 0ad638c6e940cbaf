"""What is bad input, why, and where it goes."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiokafka.partitioner import murmur2 as aiokafkas_murmur2
from aiokafka.structs import ConsumerRecord, TopicPartition
from hypothesis import given
from hypothesis import strategies as st

from services.domain.messages import Consent, DeliveryEvent, Engagement, SendRequest
from services.router.buffers import Share
from services.router.inputs import LARGEST, Bad, misplaced, read
from services.router.offsets import require_sound
from services.router.outputs import LARGEST_RECORD, Outputs
from services.router.reader import Reader
from services.router.watchdog import Watchdog
from services.runtime.errors import StopProcessError
from services.runtime.murmur import murmur2, partition_for
from services.runtime.partitions import partitions_for

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
ISO = "2026-11-21T09:00:00Z"
GOOD: dict[str, dict[str, Any]] = {
    "send-requested": {
        "send_id": "summer/1/c-1", "campaign_id": "summer", "step": 1, "recipient": "default/c-1", "ord": 1,
        "attempt": 1, "epoch": 1, "channel": "email", "address": "a@example.com", "expires_at": ISO,
    },
    "consents": {"recipient": "default/c-1", "channel": "sms", "state": "opted_in", "at": ISO},
    "engagements": {"recipient": "default/c-1", "kind": "visit", "at": ISO},
    "delivery-events": {
        "event_id": "e", "send_id": "summer/1/c-1", "campaign_id": "summer", "step": 1, "recipient": "default/c-1",
        "attempt": 1, "channel": "email", "account": "default", "status": "accepted", "occurred_at": ISO,
        "source": "sender",
    },
}  # fmt: skip


def fetched(
    topic: str, value: bytes | None, key: bytes | None = b"default/c-1", **more: Any
) -> ConsumerRecord[Any, Any]:
    values: dict[str, Any] = {
        "topic": topic, "partition": 3, "offset": 42, "timestamp": 0, "timestamp_type": 0, "key": key, "value": value,
        "checksum": None, "serialized_key_size": 0, "serialized_value_size": 0, "headers": (),
    }  # fmt: skip
    return ConsumerRecord(**values | more)


def said_of(topic: str, **changes: Any) -> Any:
    return read(fetched(topic, json.dumps(GOOD[topic] | changes).encode()), NOW)


@pytest.mark.parametrize(
    ("topic", "model"),
    [
        ("send-requested", SendRequest),
        ("consents", Consent),
        ("engagements", Engagement),
        ("delivery-events", DeliveryEvent),
    ],
)
def test_good_input_is_read(topic: str, model: type) -> None:
    assert isinstance(said_of(topic, a_field_of_a_later_version=1), model)


@pytest.mark.parametrize("topic", GOOD)
@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "null"), (b"", "not_json"), (b"\xff\xfe", "not_utf8"), (b"{", "not_json"), (b"[]", "invalid"),
        (b'{"recipient": "default/c-1"}', "invalid"), (b'{"a":' * 100_000, "not_json"), (bytes(900_000), "too_large"),
        (b'{"recipient": "\xff"}', "not_utf8"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_has_a_reason(topic: str, value: bytes | None, reason: str) -> None:
    bad = read(fetched(topic, value), NOW)
    assert isinstance(bad, Bad)
    assert bad.reason == reason
    assert bad.detail


@pytest.mark.parametrize("topic", GOOD)
@pytest.mark.parametrize("key", [None, b"", b"default/c-2", b"c-1", b"\xff"])
def test_a_key_that_is_not_the_recipient_is_told(topic: str, key: bytes | None) -> None:
    assert read(fetched(topic, json.dumps(GOOD[topic]).encode(), key), NOW).reason == "wrong_key"


@given(value=st.binary(max_size=300), key=st.binary(max_size=20))
def test_no_bytes_whatever_stop_the_stream(value: bytes, key: bytes) -> None:
    for topic in GOOD:
        assert isinstance(read(fetched(topic, value, key), NOW), Bad)


@pytest.mark.parametrize(
    ("topic", "changes", "reason"),
    [
        ("delivery-events", {"status": "teleported"}, "unknown_status"),
        ("delivery-events", {"status": "queued"}, "unknown_status"),
        ("delivery-events", {"attempt": 0}, "invalid"),
        ("consents", {"state": "maybe"}, "invalid"),
        ("consents", {"channel": "telegram"}, "invalid"),
        ("consents", {"reason": "bored"}, "invalid"),
        ("consents", {"at": "2026-11-21T09:00:00"}, "invalid"),
        ("send-requested", {"channel": "telegram"}, "invalid"),
        ("send-requested", {"send_id": "summer/1/c-2"}, "invalid"),
        ("send-requested", {"attempt": 0}, "invalid"),
        ("send-requested", {"data": {"nested": {}}}, "invalid"),
    ],
)
def test_a_field_that_cannot_be_so_is_named(topic: str, changes: dict[str, Any], reason: str) -> None:
    bad = said_of(topic, **changes)
    assert bad.reason == reason
    assert next(iter(changes)).split("_")[0] in bad.detail


@pytest.mark.parametrize(("topic", "field"), [("consents", "at"), ("delivery-events", "occurred_at")])
def test_a_word_from_the_future_would_outweigh_all_later_ones_and_is_refused(topic: str, field: str) -> None:
    assert said_of(topic, **{field: (NOW + timedelta(days=2)).isoformat()}).reason == "in_the_future"
    assert not isinstance(said_of(topic, **{field: (NOW + timedelta(hours=2)).isoformat()}), Bad)


def test_headers_count_towards_the_size() -> None:
    value = json.dumps(GOOD["consents"]).encode()
    assert read(fetched("consents", value, headers=(("h", bytes(LARGEST)),)), NOW).reason == "too_large"


def test_a_record_in_another_partition_than_murmur2_says_is_told() -> None:
    right = partition_for(b"default/c-1", 8)
    assert misplaced(b"default/c-1", right, 8) is None
    assert misplaced(b"default/c-1", (right + 1) % 8, 8).reason == "wrong_partition"  # type: ignore[union-attr]


@pytest.mark.parametrize("key", [b"c-1", b"a/b/c", b"default/", b"default/c 1", b"default/c-1\n"])
def test_a_recipient_is_brand_and_contact(key: bytes) -> None:
    assert misplaced(key, partition_for(key, 8), 8).reason == "invalid"  # type: ignore[union-attr]


@given(key=st.binary(max_size=40))
def test_murmur2_is_kafkas(key: bytes) -> None:
    assert murmur2(key) == aiokafkas_murmur2(key) & 0xFFFFFFFF


@given(st.lists(st.binary(max_size=40), max_size=20), st.sampled_from([1, 3]), st.sampled_from([0, 512, 513]))
def test_many_keys_at_once_get_the_same_partitions(keys: list[bytes], times: int, longest: int) -> None:
    """Few of them or many, of any length, with zeros at their end or not."""
    many = [*keys, bytes(longest), b"default/c-1"] * times
    assert partitions_for(many, 8) == [partition_for(key, 8) for key in many]


# -------------------------------------------------------------------------------------------------------- dead letters


def letter(source: ConsumerRecord[Any, Any]) -> tuple[tuple[str, int], tuple[bytes, bytes, Any]]:
    outputs = Outputs(NOW)
    outputs.dead_letter(source, Bad("not_json", "it is not JSON"))
    [(place, [record])] = outputs._records.items()
    return place, record


def test_a_dead_letter_is_the_record_as_it_came_with_where_from_and_why() -> None:
    place, (key, value, headers) = letter(fetched("consents", b"rubbish", b"k", headers=(("traceparent", b"00-1"),)))
    assert place == ("consents-dlq", 3)
    assert (key, value) == (b"k", b"rubbish")
    assert dict(headers) == {
        "traceparent": b"00-1", "peal_reason": b"not_json", "peal_detail": b"it is not JSON",
        "peal_source_topic": b"consents", "peal_source_partition": b"3", "peal_source_offset": b"42",
    }  # fmt: skip


@pytest.mark.parametrize(
    "source",
    [
        fetched("consents", bytes(1_040_000)),
        fetched("consents", bytes(500_000), bytes(540_000)),
        fetched("consents", bytes(500_000), headers=(("h", bytes(540_000)),)),
        fetched("consents", None, None, headers=(("h", None),)),
    ],
)
def test_a_dead_letter_always_fits_what_a_broker_takes(source: ConsumerRecord[Any, Any]) -> None:
    _, (key, value, headers) = letter(source)
    size = len(key) + len(value) + sum(len(name) + len(text or b"") for name, text in headers)
    assert size < LARGEST_RECORD + 2000
    assert ("peal_source_offset", b"42") in headers


# ------------------------------------------------------------------------------------------------- refusing to go on


@pytest.mark.parametrize(
    ("offset", "low", "high", "unwritten", "remedy"),
    [
        (-1, 0, 9, False, "peal topics apply"), (-1, 0, 9, False, "peal repair"), (3, 5, 9, False, "peal repair"),
        (12, 0, 9, False, "peal repair"), (3, 0, 9, True, "peal repair"),
    ],
)  # fmt: skip
def test_where_reading_on_would_skip_or_forget_the_router_refuses_and_names_the_repair(
    offset: int, low: int, high: int, unwritten: bool, remedy: str
) -> None:
    with pytest.raises(StopProcessError, match=remedy) as caught:
        require_sound(TopicPartition("consents", 1), offset, low, high, unwritten)
    assert "consents/1" in str(caught.value)


@pytest.mark.parametrize(("offset", "unwritten"), [(0, True), (5, False), (9, False)])
def test_where_nothing_is_missing_it_goes_on(offset: int, unwritten: bool) -> None:
    require_sound(TopicPartition("consents", 1), offset, 0, 9, unwritten)


def test_a_stall_is_told_only_while_records_wait_and_no_round_is_finished() -> None:
    state = {"work": True, "rounds": 0}
    watchdog = Watchdog(3, lambda: bool(state["work"]), lambda: state["rounds"])
    for _ in range(4):
        watchdog.look()
    assert watchdog.problem()
    state["rounds"] = 1
    watchdog.look()
    assert not watchdog.problem()
    state["work"] = False
    for _ in range(9):
        watchdog.look()
    assert not watchdog.problem()


def test_a_request_that_is_too_large_is_failed_as_well_so_that_nobody_asks_for_it_for_ever() -> None:
    """The same without a readable request in it is a dead letter alone."""
    request = GOOD["send-requested"] | {"data": {"note": "x" * LARGEST}}
    for value, told in ((json.dumps(request).encode(), 1), (bytes(LARGEST + 1), 0)):
        outputs = Outputs(NOW)
        share = Share(3, [], [fetched("send-requested", value)])
        assert Reader({3: {}}, 8).read(share, outputs) == []
        events = outputs._records["delivery-events", 3]
        assert [json.loads(event or b"")["reason"] for _, event, _ in events] == ["dead_letter"] * told
        assert all(headers == [] for _, _, headers in events)
        assert len(outputs._records["send-requested-dlq", 3]) == 1
