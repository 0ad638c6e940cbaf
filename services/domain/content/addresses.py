"""Whether an address can be one at all; whether it exists, only the provider can say."""

from __future__ import annotations

import re
from functools import cache, lru_cache

import phonenumbers

_MAIL = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
    r"@(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)+[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])"
)
_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")


def valid_address(channel: str, address: str) -> bool:
    """A mail address of RFC 5321's usual form, or a number in E.164 as long as its country's numbers may be.

    Costs about 2 µs: it is asked for each message. Other channels take whatever is not empty.
    """
    if channel == "email":
        at = address.rfind("@")
        return at <= 64 and len(address) <= 254 and _MAIL.fullmatch(address) is not None
    if channel in ("sms", "whatsapp"):
        return _NUMBER.fullmatch(address) is not None and _possible_number(address)
    return bool(address)


def _possible_number(number: str) -> bool:
    for length in (1, 2, 3):
        lengths = _lengths(number[1 : 1 + length])
        if lengths:
            return len(number) - 1 - length in lengths
    return False


@cache
def _lengths(calling_code: str) -> frozenset[int]:
    """How many digits may follow this calling code; none where no country has it. From phonenumbers' own data."""
    regions = phonenumbers.region_codes_for_country_code(int(calling_code)) if calling_code.isdigit() else ()
    found: set[int] = set()
    for region in regions:
        metadata = (
            phonenumbers.PhoneMetadata.metadata_for_nongeo_region(int(calling_code))
            if region == phonenumbers.REGION_CODE_FOR_NON_GEO_ENTITY
            else phonenumbers.PhoneMetadata.metadata_for_region(region)
        )
        if metadata is not None and metadata.general_desc is not None:
            found.update(metadata.general_desc.possible_length)
    return frozenset(found)


@lru_cache(maxsize=100_000)
def _region(prefix: str) -> str:
    try:
        number = phonenumbers.parse(prefix)
    except phonenumbers.NumberParseException:
        return ""
    return phonenumbers.region_code_for_number(number) or phonenumbers.region_code_for_country_code(
        number.country_code or 0
    )


def country_of(number: str) -> str:
    """ISO 3166 code of a number in E.164, "" where it has none. Slow for the +1 countries, which share their code."""
    for length in (1, 2, 3):
        regions = phonenumbers.region_codes_for_country_code(int(number[1 : 1 + length] or 0))
        if len(regions) == 1:
            return str(regions[0])
        if regions:
            return _region(number)
    return ""
