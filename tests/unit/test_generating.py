"""Texts from an AI service: what is asked for, what of the answer may be used, and what the sandbox answers."""

from __future__ import annotations

import json
from typing import Any

import pytest

from schemas import Channel
from services.console.core.generated import read_answer, repair_message
from services.console.core.generating import Wish, answer_schema, messages_for
from services.sandbox.core.samples import samples, wish_of

KNOWN = frozenset({"name", "city", "plan"})
CHANNELS = [Channel.EMAIL, Channel.SMS, Channel.WHATSAPP, Channel.PUSH, Channel.SOCIAL]
WISH = Wish("Summer AC", "Remind customers to book before May", "Warm, short", CHANNELS, True, ["name", "city"])


def variant(**changes: Any) -> dict[str, Any]:
    good = {
        "label": "Early bird", "body": "Hi {{ name | default: 'there' }}, book early. {{ link }}",
        "email": {"subject": "Book early", "preheader": "Before May"}, "sms": {"text": "Book early: {{ link }}"},
        "whatsapp": {"text": "Book early: {{ link }}"}, "push": {"title": "Book", "message": "Before May"},
        "social": {"text": "Book early"},
    }  # fmt: skip
    return good | changes


def answer(*variants: Any) -> str:
    return json.dumps({"variants": variants})


def test_a_good_variant_becomes_changes_of_the_sheet_and_the_mail_follows_the_body() -> None:
    found = read_answer(answer(variant()), WISH, KNOWN)
    assert found.wrong == []
    changes = found.good[0].changes
    assert changes["body.text"].startswith("Hi {{ name")
    assert changes["content.email"] == {"subject": "Book early", "preheader": "Before May"}
    assert changes["templates.sms"] is None, "a template of the library would win over the text"


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"sms": {"text": "x" * 330}}, "3 segments (GSM-7), at most 2"),
        ({"sms": {"text": "नमस्ते " * 30}}, "segments (UCS-2), at most 2"),
        ({"email": {"subject": "x" * 91, "preheader": ""}}, "email.subject: 91 characters, at most 90"),
        ({"body": "Hi {{ nmae }}"}, "did you mean 'name'"),
        ({"body": "Hi {{ name"}, "expected"),
        ({"whatsapp": {"text": "{{ salary }}"}}, "'{{ salary }}' is not an attribute of any recipient"),
        ({"push": {"title": "x"}}, "push.message"),
        ({"sms": {"text": "Hi", "html": "x"}}, "sms.html"),
        ({"body": "  "}, "body: is missing"),
    ],
)
def test_a_variant_that_breaks_a_limit_or_names_an_unknown_placeholder_is_not_used(
    changes: dict[str, Any], told: str
) -> None:
    found = read_answer(answer(variant(), variant(**changes)), WISH, KNOWN)
    assert len(found.good) == 1
    assert told in found.wrong[0]
    assert found.wrong[0].startswith("variant 2: ")
    assert told in repair_message(found)


def test_without_a_link_no_text_may_lead_to_one() -> None:
    wish = Wish("n", "d", "", [Channel.SMS], False, ["name"])
    found = read_answer(answer(variant()), wish, KNOWN)
    assert "body.link is empty" in found.wrong[0]


@pytest.mark.parametrize("text", ["", "Sure! Here are three.", "[]", '{"variants": []}', '{"variants": "x"}', "null"])
def test_nonsense_is_no_answer(text: str) -> None:
    with pytest.raises(ValueError, match="answer"):
        read_answer(text, WISH, KNOWN)


def test_a_fence_around_the_answer_does_no_harm() -> None:
    assert read_answer(f"```json\n{answer(variant())}\n```", WISH, KNOWN).good


def test_the_schema_is_strict_and_holds_the_chosen_channels_alone() -> None:
    items = answer_schema([Channel.SMS])["properties"]["variants"]["items"]
    assert list(items["properties"]) == items["required"] == ["label", "body", "sms"]
    assert items["additionalProperties"] is False


def test_only_name_description_voice_channels_and_names_of_fields_are_told() -> None:
    told = messages_for(WISH)
    assert json.loads(told[1]["content"]) == {
        "name": WISH.name, "description": WISH.description, "brand_voice": "Warm, short", "link": True,
        "channels": [channel.value for channel in CHANNELS],
    }  # fmt: skip
    assert "name, city" in told[0]["content"]


@pytest.mark.parametrize("description", ["", "Long words. " * 60, "{{ trick }} {% for %} देवनागरी 🎉", WISH.description])
@pytest.mark.parametrize("link", [True, False])
def test_the_sandbox_s_samples_keep_to_every_rule_and_are_always_the_same(description: str, link: bool) -> None:
    wish = Wish("Summer AC", description, "", CHANNELS, link, ["name", "city"])
    asked = wish_of(messages_for(wish)[1]["content"])
    assert asked is not None
    found = read_answer(json.dumps({"variants": samples(asked)}), wish, KNOWN)
    assert (len(found.good), found.wrong) == (3, [])
    assert samples(asked) == samples(asked)
    assert all("Sample" in each.label for each in found.good)


def test_the_sandbox_knows_what_is_no_campaign() -> None:
    assert wish_of("write me a poem") is None
    assert wish_of(["parts"]) is None
