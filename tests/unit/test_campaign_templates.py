"""A campaign may take its contents from its brand's library, and keeps what it took."""

from __future__ import annotations

from typing import Any

import pytest

from schemas import Campaign, Channel, Template, TemplateUse
from services.domain.campaigns import template_key, template_problems, template_uses, with_templates

SMS = Template(template_id="spring", channel=Channel.SMS, name="Spring", content={"text": "Hi {{ name }}"}, version=3)
LIBRARY = {
    template_key("default", "spring"): SMS,
    template_key("north", "autumn"): SMS.model_copy(update={"template_id": "autumn", "brand": "north"}),
}


def campaign(**changes: Any) -> Campaign:
    return Campaign.model_validate({"name": "N", "channels": ["sms"], "audience": {"filter": {}}, **changes})


def test_what_the_template_says_becomes_the_campaigns_own_content() -> None:
    asked = campaign(templates={"sms": "spring"})
    made, errors = with_templates(asked, LIBRARY)
    assert not errors
    assert made.content.sms is not None
    assert made.content.sms.text == "Hi {{ name }}"
    assert template_uses(asked, LIBRARY) == {Channel.SMS: TemplateUse(template_id="spring", version=3)}


def test_a_campaign_without_templates_is_left_as_it_is() -> None:
    asked = campaign(content={"sms": {"text": "own"}})
    assert with_templates(asked, LIBRARY) == (asked, [])


@pytest.mark.parametrize(
    ("changes", "field", "problem", "words"),
    [
        ({"templates": {"sms": "sprnig"}}, "templates.sms", "unknown_template", "did you mean 'spring'?"),
        ({"templates": {"sms": "autumn"}}, "templates.sms", "unknown_template", "peal template list"),
        ({"templates": {"sms": "autumn"}, "brand": "north"}, "", "", ""),
        (
            {"templates": {"email": "spring"}, "channels": ["email"]},
            "templates.email", "wrong_channel", "is a template for sms",
        ),
        ({"templates": {"sms": "spring"}, "channels": ["email"]}, "templates.sms", "unused", "no step goes out by sms"),
        (
            {"templates": {"sms": "spring"}, "content": {"sms": {"text": "own"}}},
            "templates.sms", "given_twice", "keep one of them",
        ),
    ],
)  # fmt: skip
def test_a_name_that_means_nothing_is_refused_with_the_remedy(
    changes: dict[str, Any], field: str, problem: str, words: str
) -> None:
    _, errors = with_templates(campaign(**changes), LIBRARY)
    assert [(error.field, error.problem) for error in errors] == ([(field, problem)] if field else [])
    assert all(words in error.message for error in errors)


def test_a_template_that_is_no_content_any_more_is_an_error_of_the_campaign_and_no_crash() -> None:
    library = {template_key("default", "spring"): SMS.model_copy(update={"content": {"body": "Hi"}})}
    _, errors = with_templates(campaign(templates={"sms": "spring"}), library)
    assert {error.field for error in errors} == {"templates.sms"}


def test_a_template_is_checked_by_itself_with_line_and_column() -> None:
    assert template_problems(Channel.SMS, {"text": "Hi {{ name | default: 'there' }}"}, "N") == []
    (broken,) = template_problems(Channel.SMS, {"text": "Hi {{ name"}, "N")
    assert broken.field == "content.text"
    assert "line 1" in broken.message
    assert [error.field for error in template_problems(Channel.SMS, {"txt": "Hi"}, "N")] == [
        "content.text",
        "content.txt",
    ]
