"""Dead letters: what one says, whose it is, what may be shown of it, and what a replay of it means."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from schemas.topics import SEND_REQUESTED, SEND_TOPIC_PATTERN, dead_letter_topic
from services.runtime.dead_letters import (
    CUT,
    DETAIL,
    OURS,
    REASON,
    SOURCE_OFFSET,
    SOURCE_PARTITION,
    SOURCE_TOPIC,
)

Header = tuple[str, bytes]
IDS = ("send_id", "attempt", "campaign_id", "command_id", "event_id", "type", "status", "channel", "account")
"""Fields of a value that tell which it is, and nothing of a person."""
_RECIPIENT = re.compile(r"([A-Za-z0-9._~@+-]{1,128})/[A-Za-z0-9._~@+-]{1,128}")
_MAIL = re.compile(r"([^\s@/'\"]{1,3})[^\s@/'\"]*@([^\s@'\"]+)")
_PHONE = re.compile(r"\+?\d{5,}(\d{2})")
_LARGEST_SHOWN = 20_000
_SUFFIX = dead_letter_topic("")


class Letter(NamedTuple):
    """A record of a dead-letter topic."""

    topic: str
    """The one that it could not be read from."""
    partition: int
    offset: int
    """On the dead-letter topic."""
    at: datetime
    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...]

    def header(self, name: str) -> str:
        """Ours come last: whoever wrote the record may have used the same name."""
        found = [value for own, value in self.headers if own == name]
        return found[-1].decode(errors="replace") if found else ""

    @property
    def cut(self) -> bool:
        """The value was too large to be kept whole."""
        return bool(self.header(CUT))


class Resend(NamedTuple):
    """A send is tried again: its campaign's dead letters are asked for anew, each as a new attempt."""

    campaign_id: str


class Again(NamedTuple):
    """The record goes to its topic once more, as it was."""

    topic: str
    key: bytes | None
    value: bytes | None
    headers: tuple[Header, ...]


class Unreplayable(NamedTuple):
    problem: str
    message: str


def source_of(topic: str) -> str:
    """By either name of it: that of the topic, or that of its dead letters."""
    return topic.removesuffix(_SUFFIX)


def fields_of(letter: Letter) -> dict[str, Any]:
    """What the value says, where it is a JSON object; else nothing."""
    try:
        found = json.loads(letter.value or b"")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def brand_of(letter: Letter) -> str | None:
    """None: it cannot be told."""
    for text in ((letter.key or b"").decode(errors="replace"), fields_of(letter).get("recipient")):
        if isinstance(text, str) and (match := _RECIPIENT.fullmatch(text)):
            return match[1]
    brand = fields_of(letter).get("brand")
    return brand if isinstance(brand, str) and brand else None


def visible(letter: Letter, brand: str, installation: bool) -> bool:
    """A brand sees its own; what is nobody's for sure is for admins of the installation alone."""
    return installation or brand_of(letter) == brand


def is_send(topic: str) -> bool:
    return topic == SEND_REQUESTED or re.match(SEND_TOPIC_PATTERN, topic) is not None


def masked(text: str) -> str:
    """Addresses and numbers made unreadable, so that a list may be shown around."""
    return _PHONE.sub(r"***\1", _MAIL.sub(r"\1***@\2", text))


def line_of(letter: Letter) -> dict[str, Any]:
    """For a list: nothing of the value but its ids."""
    fields = fields_of(letter)
    return {
        "topic": letter.topic,
        "partition": letter.partition,
        "offset": letter.offset,
        "at": letter.at,
        "reason": letter.header(REASON),
        "detail": masked(letter.header(DETAIL)),
        "key": masked((letter.key or b"").decode(errors="replace")),
        "brand": brand_of(letter),
        "source": {
            "topic": letter.header(SOURCE_TOPIC) or letter.topic,
            "partition": _number(letter.header(SOURCE_PARTITION)),
            "offset": _number(letter.header(SOURCE_OFFSET)),
        },
        "about": {name: fields[name] for name in IDS if isinstance(fields.get(name), str | int)},
        "bytes": len(letter.value or b""),
        "cut": letter.cut,
    }


def whole(letter: Letter) -> dict[str, Any]:
    """The letter as it is, personal data and all: `value` as JSON where it is some, else `text`."""
    text = (letter.value or b"").decode(errors="replace")[:_LARGEST_SHOWN]
    fields: Any = fields_of(letter) or None
    return line_of(letter) | {
        "detail": letter.header(DETAIL),
        "key": (letter.key or b"").decode(errors="replace"),
        "value": fields,
        "text": "" if fields else text,
        "headers": {name: value.decode(errors="replace") for name, value in letter.headers if name not in OURS},
    }


def replay_of(letter: Letter) -> Resend | Again | Unreplayable:
    """What a replay of this letter does."""
    if is_send(letter.topic):
        campaign_id = fields_of(letter).get("campaign_id")
        if isinstance(campaign_id, str) and campaign_id:
            return Resend(campaign_id)
        return Unreplayable(
            "unknown_send", "nothing in it tells which send it was: whoever is still open is taken up by the sweep"
        )
    if letter.cut:
        return Unreplayable("cut", "its value was too large to be kept whole: produce it again from where it came from")
    return Again(letter.topic, letter.key, letter.value, without_ours(letter.headers))


def without_ours(headers: Iterable[Header]) -> tuple[Header, ...]:
    return tuple((name, value) for name, value in headers if name not in OURS)


def _number(text: str) -> int | None:
    return int(text) if text.isdecimal() else None
