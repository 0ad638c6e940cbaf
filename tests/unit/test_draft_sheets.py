"""A draft's sheet: changes are merged field by field, nothing that is written gets lost, and what is wrong is said."""

from __future__ import annotations

import json
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas import Account, Brand, Campaign, CampaignRecord, CampaignStatus, Channel, Draft, Template
from schemas.base import AccountId, BrandId, CampaignId
from services.console.core.continuing import sheet_of
from services.console.core.drafts import LARGEST, BadChangeError, channels_of, merged, step_of, value_at, without_person
from services.console.core.findings import Surroundings, findings, marks
from services.console.core.listing import entries
from services.domain.brands import with_brand
from services.domain.campaigns import record_of, template_key

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
BRAND = Brand(brand_id=BrandId("default"))
WHOLE: dict[str, Any] = {
    "name": "Spring", "channels": ["email", "sms"], "body": {"text": "Hi {{ name }}"},
    "audience": {"filter": {"role": "customer"}},
}  # fmt: skip

names = st.text("abc", min_size=1, max_size=2)
paths = st.lists(names, min_size=1, max_size=4).map(".".join)
scalars = st.none() | st.booleans() | st.integers(-5, 5) | st.text("xyz", max_size=3)
values = st.recursive(scalars, lambda inner: st.dictionaries(names, inner, max_size=2), max_leaves=4)
sheets = st.dictionaries(names, st.recursive(scalars, lambda inner: st.dictionaries(names, inner, max_size=3)))
changes = st.dictionaries(paths, values, max_size=5)


def account(channel: str) -> Account:
    return Account(account_id=AccountId("default"), channel=Channel(channel), provider="twilio", rate_per_s=1)


def around(**changes: Any) -> Surroundings:
    given: dict[str, Any] = {
        "brand": BRAND, "library": {}, "attributes": {"name", "city"}, "now": NOW,
        "accounts": lambda channel, name: account(channel) if name == "default" and channel != "push" else None,
    }  # fmt: skip
    return Surroundings(**(given | changes))


@given(sheets, changes)
def test_the_same_changes_made_twice_change_nothing_more(sheet: dict[str, Any], wanted: dict[str, Any]) -> None:
    """What got no answer is sent again, and is no conflict."""
    once = merged(sheet, wanted)
    assert merged(once, wanted) == once


@given(sheets, changes)
def test_what_was_there_stays_as_it_is(sheet: dict[str, Any], wanted: dict[str, Any]) -> None:
    before, asked = deepcopy(sheet), deepcopy(wanted)
    made = merged(sheet, wanted)
    assert (sheet, wanted) == (before, asked)
    touched = {path.split(".")[0] for path in wanted}
    assert {name: value for name, value in made.items() if name not in touched} == {
        name: value for name, value in before.items() if name not in touched
    }


@given(sheets, paths, values.filter(lambda value: value is not None))
def test_a_value_stands_where_it_was_laid_and_is_gone_once_it_is_taken(
    sheet: dict[str, Any], path: str, value: Any
) -> None:
    made = merged(sheet, {path: value})
    assert value_at(made, path) == value
    assert value_at(merged(made, {path: None}), path) is None


@given(sheets, st.dictionaries(st.sampled_from(["p.a", "p.b", "q", "r.s.t"]), values, min_size=2))
def test_two_people_who_change_different_fields_get_both_in_whatever_order(
    sheet: dict[str, Any], wanted: dict[str, Any]
) -> None:
    one, other = dict(list(wanted.items())[:1]), dict(list(wanted.items())[1:])
    laid = {path: value for path, value in wanted.items() if value is not None}
    for first, second in ((one, other), (other, one)):
        made = merged(merged(sheet, first), second)
        assert all(value_at(made, path) == value for path, value in laid.items())


def test_what_becomes_empty_goes_but_a_filter_that_means_everybody_stays() -> None:
    sheet = merged({}, {"content.push.title": "Hi", "audience.filter.cities": ["Pune"]})
    assert merged(sheet, {"content.push.title": None, "audience.filter.cities": None}) == {"audience": {"filter": {}}}
    assert merged(sheet, {"content": None, "audience.filter": None}) == {}


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        ({"": 1}, "is no path"), ({"a..b": 1}, "is no path"), ({"id": "mine"}, "belongs to the draft"),
        ({"brand": "north"}, "belongs to the draft"), ({"steps.0": {}}, "is a list"),
        ({".".join("a" * 20): 1}, "leads deeper"), ({"name": "\ud800"}, "half a character"),
        ({"body.text": "x" * LARGEST}, "may take 800,000"), ({f"a{n}": 1 for n in range(501)}, "at most 500"),
        ({"a": json.loads("[" * 50 + "]" * 50)}, "levels deep"), ({"a": float("nan")}, "a number is none"),
    ],
)  # fmt: skip
def test_a_change_that_cannot_be_made_is_refused_with_the_remedy(wanted: dict[str, Any], said: str) -> None:
    with pytest.raises(BadChangeError, match=said):
        merged({"steps": [{"channel": "sms"}]}, wanted)


def test_every_field_of_a_campaign_is_on_a_step() -> None:
    steps = {name: step_of(name) for name in Campaign.model_fields}
    assert set(steps.values()) == {"general", "content", "audience", "budget"}
    assert step_of("steps.1.after") == "budget"
    assert step_of("steps.1.content.sms.text") == "content"
    assert step_of("audience.filter.cities.0") == "audience"


@pytest.mark.parametrize(
    ("sheet", "found"),
    [
        ({"channels": ["sms", "email", "sms"]}, ["sms", "email"]), ({"channels": ["fax", 3, None]}, []),
        ({"steps": [{"channel": "sms"}, {"channel": "email"}, "x"]}, ["sms", "email"]), ({"channels": "sms"}, []),
    ],
)  # fmt: skip
def test_the_channels_of_a_sheet_whatever_else_it_says(sheet: dict[str, Any], found: list[str]) -> None:
    assert channels_of(sheet) == found


def test_an_empty_sheet_lacks_something_on_three_steps_and_is_wrong_nowhere() -> None:
    found = findings({}, around())
    assert [(each.step, each.problem) for each in found] == [
        ("general", "missing"), ("general", "no_channels"), ("content", "no_content"), ("audience", "no_audience"),
    ]  # fmt: skip
    assert marks(found) == {"general": "open", "content": "open", "audience": "open", "budget": "done"}


def test_a_whole_sheet_has_nothing_in_the_way() -> None:
    assert findings(WHOLE, around()) == []


@pytest.mark.parametrize(
    ("wanted", "step", "field", "problem"),
    [
        ({"budget.total": "a lot"}, "budget", "budget.total", "decimal_parsing"),
        ({"budget": {"total": "10", "allocation": {"email": "50%", "sms": "60%"}}}, "budget", "budget.allocation",
         "over_total"),
        ({"budget": {"total": "10", "allocation": {"email": "50%", "sms": "4.00"}}}, "budget", "budget.allocation",
         "under_total"),
        ({"schedule.at": "tomorrow"}, "budget", "schedule.at", "invalid"),
        ({"schedule.at": "2026-12-01T10:00"}, "budget", "schedule.zone", "no_zone"),
        ({"content.email.html": "<p>{{ name </p>"}, "content", "content.email.html", "broken_template"),
        ({"content.sms.text": "Hi {{ nmae }}"}, "content", "content.sms", "unknown_placeholder"),
        ({"audience.filter.active_within_days": 0}, "audience", "audience.filter.active_within_days",
         "greater_than_equal"),
        ({"audience.recipients": []}, "audience", "audience", "invalid"),
        ({"accounts.sms": "second"}, "general", "accounts.sms", "unknown_account"),
        ({"channels": ["email", "fax"]}, "general", "channels.1", "unknown_channel"),
        ({"steps": [{"channel": "sms", "after": "soon"}], "channels": None}, "budget", "steps.0.after", "invalid"),
        ({"limits.caps": [{"messages": 0, "per": "1d"}]}, "budget", "limits.caps.0.messages", "greater_than_equal"),
        ({"surprise": 1}, "general", "surprise", "unknown_field"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named_by_step_and_field_and_hides_nothing_else(
    wanted: dict[str, Any], step: str, field: str, problem: str
) -> None:
    found = findings(merged(WHOLE, wanted), around())
    assert [(each.step, each.field.removesuffix(".text"), each.problem) for each in found] == [(step, field, problem)]
    assert marks(found)[step] == "wrong"


def test_a_number_that_is_none_is_said_in_plain_words() -> None:
    found = findings(merged(WHOLE, {"budget.total": "a lot"}), around())
    assert [each.message for each in found] == ["'a lot' is no number: write it in digits, such as 250.00"]


def test_two_things_that_are_wrong_are_said_at_once_though_a_third_is_missing() -> None:
    sheet = merged(WHOLE, {"name": None, "budget.total": "x", "content.sms.text": "{{ nobody_has_this }}"})
    assert {(each.step, each.problem) for each in findings(sheet, around())} == {
        ("general", "missing"), ("budget", "decimal_parsing"), ("content", "unknown_placeholder"),
    }  # fmt: skip


def test_what_is_found_in_one_sheet_leaves_no_trace_in_the_next() -> None:
    many = {"audience": {"filter": {"any": [{"cities": number} for number in range(6)]}}}
    for broken in (many, {"audience": {"filter": 3}}, {"audience": 3}, {"name": 3}):
        assert findings(merged(WHOLE, broken), around())
    assert [each.problem for each in findings(merged(WHOLE, {"audience": None}), around())] == ["no_audience"]
    assert [each.problem for each in findings(merged(WHOLE, {"audience": {"recipients": []}}), around())] == [
        "no_audience"
    ]


def test_no_placeholder_is_called_unknown_while_the_attributes_are_not_known() -> None:
    sheet = merged(WHOLE, {"body.text": "Hi {{ favourite_colour }}"})
    assert findings(sheet, around(attributes=None)) == []
    assert findings(sheet, around())[0].problem == "unknown_placeholder"


@given(st.dictionaries(st.sampled_from(sorted(Campaign.model_fields)), values | st.lists(values, max_size=2)))
def test_whatever_is_in_a_sheet_it_is_judged_and_not_choked_on(sheet: dict[str, Any]) -> None:
    assert all(each.message for each in findings(sheet, around()))


def record(campaign: dict[str, Any], brand: Brand = BRAND) -> CampaignRecord:
    return with_brand(record_of(Campaign.model_validate(campaign), CampaignId("c"), NOW), brand)


CAMPAIGNS: list[dict[str, Any]] = [
    WHOLE,
    WHOLE | {"channels": [], "accounts": {"sms": "second"}, "steps": [
        {"channel": "email"}, {"channel": "sms", "only_if": "not_engaged", "after": "36h"},
        {"channel": "sms", "only_if": "not_delivered", "after": "90m", "account": "third",
         "content": {"sms": {"text": "Again"}}},
    ]},
    WHOLE | {"kind": "transactional", "description": "why", "priority": 9, "tracking": {"links": False},
             "content": {"email": {"subject": "S", "html": "<p>x</p>"}, "push": {"title": "later"}},
             "budget": {"total": "12.50", "currency": "INR", "allocation": {"email": "40%", "sms": "7.50"}},
             "schedule": {"at": "2026-12-01T10:00", "zone": "Asia/Kolkata", "mode": "local"},
             "limits": {"quiet_hours": {"from": "22:00", "to": "07:00"}, "caps": [{"messages": 1, "per": "1d"}],
                        "expires_after": "2d"},
             "audience": {"filter": {"not": {"cities": ["Pune"]}, "attributes": {"age": {"at_least": 18}}}}},
]  # fmt: skip


@pytest.mark.parametrize("campaign", CAMPAIGNS)
def test_a_campaign_taken_over_from_its_record_is_the_same_campaign_again(campaign: dict[str, Any]) -> None:
    was = record(campaign)
    sheet = sheet_of(was, [], BRAND, {})
    assert json.loads(json.dumps(sheet)) == sheet
    assert record(sheet) == was


def test_what_the_brand_has_put_in_is_left_to_the_brand_again() -> None:
    limits = {"quiet_hours": {"from": "21:00", "to": "09:00"}, "caps": [{"messages": 3, "per": "7d"}]}
    brand = Brand.model_validate({"brand_id": "default", "limits": limits})
    was = record(WHOLE, brand)
    assert was.limits.caps
    assert "limits" not in sheet_of(was, [], brand, {})


def test_listed_people_are_taken_over_whole() -> None:
    people = [
        {"id": "c-1", "name": "Asha", "phone": "+919812345678", "zone": "Asia/Kolkata", "attributes": {"age": 3},
         "opt_in": ["sms"]}, {"id": "c-2", "email": "b@example.com"},
    ]  # fmt: skip
    campaign = Campaign.model_validate(WHOLE | {"audience": {"recipients": people}})
    assert campaign.audience.recipients
    sheet = sheet_of(record(WHOLE | {"audience": {"recipients": people}}), campaign.audience.recipients, BRAND, {})
    assert sheet["audience"] == {"recipients": people}


def test_a_content_stays_tied_to_its_template_as_long_as_that_has_no_newer_version() -> None:
    content = {"text": "Hi from the library"}
    template = Template(template_id="t", channel=Channel.SMS, name="T", content=content, version=2)
    use = {"sms": {"template_id": "t", "version": 2}}
    was = CampaignRecord.model_validate(
        record(WHOLE | {"content": {"sms": content}}).model_dump(mode="json", by_alias=True) | {"templates": use}
    )
    tied = sheet_of(was, [], BRAND, {template_key("default", "t"): template})
    assert (tied["templates"], "content" in tied) == ({"sms": "t"}, False)
    newer = template.model_copy(update={"version": 3})
    free = sheet_of(was, [], BRAND, {template_key("default", "t"): newer})
    assert (free["content"], "templates" in free) == ({"sms": content}, False)


def test_the_example_of_a_record_can_be_gone_on_with() -> None:
    example = CampaignRecord.read(Path("schemas/examples/campaign-record.json").read_bytes())
    sheet = sheet_of(example, [], BRAND, {})
    assert record(sheet).steps == example.steps


def test_each_campaign_is_listed_once_and_a_draft_by_what_is_written_in_it() -> None:
    def draft(name: str, sheet: dict[str, Any], hours: int) -> Draft:
        at = NOW + timedelta(hours=hours)
        return Draft(draft_id=CampaignId(name), revision=1, sheet=sheet, created_at=at, updated_at=at)

    was = record(WHOLE)
    sent = was.model_copy(update={"campaign_id": CampaignId("d"), "status": CampaignStatus.ACTIVE})
    drafts = [draft("c", {"name": "Written anew"}, 5), draft("d", {"name": "Left behind"}, 6), draft("e", {}, 1)]
    found = entries([was, sent], drafts)
    assert [(each.campaign_id, each.name, each.status.value) for each in found] == [
        ("e", "", "draft"), ("d", "Spring", "active"), ("c", "Written anew", "draft"),
    ]  # fmt: skip


def test_who_is_erased_is_taken_off_a_draft_that_lists_them_and_nothing_else_changes() -> None:
    sheet = {"name": "N", "audience": {"recipients": [{"id": "c-1", "email": "a@example.com"}, {"id": "c-2"}, "torn"]}}
    made = without_person(sheet, "c-1")
    assert made == {"name": "N", "audience": {"recipients": [{"id": "c-2"}, "torn"]}}
    assert without_person(sheet, "c-3") is None
    assert without_person({"audience": {"filter": {}}}, "c-1") is None
    assert without_person({"audience": {"recipients": [{"id": "c-1"}]}}, "c-1") == {"audience": {"recipients": []}}
