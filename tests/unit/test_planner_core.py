"""When steps are due, how credit is shared, what a sweep takes up, and what a request says."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from schemas import CampaignRecord, StepProgress
from services.planner.core.credit import Outstanding, Want, account_credit, share
from services.planner.core.decoding import Refused, Unanswerable, decode_command
from services.planner.core.due import due_at
from services.planner.core.requests import Member, StepPlan, build_request
from services.planner.core.sweep import RetryableSend, StepFindings, again, finished, passed

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
EMAIL = ("email", "default")


def record(*steps: dict[str, object]) -> CampaignRecord:
    return CampaignRecord.model_validate(
        {
            "campaign_id": "c", "brand": "default", "name": "c", "status": "active", "epoch": 1, "created_at": NOW,
            "updated_at": NOW, "launched_at": NOW,
            "steps": [{"channel": "email", "account": "default", "content": {}} | step for step in steps],
        }
    )  # fmt: skip


def expanded(step: int, at: datetime) -> StepProgress:
    return StepProgress.model_validate(
        {"campaign_id": "c", "step": step, "epoch": 1, "cursor": 9, "expanded_at": at, "updated_at": at}
    )


class TestDue:
    def test_steps_that_follow_at_once_are_due_together(self) -> None:
        campaign = record({}, {"channel": "sms"})
        assert due_at(campaign, 1, {}) == due_at(campaign, 2, {}) == NOW

    def test_a_later_step_waits_from_the_end_of_the_one_before(self) -> None:
        campaign = record({}, {"channel": "sms", "only_if": "not_engaged", "after_s": 3600})
        assert due_at(campaign, 2, {}) is None
        end = NOW + timedelta(minutes=7)
        assert due_at(campaign, 2, {1: expanded(1, end)}) == end + timedelta(hours=1)

    def test_a_fallback_without_delay_still_waits_for_that_end(self) -> None:
        assert due_at(record({}, {"channel": "sms", "only_if": "not_delivered"}), 2, {}) is None


class TestCredit:
    def test_ten_seconds_of_the_rate_and_at_least_ten_a_partition(self) -> None:
        assert account_credit(200, 8, 10) == 2000
        assert account_credit(1, 8, 10) == 80

    def test_the_higher_priority_comes_first_and_equals_take_turns(self) -> None:
        wants = [Want(("low", 1), EMAIL, 1, 100), Want(("a", 1), EMAIL, 5, 100), Want(("b", 1), EMAIL, 5, 100)]
        assert share(wants, {EMAIL: 150}, 100, turn=0) == [(("a", 1), 100), (("b", 1), 50)]
        assert share(wants, {EMAIL: 150}, 100, turn=1) == [(("b", 1), 100), (("a", 1), 50)]

    @given(
        st.lists(st.tuples(st.sampled_from(["email", "sms"]), st.integers(0, 9), st.integers(1, 500)), max_size=8),
        st.integers(0, 800), st.integers(0, 800), st.integers(1, 300), st.integers(0, 5),
    )  # fmt: skip
    def test_no_account_is_ever_asked_for_more_than_its_credit(
        self, steps: list[tuple[str, int, int]], email: int, sms: int, page: int, turn: int
    ) -> None:
        wants = [Want((str(i), 1), (channel, "default"), p, n) for i, (channel, p, n) in enumerate(steps)]
        credit = {EMAIL: email, ("sms", "default"): sms}
        grants = dict(share(wants, credit, page, turn))
        for ref, most in credit.items():
            assert sum(grants.get(want.step, 0) for want in wants if want.account == ref) <= most
        assert all(grants.get(want.step, 0) <= min(page, want.count) for want in wants)

    def test_what_the_router_has_not_passed_is_outstanding(self) -> None:
        outstanding = Outstanding()
        outstanding.emitted(EMAIL, 10, {0: 5, 1: 5})
        outstanding.emitted(EMAIL, 7, {0: 9, 1: 8})
        outstanding.passed({0: 5, 1: 5})
        assert outstanding.by_account() == {EMAIL: 7}
        outstanding.passed({0: 9, 1: 7})
        assert outstanding.by_account() == {EMAIL: 7}
        outstanding.passed({0: 9, 1: 8})
        assert outstanding.by_account() == {}


class TestSweep:
    def test_silence_is_asked_again_and_a_recall_gets_the_next_attempt(self) -> None:
        expand, give_up = again(StepFindings((4, 1), ((2, 1), (3, 2)), (), (), 4), NOW)
        assert [(a.ord, a.attempt) for a in expand] == [(1, 1), (2, 2), (3, 3), (4, 1)]
        assert give_up == []

    def test_retries_wait_longer_each_time_and_end_after_five(self) -> None:
        def at(failures: int, minutes: float) -> tuple[bool, bool]:
            send = RetryableSend(7, failures, failures, NOW - timedelta(minutes=minutes))
            expand, give_up = again(StepFindings((), (), (send,), (), 1), NOW)
            return bool(expand), bool(give_up)

        waits, goes, ends = (False, False), (True, False), (False, True)
        assert [at(1, 0.9), at(1, 1), at(2, 4), at(2, 5), at(3, 14), at(3, 15), at(4, 59), at(4, 60), at(5, 0)] == [
            waits, goes, waits, goes, waits, goes, waits, goes, ends,
        ]  # fmt: skip

    def test_a_barrier_is_passed_when_every_partition_is(self) -> None:
        assert passed({("t", 0): 5, ("t", 1): 3}, {("t", 0): 5, ("t", 1): 3})
        assert not passed({("t", 0): 5}, {("t", 0): 5, ("t", 1): 1})
        assert passed({}, {("t", 0): 0})

    def test_a_campaign_is_finished_when_all_is_expanded_and_nothing_is_open(self) -> None:
        nothing, one = StepFindings((), (), (), (), 0), StepFindings((), (), (), (), 1)
        assert finished([(9, 9), (9, 9)], [nothing, nothing])
        assert not finished([(9, 9), (8, 9)], [nothing, nothing])
        assert not finished([(9, 9), (9, 9)], [nothing, one])


class TestRequests:
    PLAN = StepPlan("c", 2, 3, "sms", "default", ["city", "name"], ["city"], NOW, "UTC")

    def member(self, **changes: object) -> Member:
        fields: dict[str, object] = {
            "ord": 17, "recipient": "default/x", "partition": 0, "email": "x@example.com", "phone": "+4915112345678",
            "zone": "Europe/Berlin", "clock_zone": "Europe/Berlin", "opt_in": 2, "duplicate": 6,
            "data": {"name": "X", "city": "Berlin", "plan": "gold"},
        }  # fmt: skip
        return Member(**(fields | changes))  # type: ignore[arg-type]

    def test_a_request_carries_the_address_of_its_channel_and_only_the_data_in_use(self) -> None:
        request = build_request(self.PLAN, self.member(), 2)
        assert (request.send_id, request.ord, request.attempt, request.epoch) == ("c/2/x", 17, 2, 3)
        assert request.address == "+4915112345678"
        assert request.data == {"name": "X", "city": "Berlin"}
        assert (request.opt_in, request.duplicate, request.zone) == (True, True, "Europe/Berlin")

    def test_what_the_content_cannot_do_without_is_named_where_it_is_missing(self) -> None:
        assert build_request(self.PLAN, self.member(data={"city": ""}), 1).missing == ["city"]


class TestDecoding:
    def test_what_cannot_be_answered_says_why(self) -> None:
        assert decode_command(None) == Unanswerable("empty", "the record has no value")
        for value, reason in (
            (b"\xff\xfe", "not_json"),
            (b"[1]", "no_command_id"),
            (b'{"type": "x"}', "no_command_id"),
        ):
            decoded = decode_command(value)
            assert isinstance(decoded, Unanswerable)
            assert decoded.reason == reason

    def test_a_command_that_is_wrong_names_field_problem_and_remedy(self) -> None:
        def errors(**campaign: object) -> list[tuple[str, str]]:
            whole = {"audience": {"filter": {}}, **campaign}
            decoded = decode_command(
                json.dumps({"type": "campaign.send", "command_id": "k", "campaign": whole}).encode()
            )
            assert isinstance(decoded, Refused)
            assert all(error.message for error in decoded.errors)
            return [(error.field, error.problem) for error in decoded.errors]

        assert errors(name="x", channels=["fax"]) == [("channels.0", "unknown_channel")]
        assert errors(name="x", channels=["sms"], schedule={"at": "2026-12-01T10:00"}) == [("schedule.zone", "no_zone")]
        assert errors(channels=["sms"]) == [("name", "missing")]

    @given(st.binary(max_size=200))
    def test_whatever_arrives_is_decoded_refused_or_dead_lettered(self, value: bytes) -> None:
        decode_command(value)
