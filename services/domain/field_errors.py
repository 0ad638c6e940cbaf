"""From pydantic's errors to ours: the field as its author wrote it, one word for machines, a sentence for people."""

from __future__ import annotations

from collections.abc import Iterable

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from schemas import Channel, FieldError

PROBLEMS = {
    "missing": "missing",
    "extra_forbidden": "unknown_field",
    "json_invalid": "not_json",
    "string_pattern_mismatch": "invalid",
    "value_error": "invalid",
    "enum": "unknown_value",
    "literal_error": "unknown_value",
}


def field_errors(error: ValidationError, root: str = "campaign") -> list[FieldError]:
    """One for each thing that is wrong. `root`: the outermost name, which the author did not write."""
    return field_errors_of(error.errors(include_url=False), root)


def field_errors_of(details: Iterable[ErrorDetails], root: str) -> list[FieldError]:
    """As `field_errors`, of a list of details such as a web framework hands on."""
    return [_field_error(item, root) for item in details]


def _field_error(details: ErrorDetails, root: str) -> FieldError:
    path = [str(part) for part in details["loc"] if part != "[key]"]
    if path and path[0] == root:
        path = path[1:]
    field = ".".join(path) or root
    kind = details["type"]
    return FieldError(field=field, problem=_problem(kind, field), message=_message(details, kind, field))


def _problem(kind: str, field: str) -> str:
    if kind in ("enum", "literal_error") and _names_channel(field):
        return "unknown_channel"
    return PROBLEMS.get(kind, kind)


def _message(details: ErrorDetails, kind: str, field: str) -> str:
    given = details.get("input")
    match kind:
        case "no_zone" | "too_deep" | "too_large":
            return details["msg"]
        case "missing":
            return f"'{field}' is missing: add it"
        case "extra_forbidden":
            return f"there is no field '{field}': check its spelling, or remove it"
        case "enum" | "literal_error" if _names_channel(field):
            return f"'{given}' is not a channel: choose from {', '.join(channel.value for channel in Channel)}"
        case "enum" | "literal_error":
            return f"'{given}' is not allowed here: choose {details.get('ctx', {}).get('expected', 'another value')}"
        case "value_error":
            return str(details.get("ctx", {}).get("error", details["msg"]))
        case "timezone_aware":
            return f"'{given}' has no zone: add Z or an offset, such as +05:30"
        case "string_pattern_mismatch" if field.split(".")[-1] in ("id", "campaign_id", "command_id", "brand"):
            return f"'{given}' is no id: use 1 to 128 of the characters A-Z a-z 0-9 . _ ~ @ + -"
        case _:
            return f"{details['msg'][:1].lower()}{details['msg'][1:]} (given: {_short(given)})"


def _names_channel(field: str) -> bool:
    parts = field.split(".")
    return parts[-1] == "channel" or "channels" in parts or parts[0] == "accounts" or "opt_in" in parts


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
