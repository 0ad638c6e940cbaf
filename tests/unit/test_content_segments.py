"""Segments as providers bill them, and addresses as they can exist."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.domain.content import country_of, sms_segments, valid_address


@pytest.mark.parametrize(
    ("text", "encoding", "count", "units"),
    [
        ("", "GSM-7", 1, 0),
        ("a" * 160, "GSM-7", 1, 160),
        ("a" * 161, "GSM-7", 2, 161),
        ("a" * 306, "GSM-7", 2, 306),
        ("a" * 307, "GSM-7", 3, 307),
        ("€" * 80, "GSM-7", 1, 160),
        ("€" * 81, "GSM-7", 2, 162),
        ("a" * 152 + "€" + "a" * 152, "GSM-7", 3, 306),
        ("é" * 160, "GSM-7", 1, 160),
        ("ê" * 70, "UCS-2", 1, 70),
        ("ê" * 71, "UCS-2", 2, 71),
        ("ê" * 134, "UCS-2", 2, 134),
        ("ê" * 135, "UCS-2", 3, 135),
        ("😀" * 35, "UCS-2", 1, 70),
        ("ê" * 66 + "😀" + "ê" * 66, "UCS-2", 3, 134),
        ("नमस्ते", "UCS-2", 1, 6),
    ],
)
def test_segments(text: str, encoding: str, count: int, units: int) -> None:
    """160 or 153 septets, 70 or 67 units; a character of two is not cut in half between segments."""
    found = sms_segments(text)
    assert (found.encoding, found.count, found.units) == (encoding, count, units)


@given(st.text(max_size=700))
def test_segments_grow_with_the_text(text: str) -> None:
    found = sms_segments(text)
    whole, part = (160, 153) if found.encoding == "GSM-7" else (70, 67)
    assert found.count >= (1 if found.units <= whole else -(-found.units // part))
    assert sms_segments(text + "a").count >= found.count


@pytest.mark.parametrize("address", ["a@example.com", "first.last+tag@mail.example.co.uk", "x_y@a-b.io"])
def test_mail_addresses_that_can_exist(address: str) -> None:
    assert valid_address("email", address)


@pytest.mark.parametrize(
    "address",
    ["", "a", "a@b", "a b@example.com", "@example.com", "a@example", "a@-x.com", "a@x.com ", "a@x..com", ".a@x.com",
     "a@x.com\n", "é@x.com", "x" * 65 + "@example.com", "a@" + "x" * 250 + ".com"],
)  # fmt: skip
def test_mail_addresses_that_cannot(address: str) -> None:
    assert not valid_address("email", address)


@pytest.mark.parametrize(
    ("number", "country"), [("+919812345678", "IN"), ("+15005550006", "US"), ("+4915112345678", "DE")]
)
def test_numbers_that_can_exist(number: str, country: str) -> None:
    """E.164, as long as the country's numbers may be."""
    assert valid_address("sms", number)
    assert valid_address("whatsapp", number)
    assert country_of(number) == country


@pytest.mark.parametrize(
    "number", ["", "919812345678", "+91", "+91981234", "+9198123456789012", "+99912345678", "+1 500", "+0123456789"]
)
def test_numbers_that_cannot(number: str) -> None:
    assert not valid_address("sms", number)
