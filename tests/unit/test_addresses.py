"""One spelling for one mailbox and one phone, whether a file, a callback or an upstream system brings it."""

from __future__ import annotations

import pytest

from services.domain.addresses import clean_address, email_address, phone_number


@pytest.mark.parametrize(
    ("text", "region", "number"),
    [
        ("098123 45678", "IN", "+919812345678"),
        ("098123 45678", "", ""),
        ("0091 98123 45678", "", "+919812345678"),
        ("+1 (415) 555-2671", "", "+14155552671"),
        ("+49 (0)151 12345678", "", "+4915112345678"),
        ("+4915112345678", "", "+4915112345678"),
        ("whatsapp:+919812345678", "", "+919812345678"),
        ("+39 06 6982", "", "+39066982"),
        ("call me", "IN", ""),
        ("+999123", "", ""),
    ],
)
def test_a_number_has_one_spelling_and_without_a_country_needs_the_region_of_the_installation(
    text: str, region: str, number: str
) -> None:
    assert phone_number(text, region) == number


def test_a_mail_address_without_a_domain_is_none() -> None:
    assert email_address("asha") == ""
    assert email_address("Asha+News@Example.com") == "asha+news@example.com"


def test_what_is_no_address_is_kept_as_it_was_told_for_whoever_checks_it() -> None:
    assert clean_address("sms", " call me ") == "call me"
    assert clean_address("sms", "(+49) 0151 1234-5678") == "+4915112345678"
    assert clean_address("email", " Asha@Example.COM") == "asha@example.com"
