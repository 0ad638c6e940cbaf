"""The providers' answers by their tables, and the requests as their SDKs would write them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from sendgrid.helpers.mail import (
    ClickTracking,
    CustomArg,
    Header,
    Mail,
    Personalization,
    Substitution,
    To,
    TrackingSettings,
)

from schemas import Account, Brand, CampaignRecord, CampaignStatus, Content, EmailContent, StepRecord
from services.domain.messages import SendMessage
from services.senders import twilio
from services.senders.contents import ContentBook
from services.senders.core.outcomes import Accepted, Failed, Outcome, Refused, Retryable, Uncertain
from services.senders.email import answers
from services.senders.email.payload import mail_body
from services.senders.items import Item
from services.senders.transport import wait_from

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (400, 21211, Failed("invalid_address", "21211: m")),
        (400, 21614, Failed("invalid_address", "21614: m")),
        (400, 30006, Failed("invalid_address", "30006: m")),
        (400, 63024, Failed("invalid_address", "63024: m")),
        (400, 21610, Failed("opted_out", "21610: m")),
        (400, 30007, Failed("content_rejected", "30007: m")),
        (400, 63016, Failed("template_required", "63016: m")),
        (400, 63049, Failed("blocked", "63049: m")),
        (400, 30003, Retryable("unreachable", "30003: m")),
        (400, 99999, Failed("rejected", "99999: m")),
        (429, 20429, Refused(1.5, "throttled", True, "20429: m")),
        (400, 21611, Refused(1.5, "throttled", True, "21611: m")),
        (400, 30001, Refused(1.5, "throttled", True, "30001: m")),
        (400, 63018, Refused(1.5, "throttled", True, "63018: m")),
        (401, 20003, Refused(30.0, "throttled", True, "20003: m")),
        (403, 0, Refused(30.0, "throttled", True, "403: m")),
        (500, 20500, Uncertain("http_500", "20500: m")),
        (503, 0, Uncertain("http_503", "503: m")),
        (302, 0, Uncertain("http_302", "302: m")),
    ],
)
def test_twilio_answers(status: int, code: int, expected: Outcome) -> None:
    """Permanent, temporary, wait, or not known; wrong credentials make the account wait and cost nobody a message."""
    assert twilio.translate(status, code, "m", {"retry-after": "1.5"}, 0.0) == expected


def sendgrid(status: int, body: object = None, headers: dict[str, str] | None = None, count: int = 3) -> list[Outcome]:
    raw = body if isinstance(body, bytes) else msgspec.json.encode(body or {})
    return answers.translate(status, raw, headers or {}, count, 1_000.0)


def error(message: str, field: str | None) -> dict[str, Any]:
    return {"message": message, "field": field, "help": None}


def test_sendgrid_accepts_the_whole_call() -> None:
    assert sendgrid(202, headers={"x-message-id": "abc"}) == [Accepted("abc")] * 3


def test_sendgrid_names_the_people_that_it_refuses() -> None:
    """They fail; the others of the call, none of which was processed, go again at once."""
    body = {"errors": [error("Does not contain a valid address.", "personalizations.1.to.0.email")]}
    outcomes = sendgrid(400, body)
    assert outcomes[1] == Failed("invalid_address", "Does not contain a valid address.")
    for other in (outcomes[0], outcomes[2]):
        assert isinstance(other, Refused)
        assert 0 < other.wait < 0.1
        assert not other.closes
    subject = sendgrid(400, {"errors": [error("too long", "personalizations.0.substitutions")]})
    assert subject[0] == Failed("content_rejected", "too long")


@pytest.mark.parametrize(
    "body", [{"errors": [error("bad content", "content.0.value")]}, {}, b"<html>", b"[]", {"errors": [7]}]
)
def test_sendgrid_refuses_the_content_for_all(body: object) -> None:
    assert all(isinstance(o, Failed) and o.reason == "content_rejected" for o in sendgrid(400, body))


@pytest.mark.parametrize(
    ("status", "body"),
    [(400, {"errors": [error("no", "from.email")]}), (401, {}), (403, {"errors": [error("no", None)]})],
)
def test_sendgrid_refuses_the_account(status: int, body: object) -> None:
    """The people are not to pay for a wrong key or sender: all wait."""
    assert all(isinstance(o, Refused) and o.closes and o.wait == 30 for o in sendgrid(status, body))


def test_sendgrid_asks_to_wait_or_says_nothing_sure() -> None:
    assert sendgrid(429, headers={"x-ratelimit-reset": "1002"})[0] == Refused(2.0, "throttled", True, "429: ")
    assert isinstance(sendgrid(503)[0], Refused)
    assert sendgrid(500) == [Uncertain("http_500", "500: ")] * 3
    assert sendgrid(302)[0] == Uncertain("http_302", "302: ")
    assert sendgrid(413)[0] == Failed("content_rejected", "413: ")


def test_how_long_to_wait() -> None:
    """Retry-After, else the second in X-RateLimit-Reset, else a second; never zero, and a reset at most a minute."""
    assert wait_from({"retry-after": "3"}, 0) == 3
    assert wait_from({"retry-after": "0"}, 0) == 0.05
    assert wait_from({"x-ratelimit-reset": "1000"}, 998.5) == 1.5
    assert wait_from({"x-ratelimit-reset": "1000"}, 2000.0) == 0.05
    assert wait_from({"x-ratelimit-reset": "99999"}, 0.0) == 60
    assert wait_from({"retry-after": "Fri, 21 Nov 2026 12:00:00 GMT"}, 0.0) == 1.0
    assert wait_from({}, 0.0) == 1.0


def batch(content: EmailContent, count: int = 2, kind: str = "marketing") -> list[Item]:
    account = Account.model_validate(
        {"account_id": "default", "channel": "email", "provider": "sendgrid", "rate_per_s": 1}
    )
    campaign = CampaignRecord(
        campaign_id="c", brand="default", name="Name", kind=kind, status=CampaignStatus.ACTIVE, epoch=1,
        steps=[StepRecord(channel="email", account="default", content=Content(email=content))], created_at=NOW,
        updated_at=NOW,
    )  # fmt: skip
    book = ContentBook("https://peal.example", "secret", account, 1000)
    items = [
        Item(
            i,
            SendMessage(
                send_id=f"c/1/p-{i}", campaign_id="c", step=1, recipient=f"default/p-{i}", ord=i, attempt=1, epoch=1,
                channel="email", address=f"p{i}@example.com", data={"name": f"<{i}>"}, request_offset=i, routed_at=NOW,
                expires_at=NOW + timedelta(hours=1),
            ),
        )
        for i in range(count)
    ]  # fmt: skip
    for item in items:
        book.prepare(item, campaign, Brand(brand_id="default", from_name="Peal & Co", postal_address="1 Road"))
    return items


def test_a_group_is_the_request_that_sendgrids_own_helpers_would_write() -> None:
    """Field by field, for each person: address, custom args, one-click headers, substitutions."""
    items = batch(EmailContent(subject="Hi {{ name }}", html="<p>{{ name }}</p>"))
    assert items[0].content is not None
    shared = items[0].content.substitutions
    assert shared is not None
    mail = Mail(from_email=("hello@peal.example", "Peal & Co"), subject=shared.subject,
                plain_text_content=shared.text, html_content=shared.html)  # fmt: skip
    mail._personalizations = []
    for item in items:
        person, sent = Personalization(), item.sure
        person.add_to(To(sent.address))
        told = {"send_id": sent.send_id, "attempt": "1", "ord": str(sent.ord), "account": "default"}
        for name, value in told.items():
            person.add_custom_arg(CustomArg(f"peal_{name}", value))
        person.add_header(Header("List-Unsubscribe", f"<{item.links.unsubscribe_url}>"))
        person.add_header(Header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"))
        assert item.values is not None
        for token, value in item.values.items():
            person.add_substitution(Substitution(token, value))
        mail.add_personalization(person)
    ours, theirs = msgspec.json.decode(mail_body(items, "hello@peal.example")), mail.get()
    theirs["personalizations"].sort(key=lambda person: person["to"][0]["email"])  # the helpers add in front
    assert ours == theirs


def test_html_values_are_escaped_and_links_are_signed_for_each_person() -> None:
    items = batch(EmailContent(subject="Hi {{ name }}", html="<p>{{ name }}</p>"))
    values = items[0].values or {}
    assert "&lt;0&gt;" in values.values()
    assert "<0>" in values.values()
    assert items[0].links.unsubscribe_url.startswith("https://peal.example/u/")
    assert items[0].links.unsubscribe_url != items[1].links.unsubscribe_url


def test_a_mail_with_control_flow_travels_alone() -> None:
    items = batch(EmailContent(subject="s", html="{% if name %}<p>{{ name }}</p>{% endif %}"))
    assert items[0].batch_key is None
    body = msgspec.json.decode(mail_body(items[:1], "Shop <hello@peal.example>"))
    assert body["from"] == {"email": "hello@peal.example", "name": "Shop"}
    assert "&lt;0&gt;" in body["content"][1]["value"]
    assert "substitutions" not in body["personalizations"][0]


def test_transactional_mails_carry_no_unsubscribe_headers() -> None:
    body = msgspec.json.decode(
        mail_body(batch(EmailContent(subject="s", html="<p>x</p>"), kind="transactional"), "a@b.cd")
    )
    assert all("headers" not in person for person in body["personalizations"])


def test_tracked_links_switch_sendgrids_own_click_tracking_off_by_its_own_setting() -> None:
    items = batch(EmailContent(subject="Hi", html='<a href="https://shop.example/">Shop</a>'))
    mail = Mail(from_email="hello@peal.example", subject="Hi", html_content="x")
    mail.tracking_settings = TrackingSettings(click_tracking=ClickTracking(enable=False, enable_text=False))
    ours = msgspec.json.decode(mail_body(items, "hello@peal.example"))
    assert ours["tracking_settings"] == mail.get()["tracking_settings"]
    plain = batch(EmailContent(subject="Hi", html="<p>no link</p>"))
    assert "tracking_settings" not in msgspec.json.decode(mail_body(plain, "hello@peal.example"))


def test_whoever_has_more_of_their_own_than_a_shared_call_takes_gets_a_call_of_their_own() -> None:
    """SendGrid refuses more than 10,000 bytes of substitutions for one person, and with them everybody else's."""
    links = "".join(f'<a href="https://shop.example/{"x" * 100}/{n}">{n}</a>' for n in range(60))
    alone, shared = batch(EmailContent(subject="Hi", html=links)), batch(EmailContent(subject="Hi", html=links[:2000]))
    assert [(item.values, item.rendered is not None, item.batch_key) for item in alone] == [(None, True, None)] * 2
    assert all(item.values and item.batch_key is not None for item in shared)
