"""A round: each request gets one verdict, for good, and a replay repeats it."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.structs import ConsumerRecord

from schemas.topics import CAMPAIGNS
from services.domain.eligibility import SOURCES, CampaignRules, StepRules, decode_campaign, decode_record
from services.domain.eligibility.record import CapRules, LimitRules
from services.domain.erasure import Hasher
from services.router.buffers import Share
from services.router.destinations import Destinations
from services.router.forgotten import Forgotten
from services.router.judge import Judge
from services.router.outputs import OWN, Outputs
from services.runtime.murmur import partition_for
from services.runtime.registry import Registry
from services.runtime.settings import Settings

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)
KEY = b"default/c-1"
P = partition_for(KEY, 8)
CHANGELOG = "peal-router-people-changelog"
Said = list[tuple[str, dict[str, Any], dict[str, bytes]]]


@pytest.fixture
async def judge() -> AsyncIterator[Judge]:
    """With one active campaign, and the topics of the default accounts."""
    campaigns = Registry(Settings(), CAMPAIGNS, decode_campaign)
    steps = [StepRules("email"), StepRules("sms", "not_engaged")]
    campaigns.items["summer"] = CampaignRules("summer", "default", "active", 1, steps)
    producer = AIOKafkaProducer()
    destinations = Destinations(producer)
    destinations._partitions = {"send-email": 8, "send-sms": 8}

    async def nothing_new() -> None:
        """The cluster has no more topics than these."""

    destinations.refresh = nothing_new  # type: ignore[method-assign]
    yield Judge({P: {}}, CHANGELOG, campaigns, destinations, timedelta(days=30))
    await producer.stop()


def fetched(topic: str, offset: int, value: Any, *headers: tuple[str, bytes], key: bytes = KEY) -> Any:
    raw = value if isinstance(value, bytes) else json.dumps(value).encode()
    return ConsumerRecord(topic, P, offset, 0, 0, key, raw, None, 0, 0, headers)


def request(offset: int, step: int = 1, **changes: Any) -> Any:
    values = {
        "send_id": f"summer/{step}/c-1", "campaign_id": "summer", "step": step, "recipient": "default/c-1", "ord": 1,
        "attempt": 1, "epoch": 1, "channel": "email" if step == 1 else "sms", "opt_in": True,
        "address": "a@example.com" if step == 1 else "+919812345678", "expires_at": "2026-12-01T00:00:00Z",
    }  # fmt: skip
    return fetched("send-requested", offset, values | changes, ("traceparent", b"00-abc"))


def consent(offset: int, state: str = "opted_out", channel: str = "email", **changes: Any) -> Any:
    value = {"recipient": "default/c-1", "channel": channel, "state": state, "at": "2026-11-21T08:00:00Z"}
    return fetched("consents", offset, value | changes)


def event(offset: int, status: str, *headers: tuple[str, bytes], **changes: Any) -> Any:
    value = {
        "event_id": "e", "send_id": "summer/1/c-1", "campaign_id": "summer", "step": 1, "recipient": "default/c-1",
        "attempt": 1, "channel": "email", "account": "default", "status": status, "source": "sender",
        "occurred_at": "2026-11-21T08:30:00Z",
    }  # fmt: skip
    return fetched("delivery-events", offset, value | changes, *headers)


async def round_of(judge: Judge, *then: Any, first: tuple[Any, ...] = (), now: datetime = NOW) -> Said:
    """What is said in this round, by topic; after its state was taken over."""
    _, said = await judge.round([Share(P, list(first), list(then))], now)
    return readable(said)


def readable(outputs: Outputs) -> Said:
    return [
        (topic, json.loads(value) if value[:1] == b"{" else {}, dict(headers))
        for (topic, partition), records in outputs._records.items()
        for _, value, headers in records
        if partition == P
    ]


async def test_a_routed_message_is_the_request_with_its_offset_and_headers(judge: Judge) -> None:
    [(topic, message, headers)] = await round_of(judge, request(4711))
    assert topic == "send-email"
    assert message["request_offset"] == 4711
    assert message["routed_at"] == "2026-11-21T09:00:00Z"
    assert message["send_id"] == "summer/1/c-1"
    assert headers == {"traceparent": b"00-abc"}


async def test_the_ground_on_which_it_was_routed_travels_with_it(judge: Judge) -> None:
    [(_, message, _)] = await round_of(judge, request(1, 2))
    assert message["detail"] == "opted in by the campaign's own list"


async def test_a_suppression_is_an_event_with_reason_and_words_and_a_mark_of_our_own(judge: Judge) -> None:
    [(topic, told, headers)] = await round_of(judge, request(5), first=(consent(1),))
    assert topic == "delivery-events"
    assert told["event_id"] == "summer/1/c-1/1/suppressed/router"
    assert (told["status"], told["reason"]) == ("suppressed", "opted_out")
    assert told["detail"] == "opted out of email, 2026-11-21 08:00 UTC"
    assert headers == {"traceparent": b"00-abc", OWN[0]: OWN[1]}


async def test_a_replay_repeats_the_verdict_instead_of_deciding_anew(judge: Judge) -> None:
    """Also when the person has opted out since: the message may be out already, and its offset tells that it is old."""
    first = await round_of(judge, request(5), request(6, 2))
    again = await round_of(judge, request(5), request(6, 2), first=(consent(1, channel="push"),), now=LATER)
    assert [topic for topic, _, _ in again] == [topic for topic, _, _ in first] == ["send-email", "send-sms"]
    assert [message["request_offset"] for _, message, _ in again] == [5, 6]


async def test_a_replayed_suppression_is_the_same_to_the_byte(judge: Judge) -> None:
    first = await round_of(judge, request(5, address=""))
    assert await round_of(judge, request(5, address=""), now=LATER) == first


async def test_a_repeated_request_with_a_new_offset_says_nothing(judge: Judge) -> None:
    await round_of(judge, request(5))
    assert await round_of(judge, request(6)) == []


async def test_once_its_outcome_is_known_a_verdict_is_not_repeated(judge: Judge) -> None:
    await round_of(judge, request(5))
    await round_of(judge, first=(event(1, "accepted"),))
    assert await round_of(judge, request(5)) == []


async def test_a_request_for_a_campaign_at_rest_says_nothing_now_nor_when_it_is_replayed(judge: Judge) -> None:
    judge.campaigns.items["summer"] = CampaignRules("summer", "default", "paused", 1, [StepRules("email")])
    assert await round_of(judge, request(5)) == []
    judge.campaigns.items["summer"] = CampaignRules("summer", "default", "active", 1, [StepRules("email")])
    assert await round_of(judge, request(5)) == []
    assert [topic for topic, _, _ in await round_of(judge, request(6))] == ["send-email"]


async def test_an_opt_out_of_the_same_round_comes_before_the_requests(judge: Judge) -> None:
    [(topic, told, _)] = await round_of(judge, request(5), first=(consent(1),))
    assert (topic, told["reason"]) == ("delivery-events", "opted_out")


async def test_an_opt_out_calls_back_what_is_under_way(judge: Judge) -> None:
    await round_of(judge, request(5))
    [(topic, recall, _)] = await round_of(judge, first=(consent(1),))
    assert topic == "send-recalls"
    assert (recall["send_id"], recall["attempt"], recall["recipient"]) == ("summer/1/c-1", 1, "default/c-1")


async def test_a_recall_is_repeated_by_a_replay(judge: Judge) -> None:
    await round_of(judge, request(5))
    assert await round_of(judge, first=(consent(1),)) == await round_of(judge, first=(consent(1),))


async def test_the_routers_own_suppressions_are_skipped_those_of_others_are_not(judge: Judge) -> None:
    await round_of(judge, first=(event(1, "suppressed", OWN, reason="expired"),))
    assert judge.people[P].keys() == {b""}
    await round_of(judge, first=(event(2, "suppressed", reason="over_budget"),))
    assert decode_record(judge.people[P][KEY]).sends["summer/1/c-1"].reason == "over_budget"


async def test_every_input_advances_what_is_applied_also_one_that_was_dropped(judge: Judge) -> None:
    await round_of(judge, request(5), request(9), first=(consent(3), event(4, "accepted")))
    assert decode_record(judge.people[P][KEY]).applied == [9, 3, 4, -1]


async def test_an_old_event_changes_nothing_twice(judge: Judge) -> None:
    await round_of(judge, first=(consent(3),))
    before = judge.people[P][KEY]
    await round_of(judge, first=(consent(3, "opted_in"),))
    assert judge.people[P][KEY] == before


async def test_an_account_without_topic_fails_the_send_as_a_dead_letter_and_can_be_replayed(judge: Judge) -> None:
    letter, told = await round_of(judge, request(5, account="shop-2"))
    assert letter[0] == "send-requested-dlq"
    assert letter[2]["peal_reason"] == b"unknown_account"
    assert b"shop-2" in letter[2]["peal_detail"]
    assert (told[0], told[1]["status"], told[1]["reason"]) == ("delivery-events", "failed", "dead_letter")
    assert OWN[0] in told[2]
    judge.destinations._partitions["send-email-shop-2"] = 8
    assert await round_of(judge, request(6, account="shop-2", attempt=2)) == []
    [(topic, _, _)] = await round_of(judge, request(7, account="shop-2", attempt=2, reopen=True))
    assert topic == "send-email-shop-2"


async def test_bad_input_goes_to_the_dead_letters_and_the_stream_goes_on(judge: Judge) -> None:
    said = await round_of(judge, fetched("send-requested", 4, b"rubbish"), request(5))
    assert [topic for topic, _, _ in said] == ["send-requested-dlq", "send-email"]


async def test_a_person_in_a_wrong_partition_gets_no_record_there(judge: Judge) -> None:
    other = next(f"default/c-{n}".encode() for n in range(99) if partition_for(f"default/c-{n}".encode(), 8) != P)
    value = {"recipient": other.decode(), "channel": "email", "state": "opted_out", "at": "2026-11-21T08:00:00Z"}
    assert await round_of(judge, first=(fetched("consents", 1, value, key=other),)) == []  # the tracker sets it right
    asked = replace(request(5, recipient=other.decode(), send_id=f"summer/1/{other.decode()[8:]}"), key=other)
    [(topic, _, headers)] = await round_of(judge, asked)
    assert (topic, headers["peal_reason"]) == ("send-requested-dlq", b"wrong_partition")
    assert other not in judge.people[P]


async def test_a_producer_that_partitions_in_its_own_way_stops_no_router(judge: Judge) -> None:
    others = [key for n in range(400) if partition_for(key := f"default/c-{n}".encode(), 8) != P]
    told = [replace(consent(n, recipient=key.decode()), key=key) for n, key in enumerate(others)]
    assert await round_of(judge, first=tuple(told)) == []
    assert judge.reader.stop is None


async def test_a_partition_that_held_only_bad_input_leaves_a_mark_in_the_changelog(judge: Judge) -> None:
    """Else its empty changelog under committed offsets would look like a lost one."""
    states, _ = await judge.round([Share(P, [fetched("consents", 1, b"rubbish")], [])], NOW)
    assert [(topic, records[0][0]) for (topic, _), records in states._records.items()] == [(CHANGELOG, b"")]


async def test_so_much_bad_input_that_a_producer_must_be_broken_stops_the_router(judge: Judge) -> None:
    await round_of(judge, first=tuple(fetched("consents", n, b"rubbish") for n in range(100)))
    assert judge.reader.stop is None
    said = await round_of(judge, first=tuple(fetched("consents", n, b"rubbish") for n in range(100, 105)))
    assert "is a producer broken" in str(judge.reader.stop)
    assert len(said) == 5, "the round is still told in full, so that a new start goes on behind it"


async def test_what_belongs_to_a_campaign_long_closed_is_forgotten_when_the_person_is_next_seen(judge: Judge) -> None:
    await round_of(judge, request(5))
    ended = NOW + timedelta(days=1)
    judge.campaigns.items["summer"] = CampaignRules("summer", "default", "completed", 1, [], ended_at=ended)
    await round_of(judge, first=(consent(1, channel="push"),), now=ended + timedelta(days=29))
    assert decode_record(judge.people[P][KEY]).sends
    await round_of(judge, first=(consent(2, channel="push"),), now=ended + timedelta(days=31))
    assert not decode_record(judge.people[P][KEY]).sends


def test_a_record_knows_four_sources_in_a_fixed_order() -> None:
    assert SOURCES == ("send-requested", "consents", "delivery-events", "engagements")


async def test_an_erased_person_is_dropped_and_whatever_still_comes_ends_as_erased(judge: Judge) -> None:
    """A request of before that comes late, a later attempt, an opt-in: nothing of it brings the person back."""
    judge.forgotten = Forgotten(Hasher("master"))
    await round_of(judge, request(0))
    [(topic, recall, _)] = await round_of(judge, first=(consent(0, channel="all", reason="erased"),))
    assert (topic, recall["send_id"]) == ("send-recalls", "summer/1/c-1")
    assert await round_of(judge, first=(consent(1, channel="all", reason="forgotten"),)) == []
    [name] = judge.people[P]
    assert name == Hasher("master").pseudonym("default/c-1").encode()
    assert not [word for word in (b"c-1", b"summer") if word in judge.people[P][name]]

    late = event(0, "recalled"), request(1, attempt=2), request(2, step=2), request(0)
    said = await round_of(judge, *late, first=(consent(2, "opted_in", "all"),))
    assert [(topic, value["send_id"], value["attempt"], value["reason"]) for topic, value, _ in said] == [
        ("delivery-events", "summer/1/c-1", 2, "erased"),
        ("delivery-events", "summer/2/c-1", 1, "erased"),
        ("delivery-events", "summer/1/c-1", 1, "erased"),
    ]
    assert list(judge.people[P]) == [name]


async def test_what_an_erasure_drops_is_deleted_from_the_changelog_too(judge: Judge) -> None:
    judge.forgotten = Forgotten(Hasher("master"))
    await round_of(judge, request(0))
    states, _ = await judge.round([Share(P, [consent(0, channel="all", reason="forgotten")], [])], NOW)
    [records] = states._records.values()
    assert [(key == KEY, value is None) for key, value, _ in records] == [(False, False), (True, True)]


def capped(judge: Judge, **priorities: int) -> None:
    """Campaigns of which each lets a person have one message a day, all together."""
    for name, priority in priorities.items():
        limits = LimitRules((CapRules(1, "24h"),))
        judge.campaigns.items[name] = CampaignRules(
            name, "default", "active", 1, [StepRules("email")], limits=limits, priority=priority
        )


def mail_of(name: str, offset: int) -> Any:
    return request(offset, send_id=f"{name}/1/c-1", campaign_id=name)


async def test_within_a_round_the_highest_priority_gets_the_last_place_and_what_is_said_keeps_its_order(
    judge: Judge,
) -> None:
    """A message behind one of a higher offset would be taken for a repeat by its sender."""
    capped(judge, low=1, high=9, middle=5)
    said = await round_of(judge, mail_of("low", 5), mail_of("middle", 6), mail_of("high", 7))
    assert [(topic, told["campaign_id"]) for topic, told, _ in said] == [
        ("delivery-events", "low"), ("delivery-events", "middle"), ("send-email", "high"),
    ]  # fmt: skip
    assert [told.get("reason") for _, told, _ in said] == ["frequency_capped", "frequency_capped", None]
    assert said[-1][1]["detail"] == "caps 1/1 in 1d"
    assert said[-1][1]["request_offset"] == 7


async def test_equal_priorities_are_judged_as_they_come_and_a_later_round_finds_the_place_taken(judge: Judge) -> None:
    capped(judge, first=5, second=5, urgent=9)
    said = await round_of(judge, mail_of("first", 5), mail_of("second", 6))
    assert [topic for topic, _, _ in said] == ["send-email", "delivery-events"]
    [(topic, told, _)] = await round_of(judge, mail_of("urgent", 7))
    assert (topic, told["detail"]) == (
        "delivery-events", "1 of 1 message in 1 day, the last 2026-11-21 09:00 UTC by email",
    )  # fmt: skip


async def test_a_replay_of_a_round_with_caps_says_the_same(judge: Judge) -> None:
    capped(judge, low=1, high=9)
    inputs = (mail_of("low", 5), mail_of("high", 6))
    first = await round_of(judge, *inputs)
    assert await round_of(judge, *inputs, now=LATER) == [
        (topic, told | ({"routed_at": "2026-11-21T09:01:00Z"} if topic == "send-email" else {}), headers)
        for topic, told, headers in first
    ]


async def test_a_message_that_is_given_back_gives_its_place_to_the_next(judge: Judge) -> None:
    capped(judge, low=1, high=9)
    await round_of(judge, mail_of("low", 5))
    back = event(1, "recalled", send_id="low/1/c-1", campaign_id="low")
    [(topic, _, _)] = await round_of(judge, mail_of("high", 6), first=(back,))
    assert topic == "send-email"
