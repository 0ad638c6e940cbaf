"""What of an AI service's answer may be used: what keeps to channels' limits and to known placeholders."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from schemas import Body, Channel, Content, FieldError
from services.console.core.generating import LONGEST, MOST_SEGMENTS, PARTS, VARIANTS, Wish, is_asked
from services.console.core.previews import UNSENDABLE
from services.domain.content import findings, sms_segments
from services.domain.field_errors import field_errors


class Variant(BaseModel):
    label: str
    """What is particular about it."""
    changes: dict[str, Any]
    """Path in the campaign file -> value; None takes away what is there, so that the channel follows the body."""


class Generated(BaseModel):
    sample: bool
    """No AI service is set up: these are samples that the sandbox has made from name and description."""
    model: str
    variants: list[Variant]
    dropped: list[str]
    """What could not be used, after it was asked for a second time, and why."""


@dataclass(frozen=True)
class Answer:
    """Of an AI service: what may be used, and what is wrong with the rest."""

    good: list[Variant]
    wrong: list[str]


def read_answer(text: str, wish: Wish, known: Collection[str] | None) -> Answer:
    """`known`: attributes that people may have; None: not known now. Raises ValueError where it is no answer at all."""
    try:
        found = json.loads(_bare(text))
        given = found["variants"]
    except (ValueError, KeyError, TypeError):
        raise ValueError("the answer is not the JSON that was asked for") from None
    if not isinstance(given, list) or not given:
        raise ValueError("the answer holds no variants")
    good, wrong = [], []
    for number, each in enumerate(given[:VARIANTS], start=1):
        errors = _errors(each, wish, known)
        if errors:
            wrong.append(f"variant {number}: {'; '.join(f'{error.field}: {error.message}' for error in errors)}")
        else:
            good.append(Variant(label=each["label"].strip() or f"{number}", changes=_changes(each, wish)))
    return Answer(good, wrong)


def _bare(text: str) -> str:
    """Without the fence that some models put around JSON."""
    text = text.strip()
    if text.startswith("```"):
        text = text.partition("\n")[2].rpartition("```")[0]
    return text


def _errors(given: Any, wish: Wish, known: Collection[str] | None) -> list[FieldError]:
    if not isinstance(given, Mapping) or not isinstance(given.get("label"), str):
        return [_error("label", "is missing")]
    body = given.get("body")
    if not isinstance(body, str) or not body.strip():
        return [_error("body", "is missing")]
    errors: list[FieldError] = []
    for channel in wish.channels:
        try:
            PARTS[channel].model_validate(given.get(channel.value))
        except ValidationError as error:
            errors += [_error(f"{channel.value}.{each.field}", each.message) for each in field_errors(error, "")]
    if errors:
        return errors
    return _too_long(given, wish) + _broken(given, wish, known)


def _too_long(given: Mapping[str, Any], wish: Wish) -> list[FieldError]:
    errors = []
    for name, most in LONGEST.items():
        part, _, inner = name.partition(".")
        text = given.get(part, {}).get(inner, "") if inner and is_asked(name, wish) else given.get(part, "")
        if isinstance(text, str) and len(text) > most:
            errors.append(_error(name, f"{len(text)} characters, at most {most}"))
    if Channel.SMS in wish.channels:
        parts = sms_segments(given["sms"]["text"])
        if parts.count > MOST_SEGMENTS:
            errors.append(_error("sms.text", f"{parts.count} segments ({parts.encoding}), at most {MOST_SEGMENTS}"))
    return errors


def _broken(given: Mapping[str, Any], wish: Wish, known: Collection[str] | None) -> list[FieldError]:
    """By the rules by which the campaign is checked."""
    body = Body(text=given["body"], link="https://example.com/" if wish.link else None)
    content = Content.model_validate({channel.value: _content(given, channel) for channel in wish.channels})
    errors = []
    for channel in wish.channels:
        if channel in UNSENDABLE:
            continue
        told = findings(channel, content, body, name=wish.name or "-", known=known)
        errors += [_error(found.field.removeprefix("content."), found.message) for found in told]
    return list({(each.field, each.message): each for each in errors}.values())


def _content(given: Mapping[str, Any], channel: Channel) -> dict[str, Any]:
    return {name: given[channel.value][name].strip() for name in PARTS[channel].model_fields}


def _changes(given: Mapping[str, Any], wish: Wish) -> dict[str, Any]:
    """A mail keeps no HTML of its own: it follows the body. Templates of the library give way."""
    changes: dict[str, Any] = {"body.text": given["body"].strip()}
    for channel in wish.channels:
        changes |= {f"templates.{channel.value}": None, f"content.{channel.value}": _content(given, channel)}
    return changes


def repair_message(answer: Answer) -> str:
    told = "\n".join(answer.wrong)
    return f"These cannot be used:\n{told}\nMend them and answer with all {VARIANTS} variants again, as JSON."


def _error(field: str, message: str) -> FieldError:
    return FieldError(field=field, problem="generated", message=message)
