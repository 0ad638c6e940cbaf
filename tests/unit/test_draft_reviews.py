"""What a draft's last page says: in the way, doubtful, and all that is written, in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from schemas import Campaign, CampaignRecord, Draft, Forecast
from schemas.base import CampaignId
from services.console.core.accounts import AccountProblem
from services.console.core.findings import Finding
from services.console.core.placeholders import Placeholder
from services.console.core.reviews import Review, review_of
from services.console.pages.summary import summary
from services.domain.campaigns import record_of

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
MISSING = Finding(step="general", field="accounts.push", problem="unknown_account", message="no account")


def draft(**changes: Any) -> Draft:
    return Draft(draft_id=CampaignId("d"), revision=3, created_at=NOW, updated_at=NOW, **changes)


def reviewed(**given: Any) -> Review:
    values: dict[str, Any] = {
        "draft": draft(), "found": [], "accounts": [], "forecast": None, "needs_approval": False, "record": None,
    }  # fmt: skip
    return review_of(**(values | given))


def account(problem: str, blocking: bool) -> AccountProblem:
    return AccountProblem("push", "default", problem, "it does not work", blocking, "/accounts")


def test_a_channel_without_a_working_account_is_in_the_way_once_with_the_page_that_mends_it() -> None:
    review = reviewed(found=[MISSING], accounts=[account("unknown_account", True)])
    assert [(each.field, each.path) for each in review.blocking] == [("accounts.push", "/accounts")]
    assert not review.ready


def test_an_account_that_may_fail_is_doubtful_and_in_nobodys_way() -> None:
    review = reviewed(accounts=[account("expiring", False)])
    assert review.ready
    assert [(each.step, each.problem) for each in review.doubtful] == [("general", "expiring")]


def test_what_the_forecast_doubts_leads_to_where_it_is_mended() -> None:
    doubts = ["the audience means nobody: look at it", "there is no budget: nothing bounds it", "its time is over: now"]
    forecast = Forecast(at=NOW, people=0, doubtful=doubts, steps=[])
    found = [(each.step, each.field) for each in reviewed(forecast=forecast).doubtful]
    assert found == [("audience", "audience.filter.role"), ("budget", "budget.total"), ("budget", "schedule.at")]


def test_nothing_is_doubted_of_what_cannot_be_read_at_all() -> None:
    wrong = Finding(step="budget", field="budget.total", problem="decimal_parsing", message="no number")
    forecast = Forecast(at=NOW, people=1, doubtful=["there is no budget: nothing bounds it"], steps=[])
    assert reviewed(found=[wrong], forecast=forecast).doubtful == []


def test_people_who_lack_a_placeholder_are_doubtful_unless_its_author_has_thought_of_them() -> None:
    def lacked(name: str, lacking: int | None, **more: bool) -> Placeholder:
        values = {"required": True, "send_without": False} | more
        return Placeholder(name=name, channels=["sms"], lacking=lacking, **values)

    review = reviewed(placeholders=[
        lacked("city", 12), lacked("plan", 0), lacked("age", None), lacked("zip", 3, required=False),
        lacked("street", 4, send_without=True), lacked("title", 1),
    ])  # fmt: skip
    said = [each.message for each in review.doubtful]
    assert len(said) == 2
    assert said[0].startswith("12 of the people have no 'city', and get no message")
    assert said[1].startswith("one of the people has no 'title', and gets no message")


def test_a_campaign_that_was_changed_elsewhere_since_it_was_taken_over_is_doubtful() -> None:
    campaign = Campaign.model_validate({"name": "N", "channels": ["sms"], "audience": {"filter": {}}})
    record: CampaignRecord = record_of(campaign, CampaignId("d"), NOW + timedelta(minutes=5))
    taken = draft(campaign_at=NOW)
    assert reviewed(draft=taken, record=record).doubtful[0].problem == "changed_elsewhere"
    assert reviewed(draft=draft(campaign_at=record.updated_at), record=record).doubtful == []


def test_everything_that_is_written_is_told_in_words() -> None:
    told = summary({
        "name": "Spring",
        "steps": [{"channel": "email"}, {"channel": "sms", "only_if": "not_delivered", "after": "4h"}],
        "body": {"text": "Hi"}, "content": {"sms": {"text": "Short"}}, "templates": {"email": "news"},
        "audience": {"filter": {"role": "partner", "cities": ["Pune"], "attributes": {"age": {"at_least": 18}},
                                "not": {"lists": ["staff"]}}},
        "budget": {"total": "10", "currency": "INR", "allocation": {"email": "40%", "sms": "6"}},
        "schedule": {"at": "2026-12-01T10:00", "zone": "Asia/Kolkata", "mode": "best_time"},
        "limits": {"quiet_hours": {"from": "22:00", "to": "07:00"}, "caps": [{"messages": 2, "per": "1d"}]},
    })  # fmt: skip
    lines = {label: text for step in told.values() for label, text in step}
    assert lines["Channels"] == "Email, SMS"
    assert lines["Email"] == "from the template news"
    assert lines["SMS"] == "Short"
    assert (lines["Role"], lines["Cities"], lines["age"]) == ("Partners", "Pune", "at least 18")
    assert lines["Parts of the channels"] == "Email 40%, SMS 6 INR"
    assert lines["Begins"] == "at each person's best hour, from 2026-12-01 10:00 (Asia/Kolkata) on"
    assert lines["How the channels work together"] == (
        "Email, to everybody. 4h after that SMS, to those to whom it could not be delivered."
    )
    assert lines["Quiet hours"] == "22:00 \N{EN DASH} 07:00"


anything = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text("xy", max_size=2),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from(
        ["filter", "recipients", "text", "sms", "email", "total", "allocation", "at", "mode", "caps", "quiet_hours",
         "cities", "attributes", "channel", "after", "not", "role", "from"]), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(sorted(Campaign.model_fields)), anything))
def test_whatever_is_written_can_be_told(sheet: dict[str, Any]) -> None:
    assert set(summary(sheet)) == {"general", "content", "audience", "budget"}
