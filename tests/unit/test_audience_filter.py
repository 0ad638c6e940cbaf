"""The audience filter: what it takes, how large it may be, what it says where it is wrong."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from schemas import AudienceFilter, Channel
from schemas.audience import DEEPEST_FILTER, LARGEST_FILTER
from services.domain.audience import (
    condition,
    filter_parameters,
    filter_problems,
    named_campaigns,
    unknown_campaigns,
)
from services.domain.field_errors import field_errors
from services.domain.reach import HAS_EMAIL, HAS_PHONE, REFUSED, YES, by_channel, matched, why_not

NOW = datetime(2026, 11, 21, 9, 0, 0, 5, tzinfo=UTC)


def refused(given: dict[str, Any]) -> tuple[str, str]:
    with pytest.raises(ValidationError) as caught:
        AudienceFilter.model_validate(given)
    error = field_errors(caught.value, "filter")[0]
    return error.problem, error.message


def nested(levels: int) -> dict[str, Any]:
    return {"not": nested(levels - 1)} if levels else {"role": "customer"}


def test_filters_nest_so_deep_and_no_deeper() -> None:
    AudienceFilter.model_validate(nested(DEEPEST_FILTER - 1))
    assert refused(nested(DEEPEST_FILTER))[0] == "too_deep"
    assert refused(nested(400))[0] == "too_deep"


def test_a_filter_holds_so_many_values_and_no_more() -> None:
    AudienceFilter.model_validate({"cities": ["x"] * (LARGEST_FILTER - 10)})
    assert refused({"cities": ["x"] * 600, "any": [{"pincodes": ["1"] * 600}]})[0] == "too_large"
    assert refused({"any": [{}] * (LARGEST_FILTER + 1)})[0] == "too_large"


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"any": [{"rol": "customer"}]}, "any.0.rol"),
        ({"not": {"role": "king"}}, "not.role"),
        ({"lists": ["a/b"]}, "lists.0"),
        ({"all": [{"active_within_days": 0}]}, "all.0.active_within_days"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(given: dict[str, Any], field: str) -> None:
    with pytest.raises(ValidationError) as caught:
        AudienceFilter.model_validate(given)
    assert field_errors(caught.value, "filter")[0].field == field


def test_every_value_is_a_parameter_and_the_same_filter_gets_the_same_names() -> None:
    given = {"cities": ["Pune'"], "any": [{"lists": ["vip"]}, {"attributes": {"a.b": "x", "n": {"at_least": 2}}}]}
    wanted = AudienceFilter.model_validate(given)
    parameters = filter_parameters(wanted, "default", NOW)
    assert parameters == {
        "brand": "default", "now": datetime(2026, 11, 21, 9, 0), "filter0": ["Pune'"], "filter1": "vip",
        "filter2": ["x"], "filter3": 2.0,
    }  # fmt: skip
    text = condition(wanted)
    assert "Pune" not in text
    assert all(f"{{{name}:" in text for name in parameters if name != "now")
    assert "attributes.`a_b`" in text


def test_a_name_that_could_end_its_column_is_refused_and_means_nobody() -> None:
    wanted = AudienceFilter.model_validate({"any": [{"attributes": {"a`b": 1}}]})
    (error,) = filter_problems(wanted)
    assert (error.field, error.problem) == ("audience.filter.any.0.attributes.a`b", "invalid")
    assert "a`b" not in condition(wanted)


def test_campaigns_that_a_filter_names_must_be_there() -> None:
    wanted = AudienceFilter.model_validate({"not_in_campaigns": ["a"], "not": {"not_reached_by": ["b"]}})
    assert named_campaigns(wanted) == {
        "a": "audience.filter.not_in_campaigns", "b": "audience.filter.not.not_reached_by",
    }  # fmt: skip
    (error,) = unknown_campaigns(wanted, {"a"})
    assert (error.field, error.problem) == ("audience.filter.not.not_reached_by", "no_such_campaign")


def test_a_filter_comes_back_as_it_was_written() -> None:
    given = {"any": [{"cities": ["Pune"]}], "not": {"attributes": {"plan": "gold", "n": {"exists": True}}}}
    wanted = AudienceFilter.model_validate(given)
    assert AudienceFilter.read(wanted.write()) == wanted
    assert wanted.model_dump(by_alias=True, exclude_defaults=True) == given


def test_a_person_is_dropped_for_the_first_reason_in_the_router_s_order() -> None:
    sms, both = Channel.SMS, HAS_EMAIL + HAS_PHONE
    assert why_not(HAS_EMAIL + REFUSED[sms], sms, ["sms"]) == "no_address"
    assert why_not(both + REFUSED[sms] + (2 << 3), sms, ["sms"]) == "invalid_address"
    assert why_not(both + (3 << 3), sms, []) == "complained_before"
    assert why_not(both, sms, ["sms"]) == "no_consent"
    assert why_not(both + (YES << 3), sms, ["sms"]) is None
    assert why_not(both, sms, []) is None
    assert why_not(both, Channel.PUSH, []) == "no_address"


def test_doubled_addresses_come_before_every_other_reason_and_caps_after_them() -> None:
    good = HAS_EMAIL + HAS_PHONE
    rows = [
        ("people", good, 10),
        ("email", good, 3),
        ("capped email", good, 2),
        ("people", good + 2, 4),
        ("email", good + 2, 4),
    ]
    assert matched(rows) == 14
    found = by_channel(rows, (Channel.EMAIL,), [])[Channel.EMAIL]
    assert (found.reachable, found.dropped) == (5, {"duplicate": 7, "frequency_capped": 2})
