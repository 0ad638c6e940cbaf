"""What events change in a person's record: the same in any order and however often, and nothing falls back."""

from __future__ import annotations

import copy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.status import EVIDENCE, RANK, Status, rank_key
from services.domain.eligibility import (
    CampaignRules,
    Recall,
    Record,
    Repeat,
    Route,
    Said,
    Send,
    StepRules,
    Suppress,
    decide,
    fingerprint,
    new_record,
    observe,
    prune,
    recalls,
    stopped,
)
from services.domain.messages import Consent, DeliveryEvent, Engagement, SendRequest

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
AT = int(NOW.timestamp() * 1000)
HOUR = timedelta(hours=1)


def outcome(status: str, attempt: int = 1, step: int = 1, campaign: str = "summer", **changes: Any) -> DeliveryEvent:
    values: dict[str, Any] = {
        "event_id": "e", "send_id": f"{campaign}/{step}/c-1", "campaign_id": campaign, "step": step,
        "recipient": "default/c-1", "attempt": attempt, "channel": "email", "account": "default", "status": status,
        "occurred_at": NOW, "source": "sender",
    }  # fmt: skip
    return DeliveryEvent(**values | changes)


def consent(state: str = "opted_out", channel: str = "email", at: datetime = NOW, **changes: Any) -> Consent:
    return Consent(recipient="default/c-1", channel=channel, state=state, at=at, **changes)


def record_with(**sends: Send) -> Record:
    made = new_record()
    made.sends = {f"summer/{name[-1]}/c-1": send for name, send in sends.items()}
    return made


def queued(channel: str = "email", only_if: str = "always", attempt: int = 1, head: int = 0) -> Send:
    address = fingerprint("a@example.com")
    return Send(attempt, RANK[Status.QUEUED], "", 7, AT, channel, only_if, address, "why", head=head)


times = st.integers(-5, 5).map(lambda hours: NOW + hours * HOUR)
consents = st.builds(
    consent,
    st.sampled_from(["opted_in", "opted_out"]),
    st.sampled_from(["email", "sms", "all"]),
    times,
    purpose=st.sampled_from(["marketing", "newsletter"]),
    reason=st.sampled_from(["opted_out", "bounced_before", "complained_before"]),
)
outcomes = st.builds(
    outcome,
    st.sampled_from([status.value for status in Status if status is not Status.QUEUED]),
    st.integers(1, 4),
    st.integers(1, 2),
    occurred_at=times,
    machine=st.booleans(),
    reason=st.sampled_from(["", "dead_letter", "invalid_address"]),
)
engagements = st.builds(
    Engagement, recipient=st.just("default/c-1"), kind=st.just("visit"), at=times,
    campaign_id=st.sampled_from([None, "summer", "winter"]),
)  # fmt: skip
events = st.lists(consents | outcomes | engagements, max_size=12)


def verdictwise(record: Record) -> Any:
    """What of a record can matter to a verdict."""
    sends = {send_id: (send.attempt, send.state, send.reason) for send_id, send in record.sends.items()}
    return record.consent, record.engaged, sends, record.refused


def folded(history: list[Any], record: Record) -> Record:
    for event in history:
        observe(record, event)
    return record


@given(history=events, data=st.data())
def test_any_order_of_events_gives_the_same_record(history: list[Any], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(history))
    start = record_with(s1=queued(), s2=queued("sms"))
    assert verdictwise(folded(history, copy.deepcopy(start))) == verdictwise(folded(shuffled, copy.deepcopy(start)))


@given(history=events, data=st.data())
def test_an_event_told_again_changes_nothing(history: list[Any], data: st.DataObject) -> None:
    once = folded(history, record_with(s1=queued()))
    again = folded(data.draw(st.lists(st.sampled_from(history))) if history else [], copy.deepcopy(once))
    assert again == once


@given(history=events)
def test_no_status_falls_back_and_evidence_stays(history: list[Any]) -> None:
    record = record_with(s1=queued())
    status_of = {rank: status for status, rank in RANK.items()}
    for event in history:
        before = copy.deepcopy(record.sends)
        observe(record, event)
        for send_id, old in before.items():
            new = record.sends[send_id]
            assert new.attempt >= old.attempt
            assert rank_key(status_of[new.state], new.attempt) >= rank_key(status_of[old.state], old.attempt)
            assert old.state < EVIDENCE or new.state >= EVIDENCE


@given(history=events, attempt=st.integers(1, 5))
def test_a_verdict_once_given_is_repeated_whatever_happens_later(history: list[Any], attempt: int) -> None:
    campaign = CampaignRules(
        campaign_id="summer", brand="default", status="active", epoch=1, steps=[StepRules("email"), StepRules("sms")]
    )
    request = SendRequest(
        send_id="summer/1/c-1", campaign_id="summer", step=1, recipient="default/c-1", ord=1, attempt=attempt, epoch=1,
        channel="email", address="a@example.com", expires_at=NOW + HOUR,
    )  # fmt: skip
    record = new_record()
    verdict = decide(record, request, campaign, NOW)
    if not isinstance(verdict, Route | Suppress):
        return
    record.sends[request.send_id] = queued(attempt=attempt)
    assert isinstance(decide(folded(history, record), request, campaign, NOW), Repeat)


# ------------------------------------------------------------------------------------------------------------- consent


def test_the_later_word_counts_whichever_arrives_first() -> None:
    for history in (
        [consent("opted_out"), consent("opted_in", at=NOW + HOUR)],
        [consent("opted_in", at=NOW + HOUR), consent("opted_out")],
    ):
        assert stopped(folded(history, new_record()), "email") is None


def test_an_opt_out_stays_until_an_explicit_opt_in_that_is_later() -> None:
    record = folded([consent("opted_out"), consent("opted_in", at=NOW - HOUR)], new_record())
    assert stopped(record, "email") == Said(AT, "opted_out")


def test_of_two_words_of_one_moment_the_opt_out_counts() -> None:
    for history in ([consent("opted_out"), consent("opted_in")], [consent("opted_in"), consent("opted_out")]):
        assert stopped(folded(history, new_record()), "email") is not None


def test_an_opt_in_lifts_a_stop_of_its_own_purpose_only() -> None:
    record = folded([consent("opted_out"), consent("opted_in", at=NOW + HOUR, purpose="newsletter")], new_record())
    assert stopped(record, "email") is not None


@pytest.mark.parametrize(
    ("status", "reason"),
    [("unsubscribed", "opted_out"), ("complained", "complained_before"), ("bounced", "bounced_before")],
)
def test_an_unsubscribe_a_complaint_and_a_hard_bounce_stop_the_channel(status: str, reason: str) -> None:
    record = new_record()
    observe(record, outcome(status))
    assert stopped(record, "email") == Said(AT, reason)
    assert stopped(record, "sms") is None


def test_why_a_consent_event_stops_is_kept() -> None:
    record = new_record()
    observe(record, consent(reason="bounced_before"))
    assert stopped(record, "email") == Said(AT, "bounced_before")


# ---------------------------------------------------------------------------------------------------------- engagement


@pytest.mark.parametrize("status", ["read", "clicked", "replied"])
def test_reading_clicking_and_replying_are_engagement_but_not_when_a_machine_does_it(status: str) -> None:
    record = new_record()
    observe(record, outcome(status, machine=True))
    assert not record.engaged
    observe(record, outcome(status))
    assert record.engaged == {"summer"}


def test_an_engagement_counts_for_the_campaign_that_it_names() -> None:
    record = new_record()
    observe(record, Engagement(recipient="default/c-1", kind="visit", campaign_id=None, at=NOW))
    assert not record.engaged
    observe(record, Engagement(recipient="default/c-1", kind="visit", campaign_id="summer", at=NOW))
    assert record.engaged == {"summer"}


def test_an_address_that_the_provider_refused_is_remembered() -> None:
    record = record_with(s1=queued())
    observe(record, outcome("failed", reason="invalid_address"))
    assert record.refused == {"email": fingerprint("a@example.com")}


# ------------------------------------------------------------------------------------------------------------- recalls


def test_an_opt_out_calls_back_what_is_under_way_on_its_channel() -> None:
    record, event = record_with(s1=queued(), s2=queued("sms")), consent()
    observe(record, event)
    assert recalls(record, event) == [Recall("summer/1/c-1", 1, "opted_out")]


def test_engagement_calls_back_reminders_under_way_and_nothing_else() -> None:
    record = record_with(s1=queued(), s2=queued("sms", "not_engaged"))
    event = Engagement(recipient="default/c-1", kind="visit", campaign_id="summer", at=NOW)
    observe(record, event)
    assert recalls(record, event) == [Recall("summer/2/c-1", 1, "engaged_elsewhere")]


def test_a_delivery_calls_back_the_fallback_under_way() -> None:
    record = record_with(s1=queued(), s3=queued("sms", head=1))
    event = outcome("delivered")
    observe(record, event)
    assert recalls(record, event) == [Recall("summer/3/c-1", 1, "already_delivered")]


def test_engagement_calls_back_the_fallback_of_a_reminder_too() -> None:
    record = record_with(s1=queued(), s3=queued("sms", "not_engaged", head=2))
    event = outcome("clicked")
    observe(record, event)
    assert recalls(record, event) == [Recall("summer/3/c-1", 1, "engaged_elsewhere")]


def test_what_is_no_longer_under_way_is_not_called_back() -> None:
    record = record_with(s1=queued())
    observe(record, outcome("accepted"))
    observe(record, consent())
    assert recalls(record, consent()) == []


@given(history=events)
def test_a_replay_calls_back_the_same(history: list[Any]) -> None:
    record = folded(history, record_with(s1=queued(), s2=queued("sms", "not_engaged")))
    for event in history:
        assert recalls(record, event) == recalls(copy.deepcopy(record), event)
        assert {r.send_id for r in recalls(record, event)} <= record.sends.keys()


# ------------------------------------------------------------------------------------------------------------- pruning


def test_a_send_is_forgotten_only_when_its_campaign_ended_longer_ago_than_the_window() -> None:
    record = folded([outcome("read", campaign=name) for name in ("open", "fresh", "old")], new_record())
    closed = {"fresh": NOW - timedelta(days=30), "old": NOW - timedelta(days=30, seconds=1)}
    assert prune(record, closed, NOW)
    assert set(record.sends) == {"open/1/c-1", "fresh/1/c-1"}
    assert record.engaged == {"open", "fresh"}
    assert not prune(record, closed, NOW)


@given(history=events)
def test_pruning_never_forgets_a_word_of_the_person(history: list[Any]) -> None:
    record = folded(history, new_record())
    before = dict(record.consent)
    prune(record, {"summer": NOW - timedelta(days=400), "winter": NOW - timedelta(days=400)}, NOW)
    assert record.consent == before
    assert not record.sends


@given(st.permutations(range(4)))
def test_an_erasure_outweighs_whatever_is_said_before_or_after_it(order: list[int]) -> None:
    said = [
        consent(channel="all", reason="erased"),
        consent("opted_in", "all", NOW + HOUR),
        consent("opted_out", "email", NOW + 2 * HOUR),
        consent(channel="all", reason="forgotten", at=NOW - HOUR),
    ]
    record = new_record()
    for at in order:
        observe(record, said[at])
    assert {(word := stopped(record, channel)) and word.stop for channel in ("email", "sms")} == {"erased"}
