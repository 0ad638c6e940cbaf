"""What an AI service is asked for: texts by channel, and the limits that they are to keep to."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from schemas import Channel

VARIANTS: Final = 3
MOST_SEGMENTS: Final = 2
LONGEST: Final[dict[str, int]] = {
    "label": 60, "body": 1_200, "email.subject": 90, "email.preheader": 120, "whatsapp.text": 1_000, "push.title": 50,
    "push.message": 170, "social.text": 280,
}  # fmt: skip
"""Characters: what mailboxes, telephones and networks show whole."""


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid")


class EmailWords(_Part):
    subject: str
    preheader: str


class SmsWords(_Part):
    text: str


class WhatsappWords(_Part):
    text: str


class PushWords(_Part):
    title: str
    message: str


class SocialWords(_Part):
    text: str


PARTS: Final[dict[Channel, type[_Part]]] = {
    Channel.EMAIL: EmailWords, Channel.SMS: SmsWords, Channel.WHATSAPP: WhatsappWords, Channel.PUSH: PushWords,
    Channel.SOCIAL: SocialWords,
}  # fmt: skip


@dataclass(frozen=True)
class Wish:
    """What texts are wanted for. Nothing in it is about a person."""

    name: str
    description: str
    voice: str
    channels: list[Channel]
    link: bool
    """Whether there is a link that texts may lead to."""
    placeholders: list[str]
    """Names of fields that messages may be filled with."""


def answer_schema(channels: Sequence[Channel]) -> dict[str, Any]:
    """JSON Schema of an answer, strict: every field is there, and no other."""
    texts: dict[str, Any] = {"label": {"type": "string"}, "body": {"type": "string"}}
    for channel in channels:
        names = list(PARTS[channel].model_fields)
        texts[channel.value] = _object({name: {"type": "string"} for name in names})
    return _object({"variants": {"type": "array", "items": _object(texts)}})


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object", "properties": properties, "required": list(properties), "additionalProperties": False,
    }  # fmt: skip


def messages_for(wish: Wish) -> list[dict[str, str]]:
    """The chat that asks for it."""
    limits = ", ".join(f"{name} {most}" for name, most in LONGEST.items() if is_asked(name, wish))
    rules = [
        f"You write marketing messages. Answer with JSON of {VARIANTS} variants, each with an angle of its own.",
        "label: a few words on what is particular about the variant. body: the message in full, as plain text in short "
        "paragraphs; it becomes the mail's text.",
        f"Characters at most: {limits}. An SMS takes at most {MOST_SEGMENTS} segments: 280 plain characters, no emoji.",
        "Placeholders are Liquid, such as {{ name | default: 'there' }}. Give each a default. Use none but: "
        + ", ".join(wish.placeholders) + ".",
        "Write {{ link }} where the reader is to go on." if wish.link else "There is no link: do not write {{ link }}.",
        "No HTML. Invent no prices, dates, discounts or promises that the description does not name.",
    ]  # fmt: skip
    asked = {
        "name": wish.name, "description": wish.description, "brand_voice": wish.voice,
        "channels": [channel.value for channel in wish.channels], "link": wish.link,
    }  # fmt: skip
    return [
        {"role": "system", "content": "\n".join(rules)},
        {"role": "user", "content": json.dumps(asked, ensure_ascii=False)},
    ]


def is_asked(name: str, wish: Wish) -> bool:
    """Whether a text of `LONGEST` is wanted."""
    return "." not in name or name.partition(".")[0] in [channel.value for channel in wish.channels]
