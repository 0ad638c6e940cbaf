"""The written part of a sheet, read as far as it can be: one wrong field does not hide the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeGuard, TypeVar

from pydantic import BaseModel, ValidationError

from schemas import Body, Channel, Content, FieldError, Template, Tracking
from services.console.core.drafts import channels_of
from services.domain.campaigns import Library, template_key
from services.domain.field_errors import field_errors

M = TypeVar("M", bound=BaseModel)


@dataclass
class Written:
    """What a campaign says so far."""

    name: str
    kind: str
    channels: list[Channel]
    body: Body
    content: Content
    tracking: Tracking
    send_without: list[str]
    accounts: dict[str, str]
    templates: dict[Channel, Template]
    """The templates of the library that contents are from."""
    errors: list[FieldError] = field(default_factory=list)

    def of(self, channels: list[Channel]) -> Written:
        """The same for these channels alone."""
        return replace(self, channels=channels)

    def errors_of(self, channel: Channel) -> list[FieldError]:
        return [each for each in self.errors if each.field.split(".")[:2] == ["content", channel.value]]


def read_written(sheet: Mapping[str, Any], brand: str, library: Library) -> Written:
    """Blanks count as not written. What cannot be read is in `errors`, and treated as not written."""
    errors: list[FieldError] = []

    def part(model: type[M], value: Any, path: str) -> M:
        given = {name: inner for name, inner in value.items() if inner is not None} if _is_map(value) else {}
        try:
            return model.model_validate(given)
        except ValidationError as error:
            found = field_errors(error, path.rpartition(".")[2])
            errors.extend(each.model_copy(update={"field": _under(path, each.field)}) for each in found)
            return model()

    chosen: dict[Channel, Template] = {}
    contents: dict[str, Any] = {}
    raw, named, accounts = sheet.get("content"), sheet.get("templates"), sheet.get("accounts")
    for channel in Channel:
        template_id = named.get(channel.value) if _is_map(named) else None
        template = library.get(template_key(brand, template_id)) if isinstance(template_id, str) else None
        if template is not None and template.channel is channel:
            chosen[channel] = template
        own: Any = template.content if template is not None else raw.get(channel.value) if _is_map(raw) else None
        if _is_map(own) and (kept := _without_blanks(own)):
            read = part(Content, {channel.value: kept}, f"content.{channel.value}")
            contents[channel.value] = getattr(read, channel.value)
    return Written(
        name=str(sheet.get("name") or ""),
        kind="transactional" if sheet.get("kind") == "transactional" else "marketing",
        channels=channels_of(sheet),
        body=part(Body, sheet.get("body"), "body"),
        content=Content(**contents),
        tracking=part(Tracking, sheet.get("tracking"), "tracking"),
        send_without=_texts(sheet.get("send_without")),
        accounts={str(name): str(value) for name, value in accounts.items()} if _is_map(accounts) else {},
        templates=chosen,
        errors=errors,
    )


def _without_blanks(own: Mapping[str, Any]) -> dict[str, Any]:
    """Fields that have been emptied again; and variables without the template that they would fill."""
    kept = {name: value for name, value in own.items() if value not in ("", None, {}, [])}
    return {} if kept.keys() == {"variables"} else kept


def _texts(value: Any) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


def _is_map(value: Any) -> TypeGuard[Mapping[str, Any]]:
    return isinstance(value, Mapping)


def _under(path: str, name: str) -> str:
    """A field's whole path: pydantic leaves the outermost name out, or repeats the last of them."""
    last = path.rpartition(".")[2]
    name = name.removeprefix(f"{last}.")
    return path if name in (last, "") else f"{path}.{name}"
