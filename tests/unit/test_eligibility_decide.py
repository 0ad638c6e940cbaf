"""May this person get this message now? The gates, in order, and the attempts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.status import EVIDENCE, OPEN, RANK, Status, Suppression
from services.domain.eligibility import (
    GATES,
    CampaignRules,
    Held,
    Inactive,
    NotYet,
    Record,
    Repeat,
    Route,
    Said,
    Send,
    StepRules,
    Suppress,
    Unknown,
    decide,
    decode_record,
    encode_record,
    fingerprint,
    new_record,
    next_attempt,
)
from services.domain.messages import SendRequest

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
AT = int(NOW.timestamp() * 1000)
STEPS = [StepRules("email"), StepRules("sms", "not_engaged"), StepRules("whatsapp")]
CAMPAIGN = CampaignRules(campaign_id="summer", brand="default", status="active", epoch=3, steps=STEPS)
FALLBACK = CampaignRules(
    campaign_id="summer", brand="default", status="active", epoch=3,
    steps=[*STEPS[:2], StepRules("whatsapp", "not_delivered")],
)  # fmt: skip


def request(step: int = 1, **changes: Any) -> SendRequest:
    channel = STEPS[step - 1].channel
    values: dict[str, Any] = {
        "send_id": f"summer/{step}/c-1", "campaign_id": "summer", "step": step, "recipient": "default/c-1", "ord": 1,
        "attempt": 1, "epoch": 3, "channel": channel, "opt_in": channel != "email",
        "address": "a@example.com" if channel == "email" else "+919812345678", "expires_at": NOW + timedelta(days=1),
    }  # fmt: skip
    return SendRequest(**values | changes)


def record(sends: dict[str, Send] | None = None, **consent: Said) -> Record:
    made = new_record()
    made.consent, made.sends = dict(consent), sends or {}
    return made


def send(status: Status, attempt: int = 1, reason: str = "", **changes: Any) -> Send:
    return Send(attempt, RANK[status], reason, 7, AT, "email", **changes)


def reason(*arguments: Any) -> str:
    verdict = decide(*arguments, NOW)
    assert isinstance(verdict, Suppress), verdict
    assert verdict.detail, "a suppression says in words which rule matched"
    return verdict.reason


def test_a_person_who_may_get_it_gets_it() -> None:
    assert isinstance(decide(new_record(), request(), CAMPAIGN, NOW), Route)


def test_a_campaign_that_nobody_knows_is_unknown() -> None:
    assert isinstance(decide(new_record(), request(), None, NOW), Unknown)


def test_an_epoch_that_is_not_known_yet_is_unknown() -> None:
    assert isinstance(decide(new_record(), request(epoch=4), CAMPAIGN, NOW), Unknown)


def test_a_step_that_the_campaign_does_not_have_is_unknown() -> None:
    campaign = msgspec.structs.replace(CAMPAIGN, steps=STEPS[:2])
    assert isinstance(decide(new_record(), request(3), campaign, NOW), Unknown)


def test_a_request_of_an_older_epoch_is_not_acted_on() -> None:
    assert isinstance(decide(new_record(), request(epoch=2), CAMPAIGN, NOW), Inactive)


@pytest.mark.parametrize("status", ["draft", "scheduled", "paused", "completed", "cancelled"])
def test_a_campaign_that_is_not_active_sends_nothing(status: str) -> None:
    assert isinstance(decide(new_record(), request(), msgspec.structs.replace(CAMPAIGN, status=status), NOW), Inactive)


def test_the_gates_stand_in_this_order() -> None:
    assert list(GATES) == [
        "duplicate", "no_address", "invalid_address", "stop", "no_consent", "missing_data", "expired",
        "engaged_elsewhere", "already_delivered", "frequency_capped",
    ]  # fmt: skip


def test_the_first_gate_that_finds_a_reason_decides() -> None:
    """Someone who opted out of an expired reminder for a second contact of one address is a duplicate first."""
    everything = {"duplicate": True, "missing": ["city"], "expires_at": NOW, "opt_in": False, "address": "12"}
    known = record(sms=Said(AT, "opted_out"))
    known.engaged.add("summer")
    order = [("duplicate", {"duplicate": False}), ("invalid_address", {"address": "+919812345678"}), ("opted_out", {})]
    for expected, mended in order:
        assert reason(known, request(2, **everything), CAMPAIGN) == expected
        everything |= mended
    known.consent.clear()
    order = [("no_consent", {"opt_in": True}), ("missing_data", {"missing": []}),
             ("expired", {"expires_at": NOW + timedelta(1)}), ("engaged_elsewhere", {})]  # fmt: skip
    for expected, mended in order:
        assert reason(known, request(2, **everything), CAMPAIGN) == expected
        everything |= mended


def test_a_second_contact_of_one_address_gets_nothing() -> None:
    assert reason(new_record(), request(duplicate=True), CAMPAIGN) == Suppression.DUPLICATE


def test_without_an_address_there_is_no_message() -> None:
    assert reason(new_record(), request(address=""), CAMPAIGN) == Suppression.NO_ADDRESS


@pytest.mark.parametrize(
    ("step", "address"),
    [
        (1, "asha"),
        (1, "a b@example.com"),
        (2, "9812345678"),
        (2, "+0123456789"),
        (3, "+91 98123"),
        (3, "a@example.com"),
    ],
)
def test_an_address_of_a_wrong_form_is_not_tried(step: int, address: str) -> None:
    assert reason(new_record(), request(step, address=address), CAMPAIGN) == Suppression.INVALID_ADDRESS


def test_an_address_that_the_provider_refused_is_not_tried_again_but_a_new_one_is() -> None:
    known = new_record()
    known.refused["email"] = fingerprint("a@example.com")
    assert reason(known, request(), CAMPAIGN) == Suppression.INVALID_ADDRESS
    assert isinstance(decide(known, request(address="new@example.com"), CAMPAIGN, NOW), Route)


@pytest.mark.parametrize("stop", ["opted_out", "bounced_before", "complained_before"])
@pytest.mark.parametrize("where", ["email", "all", "email/newsletter"])
def test_a_stop_counts_for_its_channel_and_all_counts_for_each(stop: str, where: str) -> None:
    assert reason(record(**{where: Said(AT, stop)}), request(), CAMPAIGN) == stop


def test_a_stop_on_another_channel_does_not_count() -> None:
    assert isinstance(decide(record(sms=Said(AT, "opted_out")), request(), CAMPAIGN, NOW), Route)


def test_an_opt_in_to_one_channel_does_not_lift_a_stop_for_all() -> None:
    assert reason(record(all=Said(AT, "opted_out"), email=Said(AT + 1, "")), request(), CAMPAIGN) == "opted_out"


def test_a_stop_counts_for_transactional_messages_too() -> None:
    campaign = msgspec.structs.replace(CAMPAIGN, kind="transactional")
    assert reason(record(email=Said(AT, "opted_out")), request(), campaign) == "opted_out"


@pytest.mark.parametrize("step", [2, 3])
def test_sms_and_whatsapp_need_an_opt_in(step: int) -> None:
    assert reason(new_record(), request(step, opt_in=False), CAMPAIGN) == Suppression.NO_CONSENT
    for where in (STEPS[step - 1].channel, "all"):
        known = record(**{where: Said(AT, "")})
        assert isinstance(decide(known, request(step, opt_in=False), CAMPAIGN, NOW), Route)


def test_an_opt_in_for_another_purpose_is_none() -> None:
    known = record(**{"sms/newsletter": Said(AT, "")})
    assert reason(known, request(2, opt_in=False), CAMPAIGN) == Suppression.NO_CONSENT


def test_the_campaigns_own_opt_in_counts_only_where_nothing_is_recorded() -> None:
    assert isinstance(decide(new_record(), request(2, opt_in=True), CAMPAIGN, NOW), Route)
    assert reason(record(sms=Said(AT, "opted_out")), request(2, opt_in=True), CAMPAIGN) == "opted_out"


def test_transactional_messages_need_no_opt_in() -> None:
    campaign = msgspec.structs.replace(CAMPAIGN, kind="transactional")
    assert isinstance(decide(new_record(), request(2, opt_in=False), campaign, NOW), Route)


def test_the_ground_of_an_opt_in_is_said() -> None:
    verdict = decide(record(sms=Said(AT, "")), request(2, opt_in=False), CAMPAIGN, NOW)
    assert verdict == Route("opted in 2026-11-21 09:00 UTC")


def test_a_placeholder_without_value_stops_the_message_and_is_named() -> None:
    verdict = decide(new_record(), request(missing=["city", "plan"]), CAMPAIGN, NOW)
    assert verdict == Suppress(Suppression.MISSING_DATA, "no value for city, plan, and no default")


def test_after_its_expiry_a_message_does_not_go_out() -> None:
    assert reason(new_record(), request(expires_at=NOW), CAMPAIGN) == Suppression.EXPIRED
    assert isinstance(decide(new_record(), request(expires_at=NOW + timedelta(seconds=1)), CAMPAIGN, NOW), Route)


def test_a_reminder_goes_only_to_those_who_have_not_engaged_with_this_campaign() -> None:
    known = new_record()
    known.engaged.add("winter")
    assert isinstance(decide(known, request(2), CAMPAIGN, NOW), Route)
    known.engaged.add("summer")
    assert reason(known, request(2), CAMPAIGN) == Suppression.ENGAGED_ELSEWHERE
    assert isinstance(decide(known, request(1), CAMPAIGN, NOW), Route), "only reminders ask"


@pytest.mark.parametrize("status", list(Status))
def test_a_fallback_waits_for_the_end_of_the_preceding_step_and_goes_where_that_has_not_arrived(status: Status) -> None:
    known = record({"summer/2/c-1": send(status)})
    verdict = decide(known, request(3), FALLBACK, NOW)
    reached = RANK[status] >= EVIDENCE and status is not Status.BOUNCED
    assert isinstance(verdict, Suppress if reached else Held if status in OPEN else Route)
    assert not reached or verdict.reason == Suppression.ALREADY_DELIVERED  # type: ignore[union-attr]


def test_a_fallback_waits_while_nothing_is_known_of_the_preceding_step() -> None:
    assert isinstance(decide(new_record(), request(3), FALLBACK, NOW), Held)


def test_the_fallback_of_a_reminder_is_not_for_those_who_have_engaged() -> None:
    known = record({"summer/2/c-1": send(Status.SUPPRESSED, reason=Suppression.ENGAGED_ELSEWHERE)})
    known.engaged.add("summer")
    assert reason(known, request(3), FALLBACK) == Suppression.ENGAGED_ELSEWHERE


def test_no_sentence_of_a_suppression_holds_the_address() -> None:
    for changes in ({"address": "12345"}, {"duplicate": True}, {"expires_at": NOW}, {"missing": ["city"]}):
        verdict = decide(new_record(), request(2, **changes), CAMPAIGN, NOW)
        assert isinstance(verdict, Suppress)
        assert "12345" not in verdict.detail


# ------------------------------------------------------------------------------------------------------------ attempts


@pytest.mark.parametrize("status", list(Status))
def test_the_next_attempt_begins_only_after_one_that_certainly_did_not_go_out(status: Status) -> None:
    known = record({"summer/1/c-1": send(status)})
    verdict = decide(known, request(attempt=2), CAMPAIGN, NOW)
    over = status in (Status.RECALLED, Status.FAILED_RETRYABLE)
    assert isinstance(verdict, Route if over else NotYet)


@pytest.mark.parametrize("why", ["over_budget", "dead_letter"])
def test_what_was_given_up_for_money_or_as_dead_letter_can_be_reopened(why: str) -> None:
    status = Status.SUPPRESSED if why == "over_budget" else Status.FAILED
    known = record({"summer/1/c-1": send(status, reason=why)})
    assert isinstance(decide(known, request(attempt=2), CAMPAIGN, NOW), NotYet)
    assert isinstance(decide(known, request(attempt=2, reopen=True), CAMPAIGN, NOW), Route)


def test_reopen_opens_nothing_else() -> None:
    for status, why in ((Status.ACCEPTED, ""), (Status.SUPPRESSED, "opted_out"), (Status.UNCERTAIN, "")):
        known = record({"summer/1/c-1": send(status, reason=why)})
        assert isinstance(decide(known, request(attempt=2, reopen=True), CAMPAIGN, NOW), NotYet)


attempts = st.integers(1, 6)
known_sends = st.none() | st.builds(
    send, st.sampled_from(Status), attempts, st.sampled_from(["", "over_budget", "dead_letter", "opted_out"])
)


@given(last=known_sends, asked=attempts, reopen=st.booleans())
def test_no_attempt_is_ever_skipped_or_begun_twice(last: Send | None, asked: int, reopen: bool) -> None:
    verdict = decide(
        record({"summer/1/c-1": last} if last else {}), request(attempt=asked, reopen=reopen), CAMPAIGN, NOW
    )
    known = last.attempt if last else 0
    if asked <= known:
        assert isinstance(verdict, Repeat)
    elif asked > known + 1:
        assert isinstance(verdict, NotYet)
    else:
        assert isinstance(verdict, Route | NotYet)
        assert isinstance(verdict, Route) == (next_attempt(last, reopen) == asked)


@given(last=known_sends.filter(bool), reopen=st.booleans())
def test_while_an_attempt_may_have_gone_out_no_other_begins(last: Send, reopen: bool) -> None:
    undecided = {RANK[status] for status in OPEN} - {RANK[Status.RECALLED], RANK[Status.FAILED_RETRYABLE]}
    if last.state in undecided and not last.reason:
        assert next_attempt(last, reopen) == 0


def test_deciding_changes_nothing_in_the_record() -> None:
    known = record({"summer/1/c-1": send(Status.RECALLED)}, email=Said(AT, ""))
    before = encode_record(known)
    decide(known, request(attempt=2), CAMPAIGN, NOW)
    assert encode_record(known) == before


def test_a_stored_record_is_read_as_it_was_written_and_never_falsy() -> None:
    known = record({"summer/1/c-1": send(Status.QUEUED, detail="why", address=5)}, all=Said(AT, "opted_out"))
    known.engaged.add("summer")
    assert decode_record(encode_record(known)) == known
    assert encode_record(new_record())
    assert decode_record(encode_record(new_record())) == new_record()


def test_a_record_of_a_newer_shape_is_refused_instead_of_misread() -> None:
    with pytest.raises(ValueError, match="schema 02"):
        decode_record(b"\x02" + encode_record(new_record())[1:])


def test_a_record_written_before_a_field_was_added_is_still_read() -> None:
    old = b"\x01" + msgspec.msgpack.encode([[-1, -1, -1, -1], {}, [], {"summer/1/c-1": [1, 20, "", 7, AT, "email"]}])
    assert decode_record(old).sends["summer/1/c-1"].only_if == "always"
