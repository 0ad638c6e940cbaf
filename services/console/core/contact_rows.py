"""One row of a file of contacts: what is right becomes a change and consents, what is wrong is said."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from schemas import Channel, FieldError
from schemas.audience import LIST_PATTERN
from schemas.base import ID_PATTERN
from services.domain.addresses import clean_email, phone_number
from services.domain.messages import Consent, ContactChange, ContactSet

FIELDS = ("name", "email", "phone", "role", "city", "pincode", "zone", "last_active_at")
COLUMNS = ("id", *FIELDS, "opt_in", "lists")
OPT_IN_AT = "opt_in_at"
UNDATED_OPT_IN = datetime(2000, 1, 1, tzinfo=UTC)
"""The time of an opt-in that came without one: a recorded opt-out is newer, so a file cannot undo it unawares."""
LONGEST_VALUE = 4096
LIST_NAME = re.compile(LIST_PATTERN)
_ID = re.compile(ID_PATTERN)
_CHANNEL_NAME = re.compile(r"[^\s;,]+")
_MAIL = re.compile(r"^[^\s@,;<>\"]{1,64}@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+$")


@dataclass(frozen=True)
class Imported:
    """What a file's rows belong to."""

    brand: str
    occurred_at: datetime
    source: str
    region: str | None = None
    """Country (ISO 3166) of phone numbers without a country code."""
    onto: str = ""
    """The list that all of them come onto."""


@dataclass(frozen=True)
class GoodRow:
    change: ContactChange
    consents: tuple[Consent, ...]


class BadRowError(ValueError):
    def __init__(self, field: str, problem: str, message: str) -> None:
        super().__init__(message)
        self.error = FieldError(field=field, problem=problem, message=message)


def read_row(row: Mapping[str, Any], imported: Imported) -> GoodRow:
    """A row by names of columns; empty values say nothing. Raises `BadRowError`."""
    values = {name: value for name, value in row.items() if value is not None and value != ""}
    contact = checked_id("id", str(values.pop("id", "")).strip())
    recipient = f"{imported.brand}/{contact}"
    channels = _channels_of(values.pop("opt_in", ""))
    agreed_at = moment_of(OPT_IN_AT, values.pop(OPT_IN_AT, None)) or UNDATED_OPT_IN
    fields: dict[str, Any] = {name: str(values.pop(name)).strip() for name in FIELDS if name in values}
    check_fields(fields, imported.region)
    if lists := _lists(values.pop("lists", []), imported.onto):
        fields["lists"] = lists
    attributes = values.pop("attributes", {})
    if not isinstance(attributes, dict):
        raise BadRowError("attributes", "invalid", "attributes must be an object of names and values")
    more = attributes | values if attributes else values
    fields["attributes"] = {name: _attribute(name, value) for name, value in more.items()}
    change = ContactChange(recipient=recipient, occurred_at=imported.occurred_at, set=ContactSet(**fields))
    consents = tuple(
        Consent(recipient=recipient, channel=channel, state="opted_in", at=agreed_at, source=imported.source)
        for channel in channels
    )
    return GoodRow(change, consents)


def _lists(value: Any, onto: str) -> list[str]:
    """Names of lists: parted by semicolons in a CSV, an array in NDJSON."""
    if not value:
        return [onto] if onto else []
    names = [name.strip() for name in value.split(";")] if isinstance(value, str) else value
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise BadRowError("lists", "invalid", "lists must be names of lists, parted by semicolons")
    for name in names:
        if name and not LIST_NAME.match(name):
            message = f"'{name[:60]}' is no name of a list: use 1 to 64 of A-Z a-z 0-9 . _ ~ @ + - and blanks"
            raise BadRowError("lists", "invalid", message)
    return list(dict.fromkeys(name for name in (*names, onto) if name))


def checked_id(field: str, contact: str) -> str:
    """Raises `BadRowError`."""
    if not contact:
        raise BadRowError(field, "missing", f"the row has no {field}: every contact needs one")
    if not _ID.match(contact):
        raise BadRowError(field, "invalid", f"'{contact[:60]}' is no id: use 1 to 128 of A-Z a-z 0-9 . _ ~ @ + -")
    return contact


def check_fields(fields: dict[str, Any], region: str | None) -> None:
    """Put addresses into their one spelling. Raises `BadRowError`."""
    if email := fields.get("email"):
        fields["email"] = clean_email(email)
        if not _MAIL.match(fields["email"]):
            raise BadRowError(
                "email", "invalid_address", f"'{email[:80]}' is no mail address: mend it or leave it empty"
            )
    if phone := fields.get("phone"):
        fields["phone"] = _phone(phone, region)
    if (zone := fields.get("zone")) and not _is_zone(zone):
        message = f"'{zone[:60]}' is no time zone: write an IANA name such as Asia/Kolkata"
        raise BadRowError("zone", "unknown_value", message)
    if "last_active_at" in fields:
        fields["last_active_at"] = moment_of("last_active_at", fields["last_active_at"])
    for name, value in fields.items():
        if isinstance(value, str):
            _check_length(name, value)


@lru_cache(maxsize=2_000)
def _is_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _phone(text: str, region: str | None) -> str:
    number = phone_number(text, region)
    if not number:
        message = f"'{text[:40]}' is no phone number: write it with its country code, such as +919812345678"
        raise BadRowError("phone", "invalid_address", message)
    return number


def moment_of(field: str, value: Any) -> datetime | None:
    """A time with a zone; a plain date is its midnight in UTC."""
    if value is None or value == "":
        return None
    text = str(value).strip()
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise BadRowError(field, "invalid", f"'{text[:40]}' is no time: write it as 2026-05-01T10:00:00Z") from None
    if at.tzinfo is None:
        if len(text) != len(date.max.isoformat()):
            raise BadRowError(field, "no_zone", f"'{text[:40]}' has no zone: add Z or an offset, such as +05:30")
        at = at.replace(tzinfo=UTC)
    return at


def _channels_of(value: Any) -> tuple[str, ...]:
    names = _CHANNEL_NAME.findall(value) if isinstance(value, str) else value
    if not isinstance(names, list):
        raise BadRowError("opt_in", "invalid", "opt_in must be channels, parted by blanks or semicolons")
    return _channels(tuple(map(str, names)))


@lru_cache(maxsize=200)
def _channels(names: tuple[str, ...]) -> tuple[str, ...]:
    channels = []
    for name in names:
        try:
            channels.append(Channel(name.lower()).value)
        except ValueError:
            known = ", ".join(channel.value for channel in Channel)
            message = f"'{name[:40]}' is not a channel: choose from {known}"
            raise BadRowError("opt_in", "unknown_channel", message) from None
    return tuple(dict.fromkeys(channels))


def _attribute(name: str, value: Any) -> str | int | float | bool:
    if isinstance(value, str):
        _check_length(name, value)
        return value
    if not isinstance(value, str | int | float | bool):
        raise BadRowError(name, "invalid", f"'{name}' must be a text, a number, true or false")
    return value if not isinstance(value, int) or -(1 << 63) <= value < 1 << 63 else str(value)


def _check_length(name: str, value: str) -> None:
    if len(value) > LONGEST_VALUE:
        message = f"'{name}' has {len(value)} characters: at most {LONGEST_VALUE} are kept"
        raise BadRowError(name, "too_long", message)
