"""What is written so far: every mistake at its place, what a person would get, the look of a brand, test sends."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from schemas import Account, Amount, Body, Brand, BrandLook, Campaign, CampaignId, Channel, Content, Template
from services.console.core.placeholders import placeholders
from services.console.core.previews import Around, ChannelPreview, Person, consistency, preview
from services.console.core.sheets import read_written
from services.console.core.testing import clean, hindrances, made_test
from services.domain.brands import needs_approval, with_brand
from services.domain.campaigns import record_of
from services.domain.content import Footer, compile_content, findings, look_of, render

KNOWN = frozenset({"name", "city"})
ASHA = Person(contact="c-1", name="Asha", email="a@example.com", phone="+919812345678", data={"name": "Asha"})
LOOK = BrandLook(header="Example {{ x }}", logo="https://e.example/l.png", footer="Since 1998\n& on", accent="#ffee00",
                 background="#f0f0f0", text="#111111")  # fmt: skip


def account(channel: str, name: str) -> Account | None:
    if channel not in ("email", "sms", "whatsapp") or name != "default":
        return None
    return Account.model_validate({
        "account_id": "default", "channel": channel, "provider": "twilio", "rate_per_s": 1, "sender": "x@example.com",
        "rate_card": {"message_micros": 100},
    })  # fmt: skip


AROUND = Around(Brand(brand_id="default", from_name="Acme"), account, "https://p.example", "c", KNOWN)  # type: ignore[arg-type]


def shown(channel: str, **sheet: Any) -> ChannelPreview:
    written = read_written({"name": "Hi", "channels": [channel], **sheet}, "default", {})
    return preview(written, Channel(channel), ASHA, AROUND)


@pytest.mark.parametrize(
    ("channel", "content", "place"),
    [
        ("sms", {"sms": {"text": "Hi\n {{ nmae }}"}}, ("content.sms.text", "unknown_placeholder", 2, 5)),
        ("email", {"email": {"subject": "A {{ b"}}, ("content.email.subject", "broken_template", 1, 3)),
        ("email", {"email": {"html": "<p>\n{{ name | upp }}"}}, ("content.email.html", "broken_template", 2, 11)),
        ("email", {"email": {"mjml": "<mjml>\n<mj-x/></mjml>"}}, ("content.email.mjml", "broken_markup", 2, 1)),
        ("whatsapp", {"whatsapp": {"template": "HX1", "variables": {"1": "{{ town }}"}}},
         ("content.whatsapp.variables.1", "unknown_placeholder", 1, 4)),
        ("sms", {}, ("body.text", "unknown_placeholder", 1, 7)),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_the_line_and_column_of_what_was_typed(
    channel: str, content: dict[str, Any], place: tuple[str, str, int, int]
) -> None:
    found = findings(
        Channel(channel), Content.model_validate(content), Body(text="Hi {{ wrong }}"), name="n", known=KNOWN
    )
    assert (found[0].field, found[0].problem, found[0].line, found[0].column) == place


def test_one_wrong_field_does_not_hide_the_other_channels() -> None:
    sheet = {
        "channels": ["email", "sms"], "body": {"text": "Hi"}, "content": {"email": {"html": "a", "mjml": "b"}}
    }  # fmt: skip
    written = read_written(sheet, "default", {})
    assert [each.field for each in written.errors_of(Channel.EMAIL)] == ["content.email"]
    assert preview(written, Channel.SMS, ASHA, AROUND).text == "Hi"
    assert preview(written, Channel.EMAIL, ASHA, AROUND).html == ""


def test_fields_that_were_emptied_count_as_not_written_so_that_the_channel_follows_the_body() -> None:
    for content in ({"sms": {"text": ""}}, {"sms": {}}, {}):
        found = shown("sms", body={"text": "From the body"}, content=content)
        assert (found.text, found.follows_body) == ("From the body", True)
    mail = shown("email", body={"text": "From the body"}, content={"email": {"subject": "Own", "html": ""}})
    assert (mail.subject, mail.follows_body) == ("Own", True)


def test_an_sms_tells_its_segments_encoding_and_cost_as_the_sender_would_count_them() -> None:
    found = shown("sms", body={"text": "€" * 81})
    assert (found.encoding, found.segments, found.units, found.cost_micros) == ("GSM-7", 2, 162, 200)
    assert shown("sms", body={"text": "Grüße 🎉"}).encoding == "UCS-2"


def test_links_are_as_long_as_they_will_be() -> None:
    found = shown("sms", body={"text": "Go", "link": "https://example.com/a/very/long/way"})
    assert found.text.startswith("Go https://p.example/r/")
    plain = shown("sms", body={"text": "Go", "link": "https://example.com"}, tracking={"links": False})
    assert plain.text == "Go https://example.com"


def test_a_person_without_a_value_would_not_get_it_unless_it_is_sent_without() -> None:
    sheet: dict[str, Any] = {"channels": ["sms"], "body": {"text": "Hi {{ name }} of {{ city }}"}}
    assert shown("sms", **sheet).missing == ["city"]
    assert shown("sms", **sheet, send_without=["city"]).missing == []
    used = placeholders(read_written(sheet | {"send_without": ["city"]}, "default", {}), {"city": 7})
    assert [(each.name, each.required, each.send_without, each.lacking) for each in used] == [
        ("city", True, True, 7), ("name", True, False, 0),
    ]  # fmt: skip


def test_consistency_is_the_share_of_channels_that_follow_the_body() -> None:
    template = Template(template_id="t", channel=Channel.SMS, name="T", content={"text": "Own"})
    sheet = {
        "channels": ["email", "sms", "whatsapp", "push"], "body": {"text": "Hi"}, "templates": {"sms": "t"},
        "content": {"whatsapp": {"text": "Other"}},
    }  # fmt: skip
    assert consistency(read_written(sheet, "default", {"default/t": template})) == 0.5
    assert consistency(read_written({}, "default", {})) is None


def test_what_cannot_be_sent_by_yet_is_shown_and_said() -> None:
    found = shown("push", body={"text": "Hi {{ name }}", "link": "https://e.example"})
    assert (found.title, found.text, found.link) == ("Hi", "Hi Asha", "https://e.example")
    assert [each.problem for each in found.problems] == ["unsupported_channel"]


def test_a_brand_s_look_stands_around_every_mail_and_the_footer_of_the_law_stays() -> None:
    brand = Brand(brand_id="b", look=LOOK)  # type: ignore[arg-type]
    body = Body(text="Hi", link="https://e.example")
    made = compile_content(Channel.EMAIL, Content(), body, name="n", footer=Footer("1 Road"), look=look_of(brand))
    html = render(made, {}).html  # type: ignore[union-attr]
    order = [html.index(part) for part in ("Example {{ x }}", "Hi", "Since 1998<br>&amp; on", "1 Road", "Unsubscribe")]
    assert order == sorted(order)
    assert "background:#ffee00" in html
    assert "color:#1f2328;text-decoration" in html, "dark letters on a bright button"
    assert 'src="https://e.example/l.png"' in html
    assert "background-color:#f0f0f0" in html.replace(": ", ":")


@pytest.mark.parametrize(
    "wrong", [{"accent": "red"}, {"logo": "http://e.example/x.png"}, {"logo": 'https://e/"x'}, {"accent": "#12345g"}]
)
def test_a_look_takes_colours_and_a_safe_address_alone(wrong: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        BrandLook(**wrong)


def test_a_test_is_a_campaign_of_one_person_and_no_other_may_have_such_an_id() -> None:
    sheet = {
        "name": "Hi", "body": {"text": "Hi {{ name }}"}, "content": {"sms": {"text": "x"}}, "audience": {"filter": {}},
        "schedule": {"at": "2030-01-01T00:00Z"}, "budget": {"total": "9"},
    }  # fmt: skip
    made = made_test(sheet, [Channel.EMAIL], clean("Me@Example.com ", "", None), ASHA, "X1", "default")
    campaign = Campaign.model_validate(made)
    assert campaign.audience.recipients is not None
    assert [(each.id, each.email) for each in campaign.audience.recipients] == [("test~X1", "me@example.com")]
    assert (campaign.id, campaign.schedule, campaign.budget, campaign.content.sms) == ("test~X1", None, None, None)
    for change in (
        {"audience": {"filter": {}}}, {"audience": {"recipients": []}}, {"audience": {"recipients": [{"id": "c-1"}]}},
        {"audience": {"recipients": [{"id": "test~1"}, {"id": "test~2"}]}}, {"schedule": {"at": "2030-01-01T00:00Z"}},
        {"channels": [], "steps": [{"channel": "email"}, {"channel": "sms", "only_if": "not_engaged"}]},
    ):  # fmt: skip
        with pytest.raises(ValidationError, match="test"):
            Campaign.model_validate(made | change)


def test_a_test_waits_for_nobody_s_approval_and_keeps_to_no_caps() -> None:
    brand = Brand.model_validate({
        "brand_id": "default", "limits": {"caps": [{"messages": 1, "per": "7d"}]},
        "approval_above": Amount(total=1).model_dump(),  # type: ignore[arg-type]
    })  # fmt: skip
    made = Campaign.model_validate(
        made_test({"body": {"text": "x"}}, [Channel.SMS], {"phone": "+1"}, ASHA, "1", "default")
    )
    record = record_of(made, CampaignId("test~1"), datetime(2026, 11, 21, tzinfo=UTC))
    assert not needs_approval(record, brand)
    assert with_brand(record, brand).limits.caps == []
    assert needs_approval(record.model_copy(update={"campaign_id": "c"}), brand)


def test_what_would_keep_a_test_from_arriving_is_said_before_it_leaves() -> None:
    found = shown("sms", body={"text": "Hi {{ city }}"})
    assert [each.field for each in hindrances([found], {"phone": ""})] == ["content.sms", "to.phone"]
    assert [each.problem for each in hindrances([shown("sms", body={"text": "x"})], {"phone": "12"})] == ["invalid"]
    assert hindrances([shown("email", body={"text": "x"})], {"email": "me@example.com"}) == []
