"""The sandbox refuses what the providers refuse, in their words' shape."""

from __future__ import annotations

import json

import pytest

from services.sandbox.core.mail_request import MAX_RECIPIENTS, SendGridRefusalError, parse_mail
from services.sandbox.core.phone_events import opt_out_type
from services.sandbox.core.phone_json import segments
from services.sandbox.core.phone_request import TwilioRefusalError, parse_message


def mail(**changes):
    body = {
        "personalizations": [{"to": [{"email": "a@example.com"}]}],
        "from": {"email": "shop@example.com"},
        "subject": "Hi",
        "content": [{"type": "text/plain", "value": "Hello"}],
    }
    return json.dumps(body | changes).encode()


def people(*addresses):
    return [{"to": [{"email": address}]} for address in addresses]


def test_a_request_with_a_thousand_people_is_taken():
    assert (
        len(parse_mail(mail(personalizations=people(*(f"p{n}@x.org" for n in range(MAX_RECIPIENTS))))).personalizations)
        == 1000
    )


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"personalizations": []}, "personalizations"),
        ({"personalizations": people(*(f"p{n}@x.org" for n in range(MAX_RECIPIENTS + 1)))}, "personalizations"),
        ({"personalizations": people("a@x.org", "A@x.org")}, "personalizations.1"),
        ({"personalizations": people("a@x.org", "not an address")}, "personalizations.1.to.0.email"),
        ({"personalizations": [{"to": []}]}, "personalizations.0.to"),
        ({"personalizations": [{"to": [{"email": "a@x.org"}], "custom_args": {"n": 1}}]},
         "personalizations.0.custom_args"),
        ({"personalizations": [{"to": [{"email": "a@x.org"}], "substitutions": {"-n-": "x" * 10_001}}]},
         "personalizations.0.substitutions"),
        ({"personalizations": [{"to": [{"email": "a@x.org"}], "headers": {"Subject": "x"}}]},
         "personalizations.0.headers"),
        ({"from": {"email": "nobody"}}, "from.email"),
        ({"subject": ""}, "personalizations.0.subject"),
        ({"content": []}, "content"),
        ({"content": [{"type": "text/html", "value": ""}]}, "content.0.value"),
        ({"content": [{"type": "text/html", "value": "a"}, {"type": "text/plain", "value": "a"}]}, "content"),
        ({"categories": ["a", "a"]}, "categories"),
        ({"subject": 5}, "subject"),
        ({"substitutions": {"-name-": "Asha"}}, None),
    ],
)  # fmt: skip
def test_what_sendgrid_refuses_is_refused_with_the_field(changes, field):
    with pytest.raises(SendGridRefusalError) as refusal:
        parse_mail(mail(**changes))
    error = refusal.value.body["errors"][0]
    assert (refusal.value.status, error["field"]) == (400, field)
    assert set(error) == {"message", "field", "help"}


@pytest.mark.parametrize("body", [b"", b"not json", b"\xff", b"[]", b"null", mail(**{"from": None})])
def test_what_is_no_request_at_all_is_refused_and_does_not_break_anything(body):
    with pytest.raises(SendGridRefusalError):
        parse_mail(body)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"To": ""}, 21604),
        ({"From": ""}, 21603),
        ({"Body": ""}, 21602),
        ({"Body": "x" * 1601}, 21617),
        ({"To": "98"}, 21211),
        ({"To": "+0123456789"}, 21211),
        ({"To": "whatsapp:+919812345678"}, 21910),
        ({"From": "not!a!sender!"}, 21212),
        ({"To": "+15005550006"}, 21266),
        ({"StatusCallback": "ftp://x"}, 21609),
        ({"Body": "", "ContentSid": "XX1"}, 21655),
        ({"Body": "", "ContentSid": "HX1", "ContentVariables": '{"1": 2}'}, 21656),
    ],
)
def test_what_twilio_refuses_is_refused_with_its_code(changes, code):
    form = {"To": "+919812345678", "From": "+15005550006", "Body": "Hello"} | changes
    with pytest.raises(TwilioRefusalError) as refusal:
        parse_message(form)
    assert refusal.value.body["code"] == code
    assert refusal.value.body["status"] == refusal.value.status == 400
    assert refusal.value.body["more_info"].endswith(str(code))


def test_senders_are_numbers_short_codes_words_or_messaging_services():
    for sender in ({"From": "+15005550006"}, {"From": "12345"}, {"From": "Acme Shop"}, {"MessagingServiceSid": "MG1"}):
        assert parse_message({"To": "+919812345678", "Body": "x", **sender}).channel == "sms"


@pytest.mark.parametrize(
    ("text", "count"),
    [("", 1), ("a" * 160, 1), ("a" * 161, 2), ("a" * 306, 2), ("a" * 307, 3), ("€" * 80, 1), ("€" * 81, 2),
     ("न" * 70, 1), ("न" * 71, 2), ("😀" * 35, 1), ("😀" * 36, 2)],
)  # fmt: skip
def test_segments_are_counted_as_carriers_bill_them(text, count):
    assert segments(text) == count


@pytest.mark.parametrize(
    ("text", "kind"),
    [(" Stop ", "STOP"), ("UNSUBSCRIBE", "STOP"), ("start", "START"), ("Help", "HELP"), ("stop it", "")],
)
def test_only_the_bare_keyword_is_an_opt_out(text, kind):
    assert opt_out_type(text) == kind
