"""Above its brand's amount a campaign goes out when a second person has said so, and only as it stood then."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from schemas import Brand, Campaign, CampaignId, CampaignRecord, CampaignStatus, Command, CommandType
from services.domain.brands import waits_for_approval
from services.planner.core import lifecycle
from services.planner.core.approval import held_for_approval
from services.planner.core.decisions import Accepted, Rejected
from services.planner.core.drafts import draft

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
BRAND = Brand.model_validate({"brand_id": "default", "approval_above": {"total": "500", "currency": "USD"}})
DRAFT, PAUSED, ACTIVE = CampaignStatus.DRAFT, CampaignStatus.PAUSED, CampaignStatus.ACTIVE


def command(kind: CommandType, operator: str = "asha", **fields: object) -> Command:
    return Command.model_validate({"type": kind, "command_id": "k", "campaign_id": "c", "operator": operator, **fields})


def campaign(total: str | None = "501", **more: object) -> CampaignRecord:
    budget = {"budget": {"total": total}} if total else {}
    made = Campaign.model_validate(
        {"name": "S", "channels": ["sms"], "body": {"text": "Hi"}, "audience": {"filter": {}}, **budget, **more}
    )
    decision = draft(made, CampaignId("c"), None, command(CommandType.APPLY), NOW, None)
    assert isinstance(decision, Accepted)
    return decision.record


def after(record: CampaignRecord, kind: CommandType, operator: str = "asha", **fields: object) -> CampaignRecord:
    asked = command(kind, operator, **fields)
    decision = lifecycle.steer(record, asked, NOW, None)
    assert isinstance(decision, Accepted), decision
    return held_for_approval(record, decision.record, asked, BRAND, NOW)


def refused(record: CampaignRecord, operator: str) -> str:
    decision = lifecycle.steer(record, command(CommandType.APPROVE, operator), NOW, None)
    assert isinstance(decision, Rejected)
    return decision.errors[0].problem


def running() -> CampaignRecord:
    return after(after(campaign(), CommandType.LAUNCH), CommandType.APPROVE, "ravi")


def test_up_to_the_amount_one_person_is_enough() -> None:
    assert after(campaign("500"), CommandType.LAUNCH).status is ACTIVE


@pytest.mark.parametrize(
    "record", [campaign("500.01"), campaign(None), campaign(budget={"total": "1", "currency": "EUR"})]
)
def test_above_it_and_where_it_cannot_be_told_a_launch_waits(record: CampaignRecord) -> None:
    waiting = after(record, CommandType.LAUNCH)
    assert (waiting.status, waiting.launched_at, waiting.epoch) == (DRAFT, None, 0)
    assert waiting.approval is not None
    assert (waiting.approval.requested_by, waiting.approval.approved_at) == ("asha", None)


def test_another_person_approves_and_it_goes_out() -> None:
    record = running()
    assert (record.status, record.launched_at) == (ACTIVE, NOW)
    assert record.approval is not None
    assert record.approval.approved_by == "ravi"


def test_who_asked_cannot_approve_nor_can_nobody_and_launching_twice_is_no_approval() -> None:
    waiting = after(campaign(), CommandType.LAUNCH)
    assert refused(waiting, "asha") == "same_person"
    assert refused(waiting, "") == "missing"
    again = after(waiting, CommandType.LAUNCH, "ravi")
    assert waits_for_approval(again)
    assert refused(again, "asha") == "same_person"
    assert refused(campaign(), "ravi") == "nothing_to_approve"


def test_an_upstream_system_asks_under_that_name_and_cannot_approve_without_one() -> None:
    waiting = after(campaign(), CommandType.LAUNCH, "")
    assert waiting.approval is not None
    assert waiting.approval.requested_by == "upstream"
    assert refused(waiting, "") == "missing"


def test_an_edit_of_what_waits_takes_the_request_back() -> None:
    edited = after(after(campaign(), CommandType.LAUNCH), CommandType.EDIT, body={"text": "More"})
    assert (edited.status, edited.approval) == (DRAFT, None)


@pytest.mark.parametrize(
    ("kind", "fields"),
    [(CommandType.EDIT, {"body": {"text": "No"}}), (CommandType.BUDGET, {"budget": {"total": "900"}})],
)
def test_another_text_or_budget_stops_a_running_campaign_until_it_is_approved_anew(
    kind: CommandType, fields: dict[str, object]
) -> None:
    changed = after(running(), kind, "ravi", **fields)
    assert (changed.status, changed.launched_at) == (PAUSED, NOW)
    assert refused(changed, "ravi") == "same_person"
    assert waits_for_approval(after(changed, CommandType.RESUME, "ravi"))
    assert after(changed, CommandType.APPROVE, "asha").status is ACTIVE


def test_a_budget_that_needs_nobody_goes_on_at_once_and_so_do_new_limits() -> None:
    assert after(running(), CommandType.BUDGET, budget={"total": "400"}).status is ACTIVE
    limits = {"caps": [{"messages": 3, "per": "7d"}]}
    assert after(running(), CommandType.EDIT, limits=limits).status is ACTIVE


def test_a_pause_keeps_the_word_and_a_new_definition_does_not() -> None:
    assert after(after(running(), CommandType.PAUSE), CommandType.RESUME).status is ACTIVE
    approved_draft = campaign().model_copy(update={"approval": running().approval})
    made = Campaign.model_validate(
        {"id": "c", "name": "S", "channels": ["sms"], "body": {"text": "Hi"}, "audience": {"filter": {}}}
    )
    decision = draft(made, CampaignId("c"), approved_draft, command(CommandType.APPLY), NOW, None)
    assert isinstance(decision, Accepted)
    assert decision.record.approval is None


def test_a_campaign_of_a_later_date_waits_for_its_date_once_it_is_approved() -> None:
    later = (NOW + timedelta(days=1)).isoformat()
    record = after(campaign(schedule={"at": later}), CommandType.LAUNCH)
    assert after(record, CommandType.APPROVE, "ravi").status is CampaignStatus.SCHEDULED
    paused = after(after(record, CommandType.APPROVE, "ravi"), CommandType.BUDGET, budget={"total": "900"})
    resumed = after(paused, CommandType.RESUME)
    assert (resumed.status, resumed.launched_at) == (PAUSED, None)


def test_one_that_had_ended_is_not_taken_up_again_by_one_person_s_new_budget() -> None:
    done = lifecycle.complete(running(), NOW)
    raised = after(done, CommandType.BUDGET, budget={"total": "900"})
    assert (raised.status, raised.ended_at) == (PAUSED, None)
    assert waits_for_approval(raised)
