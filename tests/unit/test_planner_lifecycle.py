"""The life of a campaign: Draft -> (Scheduled ->) Active <-> Paused -> Completed; Cancelled from any but Completed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from schemas import Campaign, CampaignId, CampaignRecord, CampaignStatus, Command, CommandType, FrozenAudience
from services.planner.core import lifecycle
from services.planner.core.decisions import Accepted, Rejected
from services.planner.core.drafts import draft

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
CAMPAIGN = Campaign.model_validate(
    {
        "name": "Spring",
        "channels": ["email", "sms"],
        "body": {"text": "Hi"},
        "content": {"email": {"subject": "Hello"}},
        "audience": {"filter": {}},
    }
)


def command(kind: CommandType, **fields: object) -> Command:
    return Command.model_validate({"type": kind, "command_id": "k", "campaign_id": "c", **fields})


def make_draft(campaign: Campaign = CAMPAIGN) -> CampaignRecord:
    decision = draft(campaign, CampaignId("c"), None, command(CommandType.APPLY), NOW, None)
    assert isinstance(decision, Accepted)
    return decision.record


def steer(record: CampaignRecord | None, kind: CommandType, now: datetime = NOW, **fields: object) -> CampaignRecord:
    decision = lifecycle.steer(record, command(kind, **fields), now, CampaignId("copy"))
    assert isinstance(decision, Accepted), decision
    return decision.record


def refusal(record: CampaignRecord | None, kind: CommandType, **fields: object) -> tuple[str, str]:
    decision = lifecycle.steer(record, command(kind, **fields), NOW, CampaignId("copy"))
    assert isinstance(decision, Rejected), decision
    return decision.errors[0].field, decision.errors[0].problem


def test_channels_become_steps_all_at_once_each_with_its_own_content() -> None:
    email, sms = make_draft().steps
    assert email.content.email is not None
    assert email.content.sms is None
    assert sms.content == type(sms.content)()
    assert (email.after_s, sms.after_s, sms.only_if) == (0, 0, "always")


def test_each_launch_pause_resume_edit_budget_and_cancel_raises_the_epoch() -> None:
    record, epochs = make_draft(), []
    for kind, fields in (
        (CommandType.LAUNCH, {}),
        (CommandType.PAUSE, {}),
        (CommandType.EDIT, {"body": {"text": "Hello"}}),
        (CommandType.RESUME, {}),
        (CommandType.BUDGET, {"budget": {"total": "10"}}),
        (CommandType.CANCEL, {}),
    ):
        record = steer(record, kind, **fields)
        epochs.append(record.epoch)
    assert epochs == [1, 2, 3, 4, 5, 6]


def test_an_edit_replaces_what_it_names_and_nothing_else() -> None:
    record = steer(make_draft(), CommandType.EDIT, content={"sms": {"text": "Short"}})
    assert record.steps[1].content.sms is not None
    assert record.steps[1].content.sms.text == "Short"
    assert record.steps[0].content.email is not None
    assert record.steps[0].content.email.subject == "Hello"
    assert record.body.text == "Hi"


def test_a_date_to_come_is_scheduled_and_a_past_one_sends_at_once() -> None:
    def launched(at: str) -> CampaignRecord:
        campaign = Campaign.model_validate(CAMPAIGN.model_dump() | {"schedule": {"at": at, "zone": "UTC"}})
        return steer(make_draft(campaign), CommandType.LAUNCH)

    assert launched("2026-11-22T09:00").status is CampaignStatus.SCHEDULED
    assert launched("2026-11-20T09:00").status is CampaignStatus.ACTIVE


def test_a_campaign_by_everybodys_own_clock_begins_where_the_day_does() -> None:
    """14 hours before UTC; until then it is scheduled."""
    for at, status in (("2026-11-21T23:01", CampaignStatus.SCHEDULED), ("2026-11-21T23:00", CampaignStatus.ACTIVE)):
        schedule = {"schedule": {"at": at, "zone": "Asia/Kolkata", "mode": "local"}}
        campaign = Campaign.model_validate(CAMPAIGN.model_dump() | schedule)
        assert steer(make_draft(campaign), CommandType.LAUNCH).status is status


def test_a_campaign_that_was_paused_before_its_time_is_scheduled_again_on_resume() -> None:
    campaign = Campaign.model_validate(
        CAMPAIGN.model_dump() | {"schedule": {"at": "2026-11-22T09:00", "zone": "UTC", "mode": "fixed"}}
    )
    paused = steer(steer(make_draft(campaign), CommandType.LAUNCH), CommandType.PAUSE)
    assert steer(paused, CommandType.RESUME).status is CampaignStatus.SCHEDULED
    late = steer(paused, CommandType.RESUME, NOW + timedelta(days=2))
    assert (late.status, late.launched_at) == (CampaignStatus.ACTIVE, NOW + timedelta(days=2))


def test_a_clone_is_a_draft_without_schedule_people_or_results() -> None:
    record = steer(make_draft(), CommandType.LAUNCH).model_copy(
        update={"audience": FrozenAudience(snapshot_id="s", count=9)}
    )
    copy = steer(record, CommandType.CLONE)
    assert (copy.campaign_id, copy.name, copy.status, copy.epoch) == ("copy", "Spring (copy)", CampaignStatus.DRAFT, 0)
    assert (copy.audience, copy.schedule, copy.launched_at) == (None, None, None)


def test_a_stranger_s_campaign_is_unknown() -> None:
    assert refusal(make_draft(), CommandType.LAUNCH, brand="other") == ("campaign_id", "unknown_campaign")
    assert refusal(None, CommandType.PAUSE) == ("campaign_id", "unknown_campaign")


def test_a_command_for_another_epoch_is_refused() -> None:
    assert refusal(make_draft(), CommandType.LAUNCH, expected_epoch=3) == ("expected_epoch", "wrong_epoch")


def test_only_a_draft_can_be_applied_again() -> None:
    active = steer(make_draft(), CommandType.LAUNCH)
    decision = draft(CAMPAIGN, CampaignId("c"), active, command(CommandType.APPLY), NOW, None)
    assert isinstance(decision, Rejected)


@pytest.mark.parametrize("kind", [CommandType.PAUSE, CommandType.RESUME, CommandType.LAUNCH, CommandType.CANCEL])
def test_nothing_leads_out_of_completed(kind: CommandType) -> None:
    done = lifecycle.complete(steer(make_draft(), CommandType.LAUNCH), NOW)
    assert refusal(done, kind) == ("campaign_id", "wrong_status")


def test_dead_letters_are_tried_again_while_it_runs_and_after_it_has_ended() -> None:
    """What is under way meanwhile is as good as before: the epoch stays."""
    active = steer(make_draft(), CommandType.LAUNCH)
    assert steer(active, CommandType.REOPEN).epoch == active.epoch
    again = steer(lifecycle.complete(active, NOW), CommandType.REOPEN)
    assert (again.status, again.ended_at, again.epoch) == (CampaignStatus.ACTIVE, None, active.epoch + 1)
    assert refusal(steer(active, CommandType.CANCEL), CommandType.REOPEN) == ("campaign_id", "wrong_status")


class Life(RuleBasedStateMachine):
    """Whatever commands come in whatever order."""

    def __init__(self) -> None:
        super().__init__()
        self.record, self.epoch = make_draft(), 0

    @rule(kind=st.sampled_from([k for k in lifecycle.ALLOWED if k is not CommandType.CLONE]))
    def order(self, kind: CommandType) -> None:
        fields = {"body": {"text": "x"}} if kind is CommandType.EDIT else {}
        decision = lifecycle.steer(self.record, command(kind, **fields), NOW)
        if isinstance(decision, Accepted):
            stays = kind is CommandType.REOPEN and self.record.status is CampaignStatus.ACTIVE
            assert decision.record.epoch == self.record.epoch + (not stays)
            self.record = decision.record
        else:
            assert decision.errors[0].problem in ("wrong_status", "nothing_to_approve")

    @precondition(lambda self: self.record.status is CampaignStatus.ACTIVE)
    @rule()
    def finish(self) -> None:
        self.record = lifecycle.complete(self.record, NOW)

    @invariant()
    def the_epoch_never_falls(self) -> None:
        assert self.record.epoch >= self.epoch
        self.epoch = self.record.epoch

    @invariant()
    def what_runs_was_launched_and_what_ended_says_when(self) -> None:
        if self.record.status in (CampaignStatus.ACTIVE, CampaignStatus.COMPLETED):
            assert self.record.launched_at is not None
        assert (self.record.ended_at is not None) == (
            self.record.status in (CampaignStatus.COMPLETED, CampaignStatus.CANCELLED)
        )


TestLife = Life.TestCase


def test_what_a_new_budget_or_a_reopening_owes_stays_until_the_campaign_is_completed() -> None:
    """Through every other command, and so through the death of the planner that was about to ask for it."""
    record = steer(make_draft(), CommandType.LAUNCH)
    record = steer(record, CommandType.BUDGET, budget={"total": "10"})
    record = steer(record, CommandType.PAUSE)
    record = steer(steer(record, CommandType.RESUME), CommandType.REOPEN)
    assert record.owed == ["dead_letter", "over_budget"]
    assert lifecycle.complete(record, NOW).owed == []
