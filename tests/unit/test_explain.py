# ruff: noqa: E501  sentences stand on one line, as they are read
"""`explain` tells what happened as a colleague would, and names every gate in the order in which it was judged."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from schemas import CampaignRecord, CampaignStatus, Channel, Consent, Status, StepProgress
from services.domain.explain import ContactFacts, Explanation, Facts, LedgerEvent, Membership, Verdict, explain

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
MORNING = datetime(2026, 11, 21, 10, 2, tzinfo=UTC)


def campaign(**changes: Any) -> CampaignRecord:
    content = {
        "campaign_id": "summer", "brand": "default", "name": "Summer", "status": "active", "epoch": 1,
        "steps": [{"channel": channel, "account": "default", "content": {}} for channel in ("email", "sms", "whatsapp")],
        "filter": {}, "audience": {"snapshot_id": "s", "count": 10},
        "created_at": MORNING, "updated_at": MORNING, "launched_at": MORNING - timedelta(minutes=2),
    }  # fmt: skip
    return CampaignRecord.model_validate(content | changes)


def steps(*channels_and_conditions: tuple[str, str]) -> list[dict[str, Any]]:
    return [
        {"channel": channel, "account": "default", "only_if": only_if, "content": {}}
        for channel, only_if in channels_and_conditions
    ]


def event(step: int, status: str, minutes: float = 0, reason: str = "", detail: str = "", **more: Any) -> LedgerEvent:
    channel = more.pop("channel", ("email", "sms", "whatsapp")[step - 1])
    return LedgerEvent(
        step=step,
        attempt=more.pop("attempt", 1),
        channel=Channel(channel),
        status=Status(status),
        occurred_at=MORNING + timedelta(minutes=minutes),
        reason=reason,
        detail=detail,
        source=more.pop("source", "sender"),
        event_id=f"{step}-{status}-{minutes}",
        **more,
    )


def consent(channel: str, state: str, at: datetime, reason: str = "opted_out") -> Consent:
    return Consent.model_validate(
        {"recipient": "default/c-1", "channel": channel, "state": state, "at": at, "reason": reason}
    )


def told(events: Sequence[LedgerEvent] = (), record: CampaignRecord | None = None, **more: Any) -> Explanation:
    facts = {"member": Membership(ord=3), "contact": ContactFacts("Asha", "UTC")} | more
    return explain(Facts("default/c-1", record or campaign(), NOW, events=events, **facts))


def summary(step: int, *events: LedgerEvent, **more: Any) -> str:
    return told(events, **more).steps[step - 1].summary


def gates(explanation: Explanation, step: int) -> list[tuple[str, str]]:
    return [(gate.name, gate.verdict.value) for gate in explanation.steps[step - 1].gates]


def test_the_whole_story_of_someone_who_got_one_message_and_not_the_others() -> None:
    """Someone sent, someone suppressed, someone without a phone: each in one sentence."""
    explanation = told(
        [
            event(1, "queued", 0, source="router"),
            event(1, "accepted", 0.1),
            event(1, "delivered", 0.5, source="sendgrid"),
            event(1, "read", 13, source="sendgrid"),
            event(2, "suppressed", 0, "opted_out", source="router"),
            event(3, "suppressed", 0, "no_address", source="router"),
        ],
        consents=[consent("sms", "opted_out", datetime(2026, 11, 3, 10, tzinfo=UTC))],
    )
    assert explanation.summary == (
        "Asha got the email at 10:02 and opened it at 10:15. "
        "The SMS was not sent because Asha opted out of SMS on 3 Nov at 10:00. "
        "The WhatsApp message was not sent because no phone number is recorded for Asha."
    )
    assert gates(explanation, 1) == [
        ("audience", "passed"), ("duplicate", "passed"), ("address", "passed"), ("opt_out", "passed"),
        ("expiry", "passed"), ("routed", "passed"), ("sent", "passed"), ("delivered", "passed"),
    ]  # fmt: skip
    assert gates(explanation, 2) == [
        ("audience", "passed"), ("duplicate", "passed"), ("address", "passed"), ("opt_out", "stopped"),
    ]  # fmt: skip
    assert gates(explanation, 3) == [("audience", "passed"), ("duplicate", "passed"), ("address", "stopped")]
    stopped = explanation.steps[1].gates[-1]
    assert (stopped.at, stopped.event_id) == (MORNING, "2-suppressed-0")


@pytest.mark.parametrize(
    ("reason", "detail", "words"),
    [
        ("duplicate", "", "The SMS was not sent because another person of this audience has the same phone number and gets it there."),
        ("invalid_address", "", "The SMS was not sent because the phone number recorded for Asha is not a valid one."),
        ("no_consent", "", "The SMS was not sent because Asha has not agreed to SMS, which needs an opt-in."),
        ("opted_out", "", "The SMS was not sent because Asha opted out of SMS."),
        ("bounced_before", "", "The SMS was not sent because an earlier SMS to this address bounced."),
        ("complained_before", "", "The SMS was not sent because Asha reported an earlier SMS as spam."),
        ("frequency_capped", "3 in 7d", "The SMS was not sent because Asha had already got as many messages as the limits allow (3 in 7d)."),
        ("expired", "", "The SMS was not sent because its time ran out before it could leave."),
        ("campaign_cancelled", "", "The SMS was not sent because the campaign was cancelled first."),
        ("over_budget", "", "The SMS was not sent because the campaign's budget was used up."),
        ("missing_data", "city", "The SMS was not sent because its text needs 'city', which is not recorded for Asha."),
        ("erased", "", "The SMS was not sent because this person asked to be forgotten."),
        ("something_new", "so it is", "The SMS was not sent because something new (so it is)."),
    ],
)  # fmt: skip
def test_every_reason_of_suppression_has_words(reason: str, detail: str, words: str) -> None:
    explanation = told([event(2, "suppressed", 0, reason, detail)])
    assert explanation.steps[1].summary == words
    assert explanation.steps[1].gates[-1].verdict is Verdict.STOPPED
    assert explanation.steps[1].reason == reason


def test_an_opt_out_of_everything_is_told_as_such() -> None:
    words = summary(
        1, event(1, "suppressed", 0, "opted_out"), consents=[consent("all", "opted_out", MORNING - timedelta(days=400))]
    )
    assert words == "The email was not sent because Asha opted out of all messages on 17 Oct 2025 at 10:02."


def test_engaged_elsewhere_names_what_the_person_had_done() -> None:
    reminder = campaign(steps=steps(("email", "always"), ("sms", "not_engaged")))
    explanation = told(
        [event(1, "delivered", 0), event(1, "read", 13), event(2, "suppressed", 60, "engaged_elsewhere")], reminder
    )
    assert explanation.steps[1].summary == (
        "The SMS was not sent because Asha had opened the email at 10:15, and this step is only for those who have not engaged."
    )
    assert gates(explanation, 2)[-1] == ("engagement", "stopped")
    assert ("consent", "passed") in gates(explanation, 2)


def test_a_fallback_that_was_not_needed_names_what_had_arrived() -> None:
    fallback = campaign(steps=steps(("whatsapp", "always"), ("sms", "not_delivered")))
    explanation = told([event(2, "suppressed", 60, "already_delivered", channel="sms")], fallback)
    assert explanation.steps[1].summary == (
        "The SMS was not sent because the WhatsApp message had already reached Asha, "
        "and this step is only for those whom it could not reach."
    )


@pytest.mark.parametrize(
    ("events", "words"),
    [
        ([event(1, "queued")], "The email has been waiting for its turn since 10:02."),
        ([event(1, "queued"), event(1, "recalled", 1, "stale")], "The email was taken back at 10:03 before it left, and is judged anew."),
        ([event(1, "accepted")], "The email left at 10:02; whether it arrived is not known yet."),
        ([event(1, "uncertain")], "It is not known whether the email left: the provider did not answer at 10:02. It is not repeated until that is cleared up."),
        ([event(1, "uncertain"), event(1, "accepted", 15, "assumed", source="tracker")], "The provider never said whether it took the email; since 10:17 it is taken as sent."),
        ([event(1, "accepted", 15, "assumed", source="tracker"), event(1, "accepted", 3)], "The email left at 10:05; whether it arrived is not known yet."),
        ([event(1, "failed_retryable", 0, "unreachable")], "The email did not go out at 10:02 because the device or mailbox could not be reached; it is tried again."),
        ([event(1, "failed", 0, "blocked", "554 refused")], "The email could not be delivered at 10:02 because the receiving network or mail server blocked it (554 refused)."),
        ([event(1, "accepted"), event(1, "bounced", 1, detail="550 no such user")], "The email bounced at 10:03: 550 no such user."),
        ([event(1, "accepted"), event(1, "clicked", 5)], "Asha got the email and clicked a link in it at 10:07."),
        ([event(1, "delivered"), event(1, "read", 1), event(1, "clicked", 2), event(1, "unsubscribed", 3)], "Asha got the email at 10:02, opened it at 10:03, clicked a link in it at 10:04 and unsubscribed at 10:05."),
        ([event(1, "delivered"), event(1, "complained", 3)], "Asha got the email at 10:02 and reported it as spam at 10:05."),
        ([event(1, "accepted"), event(1, "read", 0, machine=True)], "Asha got the email at 10:02; a mail scanner looked at it, which says nothing about the person."),
    ],
)  # fmt: skip
def test_every_outcome_has_words(events: list[LedgerEvent], words: str) -> None:
    assert summary(1, *events) == words


def test_a_later_attempt_outranks_an_earlier_one_and_evidence_outranks_both() -> None:
    first = [event(1, "queued"), event(1, "recalled", 1), event(1, "queued", 2, attempt=2)]
    assert told(first).steps[0].status == "queued"
    sent = [*first, event(1, "accepted", 3, attempt=2)]
    assert told(sent).steps[0].attempt == 2
    assert "on attempt 2" in told(sent).steps[0].gates[-2].words
    assert told([*sent, event(1, "delivered", 2.5, attempt=1)]).steps[0].status == "delivered"


def test_a_repeated_event_changes_nothing() -> None:
    once = [event(1, "delivered"), event(1, "read", 13)]
    assert told([*once, *once, event(1, "read", 44)]).summary == told(once).summary


def test_who_is_not_in_the_audience_is_told_why() -> None:
    assert told(member=None).summary == (
        "Asha did not match the campaign's audience when it was chosen at 10:00; what is recorded by now would match. "
        "So nothing was planned for this person."
    )
    assert told(member=None, contact=None, erased=True).summary == (
        "This person asked to be forgotten, and nothing about them is kept. So nobody can tell what they got."
    )
    assert told(member=None, contact=None).summary == (
        "Nobody is known under the id c-1. So nothing was planned for this person."
    )
    assert told(member=None, record=campaign(filter=None)).summary == (
        "Asha is not on the campaign's list of 10. So nothing was planned for this person."
    )
    assert gates(told(member=None), 1) == [("audience", "stopped")]
    assert told(member=None).steps[0].status == "not_planned"


PERSON = ContactFacts(
    "Asha", "UTC", role="customer", city="Goa", pincode="403001", last_active_at=MORNING - timedelta(days=40),
    attributes={"plan": "silver", "orders": "3", "vip": True}, lists=["spring"], member_of=frozenset({"winter"}),
    reached_by=frozenset({"autumn"}),
)  # fmt: skip


@pytest.mark.parametrize(
    ("audience", "words"),
    [
        ({"role": "partner"}, "Asha is a customer, and the campaign is for partners"),
        ({"cities": ["Pune", "Mumbai"]}, "Asha lives in Goa, and the campaign is for Pune or Mumbai"),
        ({"pincodes": ["411001"]}, "Asha's pincode is 403001, and the campaign is for 411001"),
        ({"active_within_days": 30}, "Asha was last active on 12 Oct at 10:02, and the campaign is for people active within 30 days"),
        ({"attributes": {"plan": ["gold", "platinum"]}}, "Asha's plan is silver, and the campaign is for gold or platinum"),
        ({"attributes": {"orders": {"at_least": 5}}}, "Asha's orders is 3, and the campaign is for at least 5"),
        ({"attributes": {"shoe": {"exists": True}}}, "no shoe is recorded for Asha, and the campaign is for any value"),
        ({"attributes": {"vip": False}}, "Asha's vip is true, and the campaign is for false"),
        ({"lists": ["vip", "summer"]}, "Asha is not on the list vip or summer"),
        ({"not_in_campaigns": ["winter"]}, "Asha was in the audience of 'winter', and that campaign's people are left out"),
        ({"not_reached_by": ["autumn"]}, "'autumn' had reached Asha, and the people whom it reached are left out"),
        ({"any": [{"cities": ["Pune"]}, {"attributes": {"plan": "gold"}}]}, "none of the 2 ways into the audience is open: Asha lives in Goa, and the campaign is for Pune; or Asha's plan is silver, and the campaign is for gold"),
        ({"not": {"cities": ["Goa"]}}, "Asha is among those whom the campaign leaves out (in Goa)"),
        ({"all": [{"cities": ["Goa"]}, {"role": "partner"}]}, "Asha is a customer, and the campaign is for partners"),
    ],
)  # fmt: skip
def test_the_condition_that_somebody_does_not_meet_is_named_with_the_persons_own_value(
    audience: dict[str, Any], words: str
) -> None:
    explanation = told(member=None, contact=PERSON, record=campaign(filter=audience))
    assert explanation.summary == (
        f"Asha did not match the campaign's audience when it was chosen: {words}. So nothing was planned for this person."
    )


def test_what_is_not_recorded_is_told_as_such() -> None:
    record = campaign(filter={"cities": ["Pune"], "role": "customer", "active_within_days": 7})
    assert told(member=None, record=record).steps[0].gates[0].words == (
        "Asha did not match the campaign's audience when it was chosen: no role is recorded for Asha, and the campaign is "
        "for customers; no city is recorded for Asha, and the campaign is for Pune; Asha was never seen active, and the "
        "campaign is for people active within 7 days."
    )


CHAIN = [("email", "always"), ("sms", "not_delivered"), ("whatsapp", "not_delivered")]


def test_the_second_fallback_names_the_message_that_had_arrived_before_the_first() -> None:
    explanation = told(
        [
            event(1, "delivered"),
            event(2, "suppressed", 60, "already_delivered"),
            event(3, "suppressed", 120, "already_delivered"),
        ],
        campaign(steps=steps(*CHAIN)),
    )
    assert explanation.steps[2].summary == (
        "The WhatsApp message was not sent because the email had already reached Asha at 10:02, "
        "and this step is only for those whom it could not reach."
    )


def test_a_fallback_that_waits_says_for_what() -> None:
    record = campaign(steps=steps(*CHAIN))
    asked = {
        number: StepProgress(campaign_id="summer", step=number, epoch=1, cursor=4, updated_at=NOW)  # type: ignore[arg-type]
        for number in (1, 2)
    }
    assert summary(2, event(1, "uncertain"), record=record, progress=asked) == (
        "The SMS waits until it is known whether the email left, which it would stand in for."
    )
    assert summary(2, event(1, "queued"), record=record, progress=asked) == (
        "The SMS waits until the email is on its way or has failed, which it would stand in for."
    )


def test_who_is_held_by_the_hour_is_told_until_when() -> None:
    night = {"quiet_hours": {"from": "11:00", "to": "15:00"}}
    quiet = campaign(limits=night)
    assert summary(1, record=quiet) == ("The email is held until 15:00: quiet hours are kept where Asha is.")
    far = Membership(ord=3, zone="Asia/Kolkata")
    assert summary(1, record=campaign(limits={"quiet_hours": {"from": "17:00", "to": "09:00"}}), member=far) == (
        "The email is held until 22 Nov at 09:00 (Asia/Kolkata): quiet hours are kept where Asha is."
    )
    local = campaign(schedule={"at": "2026-11-21T13:00", "zone": "UTC", "mode": "local"})
    assert summary(1, record=local) == (
        "The email is held until the clocks where Asha is show its time, which is at 13:00."
    )
    best = campaign(schedule={"at": "2026-11-21T10:00", "zone": "UTC", "mode": "best_time"})
    assert summary(1, record=best, member=Membership(ord=3, best_hour=18)) == (
        "The email is held for the hour in which Asha is likeliest to open it, which begins at 18:00."
    )


def test_what_was_counted_and_held_is_told_with_the_routing() -> None:
    detail = "opted in 2026-05-01 08:00 UTC; caps 1/3 in 7d; held until 09:00 Asia/Kolkata (quiet hours)"
    explanation = told([event(2, "queued", 0, detail=detail), event(2, "accepted", 1)])
    assert next(gate.words for gate in explanation.steps[1].gates if gate.name == "routed") == (
        "It was given to the sender (1/3 in 7d by the limits; held until 09:00 Asia/Kolkata (quiet hours))."
    )


def test_more_than_one_message_is_told_to_be_as_planned() -> None:
    record = campaign(steps=steps(("email", "always"), ("sms", "not_delivered"), ("whatsapp", "not_engaged")))
    explanation = told([event(1, "bounced"), event(2, "delivered", 60), event(3, "delivered", 90)], record)
    assert explanation.summary.endswith(
        "Three messages are as planned: the SMS stands in for the email, which did not arrive; "
        "the WhatsApp message is a reminder, for Asha had not engaged by then."
    )
    assert ("fallback", "passed") in gates(explanation, 2)
    late = told([event(1, "delivered", 70), event(2, "delivered", 60)], record)
    assert late.summary.endswith("the SMS stands in for the email, of which nobody had told by then that it arrived.")


def test_the_names_of_what_lacks_are_taken_from_the_gates_sentence() -> None:
    words = summary(2, event(2, "suppressed", 0, "missing_data", "no value for city, plan, and no default"))
    assert words == "The SMS was not sent because its text needs 'city' and 'plan', which is not recorded for Asha."


def test_before_the_launch_there_is_nothing_to_tell() -> None:
    draft = campaign(status="draft", audience=None, launched_at=None)
    assert told(member=None, record=draft).summary == (
        "The campaign has not been launched, so nobody has got anything from it yet."
    )
    listed = campaign(status="draft", launched_at=None, filter=None)
    assert told(record=listed).summary == (
        "The campaign has not been launched, so nobody has got anything from it yet."
    )
    assert gates(told(record=listed), 1) == [("audience", "passed"), ("campaign", "pending")]
    scheduled = draft.model_copy(update={"status": CampaignStatus.SCHEDULED})
    due = {"schedule": {"at": "2026-12-01T10:00", "zone": "Asia/Kolkata"}}
    scheduled = CampaignRecord.model_validate(scheduled.model_dump(by_alias=True) | due)
    assert told(member=None, record=scheduled, zone="Asia/Kolkata").summary == (
        "The campaign is launched on 1 Dec at 10:00; its audience is chosen then."
    )


def test_a_message_whose_turn_has_not_come_says_when_it_comes() -> None:
    later = StepProgress(
        campaign_id="summer",  # type: ignore[arg-type]
        step=1,
        epoch=1,
        due_at=NOW + timedelta(hours=1),
        updated_at=NOW,
    )
    assert summary(1, progress={1: later}) == "The email: this step begins at 13:00."
    passed = later.model_copy(update={"cursor": 4})
    assert summary(1, progress={1: passed}) == "The email has been asked for and waits to be judged."
    assert summary(1) == "The email: its turn has not come yet."
    assert summary(1, record=campaign(status="paused")) == "The email: the campaign is paused."


def test_cancelling_closes_what_was_open_and_nothing_else() -> None:
    cancelled = campaign(status="cancelled", ended_at=NOW)
    explanation = told([event(1, "accepted"), event(2, "queued")], cancelled)
    assert [(step.status, step.reason) for step in explanation.steps] == [
        ("accepted", ""), ("suppressed", "campaign_cancelled"), ("suppressed", "campaign_cancelled"),
    ]  # fmt: skip
    assert explanation.steps[1].summary == "The SMS was not sent because the campaign was cancelled first."
    unknown = told([event(1, "uncertain")], cancelled).steps[0]
    assert unknown.summary.endswith("The campaign was cancelled since.")


def test_consent_is_told_from_what_is_recorded() -> None:
    sent = [event(2, "queued"), event(2, "accepted", 1)]

    def agreed(**more: Any) -> str:
        return next(gate.words for gate in told(sent, **more).steps[1].gates if gate.name == "consent")

    dated = consent("sms", "opted_in", datetime(2026, 5, 1, 8, tzinfo=UTC))
    assert agreed(consents=[dated]) == "Asha agreed to SMS on 1 May at 08:00."
    assert agreed(consents=[consent("sms", "opted_in", datetime(2000, 1, 1, tzinfo=UTC))]) == "Asha agreed to SMS."
    listed = Membership(ord=3, inline=True, opt_in=frozenset({Channel.SMS}))
    assert agreed(member=listed) == "The campaign's list says that Asha agreed to SMS."
    transactional = told(sent, campaign(kind="transactional"))
    assert "consent" not in dict(gates(transactional, 2))


def test_times_are_told_in_the_persons_zone() -> None:
    assert summary(1, event(1, "delivered"), zone="Asia/Kolkata") == "Asha got the email at 15:32."


def test_two_steps_of_one_channel_are_told_apart() -> None:
    twice = campaign(steps=steps(("email", "always"), ("email", "not_engaged")))
    explanation = told([event(1, "delivered"), event(2, "queued", 1, channel="email")], twice)
    assert explanation.summary == (
        "Asha got the email of step 1 at 10:02. The email of step 2 has been waiting for its turn since 10:03."
    )


def test_someone_without_a_name_is_called_by_the_id() -> None:
    assert summary(1, event(1, "delivered"), contact=None) == "c-1 got the email at 10:02."
