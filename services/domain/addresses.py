"""Addresses as they are stored and compared: one spelling for one mailbox, one for one phone, whoever brings them."""

from __future__ import annotations

import re
from functools import lru_cache

import phonenumbers

from services.domain.content.addresses import valid_address

_NOISE = re.compile(r"[\s().\-/\u00a0]+")
_TRUNK_ZERO = slice(2, 5)
"""Where a zero may be that is dialled within a country only, as in +49 (0)151: right behind the calling code."""


def clean_email(text: str) -> str:
    """Without blanks, in lowercase: no provider in use tells mailboxes apart by case."""
    return text.strip().lower()


def email_address(text: str) -> str:
    """As `clean_email`; "" where it cannot be an address."""
    address = clean_email(text)
    return address if valid_address("email", address) else ""


@lru_cache(maxsize=50_000)
def phone_number(text: str, region: str | None = None) -> str:
    """E.164, such as +919812345678; "" where it cannot be a number.

    `region` (ISO 3166) is assumed where the number has no country code; without it, such numbers are none. Costs 2 µs
    for a number in E.164 already, 50 for others.
    """
    number = _NOISE.sub("", text.strip().removeprefix("whatsapp:"))
    if number.startswith("00"):
        number = "+" + number[2:]
    if number.startswith("+") and "0" not in number[_TRUNK_ZERO] and valid_address("sms", number):
        return number
    try:
        parsed = phonenumbers.parse(number, region or None)
    except phonenumbers.NumberParseException:
        return ""
    number = str(phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164))
    return number if phonenumbers.is_possible_number(parsed) and valid_address("sms", number) else ""


def clean_phone(text: str, region: str | None = None) -> str:
    """As `phone_number`; a text that is no number comes back without its blanks: whoever checks it can then show it."""
    return phone_number(text, region) or text.strip()


def clean_address(channel: str, text: str, region: str | None = None) -> str:
    return clean_email(text) if channel == "email" else clean_phone(text, region)
