"""Addresses as they are stored and compared: one spelling for one mailbox, one for one phone."""

from __future__ import annotations

import phonenumbers


def clean_email(text: str) -> str:
    """Without blanks, in lowercase: no provider in use tells mailboxes apart by case."""
    return text.strip().lower()


def clean_phone(text: str, region: str | None = None) -> str:
    """E.164, such as +919812345678. `region` (ISO 3166) is assumed where the number has no country code.

    A text that is no number comes back without its blanks: whoever checks it can then show it.
    """
    stripped = text.strip().removeprefix("whatsapp:")
    if not stripped:
        return ""
    try:
        number = phonenumbers.parse(stripped, region)
    except phonenumbers.NumberParseException:
        return stripped
    return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))


def clean_address(channel: str, text: str, region: str | None = None) -> str:
    return clean_email(text) if channel == "email" else clean_phone(text, region)
