"""What every model on the wire shares: strict on write, lenient on read, ISO times, typed ids."""

from __future__ import annotations

import math
import re
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, NewType, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
)

ID_PATTERN = r"^[A-Za-z0-9._~@+-]{1,128}$"

CampaignId = NewType("CampaignId", str)
ContactId = NewType("ContactId", str)
BrandId = NewType("BrandId", str)
AccountId = NewType("AccountId", str)
RecipientId = NewType("RecipientId", str)
SendId = NewType("SendId", str)

Identifier = Annotated[str, StringConstraints(pattern=ID_PATTERN)]
CampaignKey = Annotated[CampaignId, StringConstraints(pattern=ID_PATTERN)]
ContactKey = Annotated[ContactId, StringConstraints(pattern=ID_PATTERN)]
BrandKey = Annotated[BrandId, StringConstraints(pattern=ID_PATTERN)]
AccountKey = Annotated[AccountId, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]{0,127}$")]
"""An account names a topic too, so it takes only what Kafka allows there, in lowercase."""
RecipientKey = Annotated[RecipientId, StringConstraints(pattern=r"^[A-Za-z0-9._~@+-]{1,128}/[A-Za-z0-9._~@+-]{1,128}$")]
SendKey = Annotated[SendId, StringConstraints(pattern=r"^[^/]{1,128}/[1-9][0-9]*/[^/]{1,128}$")]

DEFAULT_BRAND = BrandId("default")
DEFAULT_ACCOUNT = AccountId("default")

TEST_PREFIX = "test~"
"""Ids of campaigns that are test sends begin with it, and so does the id of the one person in each."""


def is_test(name: str) -> bool:
    """Whether a campaign or a contact is of a test send, which no statistics count."""
    return name.startswith(TEST_PREFIX)


class Channel(StrEnum):
    EMAIL = "email"
    SMS = "sms"
    WHATSAPP = "whatsapp"
    PUSH = "push"
    SOCIAL = "social"


class Wire(BaseModel):
    """A value on a topic or in a request. A writer cannot add a field; a reader passes over what it does not know."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True, use_attribute_docstrings=True)

    @classmethod
    def read(cls, value: bytes | str) -> Self:
        """Decode as a consumer does: unknown fields are ignored. Raises `pydantic.ValidationError`."""
        return cls.model_validate_json(value, extra="ignore")

    def write(self) -> bytes:
        """Encode for a topic: UTF-8 JSON, aliases as on the wire."""
        return self.model_dump_json(by_alias=True).encode()


_DURATION = re.compile(r"^(\d+)([smhd])$")
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
_DIGITS = 12
LONGEST = timedelta(days=3_650)
"""Longer ones would lead beyond the end of the calendar."""


def parse_duration(value: object) -> timedelta:
    """`30m`, `24h`, `7d`, `90s` or 0. Raises ValueError with the forms that are allowed."""
    if isinstance(value, timedelta):
        return value
    if value in (0, "0"):
        return timedelta(0)
    if isinstance(value, str) and (match := _DURATION.match(value)):
        seconds = int(match[1]) * _SECONDS[match[2]] if len(match[1]) < _DIGITS else math.inf
        if seconds > LONGEST.total_seconds():
            raise ValueError(f"'{value[:30]}' is too long: write at most {LONGEST.days}d")
        return timedelta(seconds=seconds)
    shown = str(value)[:30]
    raise ValueError(f"'{shown}' is not a duration: write a whole number and s, m, h or d, such as 30m, 24h or 7d")


def format_duration(value: timedelta) -> str:
    """The shortest exact form: the largest unit that divides it."""
    seconds = int(value.total_seconds())
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s" if seconds else "0"


Duration = Annotated[
    timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration, return_type=str),
    WithJsonSchema({"type": "string", "pattern": r"^(0|\d+[smhd])$", "examples": ["30m", "24h", "7d"]}),
]


def _iso(value: datetime) -> str:
    text = value.isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


Time = Annotated[AwareDatetime, PlainSerializer(_iso, return_type=str, when_used="json")]
"""A moment with a zone; milliseconds on the wire."""


def _zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"'{name}' is not a time zone: write an IANA name such as Asia/Kolkata or UTC") from None
    return name


Zone = Annotated[str, AfterValidator(_zone)]
"""IANA's name of a time zone."""
