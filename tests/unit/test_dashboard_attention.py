"""What the dashboard says that somebody has to see to, and where."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from schemas import CampaignRecord
from services.console.core.dashboard import MOST_LETTERS, Surroundings, dashboard, with_surroundings

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)


def record(campaign_id: str, **changes: Any) -> CampaignRecord:
    return CampaignRecord.model_validate({
        "campaign_id": campaign_id, "brand": "default", "name": campaign_id.title(), "status": "draft", "epoch": 0,
        "steps": [{"channel": "sms", "account": "default", "content": {"sms": {"text": "Hi"}}}], "created_at": NOW,
        "updated_at": NOW, **changes,
    })  # fmt: skip


def found(around: Surroundings, *records: CampaignRecord) -> list[tuple[str, str, str]]:
    items = with_surroundings(dashboard(records, {}, {}, []), around).needs_attention
    return [(item.kind, item.subject, item.path) for item in items]


def test_what_waits_for_a_second_person_leads_to_the_approvals() -> None:
    waits = record("spring", approval={"requested_by": "asha", "requested_at": NOW})
    done = record(
        "summer", approval={"requested_by": "asha", "requested_at": NOW, "approved_by": "bo", "approved_at": NOW}
    )
    assert found(Surroundings(), waits, done) == [("approval", "Spring", "/settings/approvals")]


def test_accounts_that_do_not_work_lead_to_their_pages_and_those_that_do_are_not_named() -> None:
    accounts = [
        ("sms", "twilio-main", "expired", True), ("email", "default", "failing", False),
        ("email", "mail", "connected", True), ("sms", "new", "untested", True), ("sms", "old", "disconnected", False),
    ]  # fmt: skip
    assert found(Surroundings(accounts=accounts)) == [
        ("account", "twilio-main", "/accounts/twilio-main"), ("account", "default", "/accounts"),
    ]  # fmt: skip


def test_the_heaviest_comes_first_and_dead_letters_are_told_to_whoever_may_know_of_them() -> None:
    waits = record("spring", approval={"requested_by": "asha", "requested_at": NOW})
    around = Surroundings(accounts=[("sms", "a", "disconnected", True)], letters=MOST_LETTERS)
    assert [kind for kind, _, _ in found(around, waits)] == ["account", "approval", "dead_letters"]
    messages = with_surroundings(dashboard([], {}, {}, []), Surroundings(letters=MOST_LETTERS)).needs_attention
    assert messages[0].message.startswith(f"{MOST_LETTERS}+ records")
    assert found(Surroundings(letters=None)) == found(Surroundings(letters=0)) == []
