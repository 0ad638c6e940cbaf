"""Contact fields in the one form in which they are compared: E.164 numbers, lower-case mail addresses, known zones."""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from schemas.people import AttributeValue
from services.domain.addresses import email_address, phone_number
from services.domain.messages import ContactChange
from services.tracker.core.contacts import ATTRIBUTE, FIELDS, LIST, Change
from services.tracker.core.rows import BadRecordError, milliseconds

Problems = Counter[tuple[str, str]]
"""(field, reason) -> how often. The field was then written as empty."""
FUTURE_MS = 24 * 3600 * 1000
"""How far ahead of us an upstream clock may be: a change from the far future would win for ever."""
_TRIMMED = ("name", "city", "pincode")


def normalise(change: ContactChange, offset: int, now_ms: int, region: str, problems: Problems) -> Change:
    """`region`: ISO 3166 code for numbers written without a country; "": such numbers are refused.

    Raises `BadRecordError` for a time that cannot be.
    """
    at = milliseconds(change.occurred_at)
    if at > now_ms + FUTURE_MS:
        raise BadRecordError("future_time", f"occurred_at is {change.occurred_at.isoformat()}, over a day ahead")
    if change.delete:
        return Change(at, offset, delete=True)
    writes: dict[str, AttributeValue] = {}
    for field in change.unset:
        if field in FIELDS or any(field.startswith(kind) and len(field) > len(kind) for kind in (ATTRIBUTE, LIST)):
            writes[_path(field)] = None
        else:
            problems["unset", "unknown_field"] += 1
    told = change.set
    for field in _TRIMMED:
        if (text := getattr(told, field)) is not None:
            writes[field] = text.strip() or None
    if told.role is not None:
        writes["role"] = told.role.strip().lower() or None
    if told.email is not None:
        writes["email"] = _checked("email", email_address(told.email), told.email, problems)
    if told.phone is not None:
        writes["phone"] = _checked("phone", phone_number(told.phone, region), told.phone, problems)
    if told.zone is not None:
        writes["zone"] = _checked(
            "zone", told.zone.strip() if _known_zone(told.zone.strip()) else "", told.zone, problems
        )
    if told.last_active_at is not None:
        writes["last_active_at"] = milliseconds(told.last_active_at, "set.last_active_at")
    for name, value in told.attributes.items():
        if name:
            writes[_path(ATTRIBUTE + name)] = _storable(value)
        else:
            problems["attributes", "no_name"] += 1
    for name in told.lists:
        if name.strip():
            writes[LIST + name.strip()] = True
        else:
            problems["lists", "no_name"] += 1
    return Change(at, offset, writes, change.replace)


def _checked(field: str, value: str, told: str, problems: Problems) -> str | None:
    if not value and told.strip():
        problems[field, "invalid"] += 1
    return value or None


@lru_cache(maxsize=2_000)
def _known_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return True


def _path(field: str) -> str:
    """A dot would nest the attribute in ClickHouse's JSON: it becomes an underscore."""
    return ATTRIBUTE + field[len(ATTRIBUTE) :].replace(".", "_") if field.startswith(ATTRIBUTE) else field


def _storable(value: AttributeValue) -> AttributeValue:
    """Integers beyond 64 bits are kept as text; an empty text is no value."""
    if isinstance(value, int) and not -(1 << 63) <= value < 1 << 63:
        return str(value)
    return None if value == "" else value
