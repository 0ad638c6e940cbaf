"""Where a group may go on whose place was lost, and what becomes of what is gone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import RANK, Status
from schemas.topics import CONSENTS, SEND_REQUESTED
from services.domain.eligibility import (
    SOURCES,
    CampaignRules,
    Event,
    Send,
    StepRules,
    decide,
    decode_record,
    encode_record,
    new_record,
    next_attempt,
    observe,
)
from services.domain.eligibility.verdicts import REPEAT
from services.domain.marks import Do, Mark, encode_mark
from services.domain.messages import Consent, DeliveryEvent, SendRequest
from services.domain.repair.people import fold, forget_offsets
from services.domain.repair.places import Place, Trouble, sentence, trouble_of
from services.domain.repair.queues import (
    Held,
    Limits,
    OpenSend,
    event_of,
    first_to_read,
    largest_group,
    plan,
    queue_trouble,
)

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
LIMITS = Limits(group_most=2, requests_committed=100, requests_end=120)


def place(committed: int, low: int = 0, high: int = 20, mark: Mark | str = "") -> Place:
    text = mark if isinstance(mark, str) else encode_mark(mark)
    return Place("peal-sender-sms", "send-sms", 3, committed, text, low, high)


def waiting(*offsets: int) -> list[OpenSend]:
    return [OpenSend(o, f"camp/1/c-{o}", 1, f"default/c-{o}", o, "sms", "default") for o in offsets]


def held(*offsets: int) -> list[Held]:
    return [Held(o, 50 + o, f"camp/1/c-{o}", 1) for o in offsets]


@pytest.mark.parametrize(
    ("committed", "low", "trouble"),
    [(-1, 0, Trouble.MISSING), (4, 5, Trouble.OUTRUN), (21, 0, Trouble.BEYOND), (5, 5, None), (20, 0, None)],
)
def test_a_group_goes_on_only_from_an_offset_that_its_log_holds(
    committed: int, low: int, trouble: Trouble | None
) -> None:
    assert trouble_of(place(committed, low)) is trouble


@pytest.mark.parametrize("trouble", Trouble)
def test_every_trouble_is_told_in_a_sentence_that_names_the_repair(trouble: Trouble) -> None:
    assert "`peal repair`" in sentence(place(-1), trouble)


def test_a_commit_of_another_program_and_a_mark_of_another_log_of_requests_are_troubles_too() -> None:
    assert queue_trouble(place(5, mark="not ours"), 120) is Trouble.FOREIGN
    assert queue_trouble(place(5, mark=Mark(seen=120)), 120) is Trouble.REPEATS
    assert queue_trouble(place(5, mark=Mark(seen=119)), 120) is None
    assert queue_trouble(place(-1), 120) is Trouble.MISSING


def test_without_a_place_a_sender_goes_on_behind_what_the_ledger_knows_to_be_over() -> None:
    """And as one group may have been under way, the oldest are declared: the sender calls those uncertain itself."""
    lost, left = place(-1), waiting(12, 13, 15, 16)
    assert first_to_read(lost, Trouble.MISSING, left) == 12
    made = plan(lost, Trouble.MISSING, left, held(12, 13, 14, 15, 16), LIMITS)
    assert made.start == 12
    assert made.mark == Mark(seen=61, do=Do.CALL, through=13)
    assert not made.returned
    assert not made.doubted


def test_what_was_drained_before_the_place_was_lost_is_not_uncertain() -> None:
    made = plan(place(-1), Trouble.MISSING, waiting(12, 13), held(12, 13), LIMITS._replace(group_most=0))
    assert (made.start, made.mark) == (12, Mark(seen=61))


def test_with_nothing_open_a_sender_goes_on_at_the_end_and_knows_every_routed_request_again() -> None:
    """A router that writes again what it had routed is not taken at its word."""
    made = plan(place(-1), Trouble.MISSING, [], held(), LIMITS)
    assert (made.start, made.mark) == (20, Mark(seen=99))


def test_what_was_queued_below_the_start_of_the_log_goes_back() -> None:
    """Its intent says what may have been called: that is uncertain, and all the rest is routed anew."""
    outrun = place(4, low=10, mark=Mark(seen=7, do=Do.CALL, through=5))
    made = plan(outrun, Trouble.OUTRUN, waiting(4, 5, 6, 9, 12), held(10, 11, 12), LIMITS)
    assert [send.offset for send in made.doubted] == [4, 5]
    assert [send.offset for send in made.returned] == [6, 9]
    assert (made.start, made.mark) == (10, Mark(seen=7))


def test_an_intent_that_reaches_beyond_the_start_of_the_log_stands() -> None:
    outrun = place(8, low=10, mark=Mark(seen=7, do=Do.CALL, through=11))
    made = plan(outrun, Trouble.OUTRUN, waiting(8, 9, 10, 11), held(10, 11), LIMITS)
    assert [send.offset for send in made.doubted] == [8, 9]
    assert (made.start, made.mark) == (10, Mark(7, Do.CALL, 11))


def test_what_was_being_returned_is_returned() -> None:
    outrun = place(4, low=10, mark=Mark(seen=7, do=Do.RETURN, through=5))
    made = plan(outrun, Trouble.OUTRUN, waiting(4, 5, 6), held(10), LIMITS)
    assert not made.doubted
    assert [send.offset for send in made.returned] == [4, 5, 6]


def test_a_topic_that_was_made_anew_is_read_from_its_start() -> None:
    """The old offsets mean nothing there. The requests' do, unless their topic was made anew as well."""
    beyond = place(40, low=0, high=2, mark=Mark(seen=7, do=Do.CALL, through=41))
    made = plan(beyond, Trouble.BEYOND, [*waiting(40, 41, 42), *waiting(0)], held(0, 1), LIMITS)
    assert (made.start, made.mark) == (0, Mark(seen=7))
    assert [send.offset for send in made.doubted] == [40, 41]
    assert [send.offset for send in made.returned] == [42]
    assert plan(beyond, Trouble.BEYOND, [], [], LIMITS._replace(requests_end=5)).mark == Mark(seen=-1)


def test_where_only_the_requests_began_anew_a_sender_stays_where_it_is() -> None:
    made = plan(place(5, mark=Mark(400, Do.CALL, 6)), Trouble.REPEATS, waiting(5, 6), held(5, 6), LIMITS)
    assert (made.start, made.mark) == (5, Mark(-1, Do.CALL, 6))


@given(
    st.integers(0, 60), st.integers(0, 20), st.integers(0, 40), st.integers(-1, 60), st.sets(st.integers(0, 59)),
    st.sampled_from([None, Do.CALL, Do.RETURN]), st.sampled_from([Trouble.MISSING, Trouble.OUTRUN]), st.integers(0, 20),
)  # fmt: skip
def test_nobody_is_lost_and_nobody_who_may_have_been_called_is_called(
    committed: int,
    gone: int,
    more: int,
    through: int,
    open_at: set[int],
    do: Do | None,
    trouble: Trouble,
    most: int,
) -> None:
    """Every open send is on the way again, uncertain, or returned; and none that an intent may cover is on the way."""
    low, high = (
        (committed + 1 + gone, committed + 1 + gone + more) if trouble is Trouble.OUTRUN else (gone, gone + more)
    )
    there = place(committed if trouble is Trouble.OUTRUN else -1, low, high, Mark(5, do, through if do else -1))
    first = committed if trouble is Trouble.OUTRUN else 0
    left = waiting(*sorted(o for o in open_at if first <= o < high))
    start = first_to_read(there, trouble, left)
    made = plan(there, trouble, left, held(*range(max(start, low), high)), LIMITS._replace(group_most=most))
    dealt = {send.offset for send in [*made.returned, *made.doubted]}
    on_the_way = {send.offset for send in left} - dealt
    assert all(offset >= made.start for offset in on_the_way)
    assert all(50 + offset > made.mark.seen for offset in on_the_way)
    declared = set(range(made.start, made.mark.through + 1)) if made.mark.do is Do.CALL else set()
    called = sorted(send.offset for send in left)[:most] if trouble is Trouble.MISSING else [
        send.offset for send in left if do is Do.CALL and send.offset <= through
    ]  # fmt: skip
    doubted = {send.offset for send in made.doubted}
    assert all(offset in doubted or offset in declared for offset in called)


def test_the_event_of_a_repair_opens_the_next_attempt() -> None:
    [send] = waiting(4)
    event = event_of(send, "recalled", NOW)
    assert (event.event_id, event.campaign_id, event.step) == ("camp/1/c-4/1/recalled/repair", "camp", 1)
    record = new_record()
    record.sends[send.send_id] = Send(1, RANK[Status.QUEUED], "", 7, 0, "sms")
    observe(record, event)
    assert next_attempt(record.sends[send.send_id], reopen=False) == 2
    observe(record, event_of(send._replace(attempt=2), "uncertain", NOW))
    assert next_attempt(record.sends[send.send_id], reopen=False) == 0


@pytest.mark.parametrize(("rate", "most"), [(0.5, 1), (10, 10), (5000, 1000), (float("inf"), 1000)])
def test_one_intent_covers_at_most_a_seconds_rate_and_never_more_than_a_call(rate: float, most: int) -> None:
    assert largest_group(rate) == most


# ------------------------------------------------------------------------------------------------------------- people

CAMPAIGN = CampaignRules(
    "camp", "default", "active", 1, [StepRules("sms"), StepRules("sms", "not_engaged"), StepRules("email")]
)


def outcome(step: int, status: str, attempt: int = 1, reason: str = "") -> DeliveryEvent:
    send_id = f"camp/{step}/c-1"
    return DeliveryEvent(
        event_id="e", send_id=send_id, campaign_id="camp", step=step, recipient="default/c-1", attempt=attempt,
        channel="sms", account="default", status=status, reason=reason, occurred_at=NOW, source="ledger",
    )  # fmt: skip


def request(step: int, attempt: int = 1) -> SendRequest:
    return SendRequest(
        send_id=f"camp/{step}/c-1", campaign_id="camp", step=step, recipient="default/c-1", ord=1, attempt=attempt,
        epoch=1, channel="sms", address="+919812345678", opt_in=True, expires_at=NOW + timedelta(days=1),
    )  # fmt: skip


KNOWN: list[Event] = [
    outcome(1, "queued"), outcome(1, "accepted"), outcome(2, "queued"), outcome(3, "queued"), outcome(3, "recalled"),
    Consent(recipient="default/c-1", channel="email", state="opted_out", at=NOW),
]  # fmt: skip


@given(st.permutations(KNOWN), st.lists(st.sampled_from(KNOWN)))
def test_a_person_made_again_from_the_ledger_gets_nothing_twice(order: list[Event], again: list[Event]) -> None:
    """In whatever order and however often it is told."""
    record = new_record()
    fold(record, [*order, *again], {"camp": CAMPAIGN})
    record = decode_record(encode_record(record))
    assert decide(record, request(1), CAMPAIGN, NOW) is REPEAT
    assert decide(record, request(2), CAMPAIGN, NOW) is REPEAT
    assert record.sends["camp/2/c-1"].only_if == "not_engaged"
    assert decide(record, request(3), CAMPAIGN, NOW) is REPEAT
    assert next_attempt(record.sends["camp/3/c-1"], reopen=False) == 2
    assert record.consent["email"].stop == "opted_out"


def test_offsets_of_a_topic_that_was_made_anew_are_forgotten_and_no_others() -> None:
    record = new_record()
    record.applied[:] = [5, 6, 7, 8]
    record.sends["camp/1/c-1"] = Send(1, RANK[Status.QUEUED], "", 5, 0, "sms")
    forget_offsets(record, {CONSENTS})
    assert record.applied == [-1 if topic == CONSENTS else 5 + index for index, topic in enumerate(SOURCES)]
    assert record.sends["camp/1/c-1"].request == 5
    forget_offsets(record, {SEND_REQUESTED})
    assert record.sends["camp/1/c-1"].request == -1
