"""A campaign as far as it is written, a *sheet*: how changes are merged into it, and to which step a field belongs."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Final

from schemas import Channel

Sheet = Mapping[str, Any]
"""A campaign file, as JSON, that may lack anything and may say anything."""
STEPS: Final = ("general", "content", "audience", "budget", "review")
LARGEST: Final = 800_000
"""Bytes of a sheet as JSON: with what comes around it, a command has room for it."""
DEEPEST: Final = 40
"""Lists and objects within each other, in one value."""
MOST_CHANGES: Final = 500
LONGEST_PATH: Final = 12
FIXED: Final = frozenset({"id", "brand"})
"""Belong to the draft itself."""
MEANT_EMPTY: Final = (("audience", "filter"),)
"""Says something also where nothing is in it: everybody."""
_STEP_OF: Final = {
    "name": "general", "description": "general", "kind": "general", "channels": "general", "accounts": "general",
    "brand": "general", "id": "general", "body": "content", "content": "content", "templates": "content",
    "tracking": "content", "send_without": "content",
    "audience": "audience", "budget": "budget", "schedule": "budget", "limits": "budget",
    "steps": "budget", "priority": "budget",
}  # fmt: skip


class BadChangeError(ValueError):
    """A change that cannot be made. `field`: its path."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field, self.message = field, message


def merged(sheet: Sheet, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The sheet with each value laid where its dotted path says; None takes away what is there.

    What is given stays as it is; what becomes empty by taking something away goes too. Making the same changes again
    changes nothing. Raises `BadChangeError`.
    """
    if len(changes) > MOST_CHANGES:
        raise BadChangeError("changes", f"these are {len(changes)} changes at once: send at most {MOST_CHANGES}")
    made = dict(sheet)
    for path, value in changes.items():
        names = _names(path)
        if value is None:
            _take(made, names)
        else:
            _lay(made, names, path, value)
    _require_bounds(made)
    return made


def step_of(field: str) -> str:
    """Which of the five steps a field of a campaign file is on; what no step has is on the first."""
    names = field.split(".")
    if names[0] == "steps" and "content" in names:
        return "content"
    return _STEP_OF.get(names[0], "general")


def value_at(sheet: Any, path: str) -> Any:
    """What stands at a dotted path; None: nothing."""
    for name in path.split("."):
        if not isinstance(sheet, Mapping):
            return None
        sheet = sheet.get(name)
    return sheet


def size_of(values: Mapping[str, Any]) -> int:
    """Bytes of a sheet, or of a part of it, as JSON. Raises `ValueError` where it cannot be written so."""
    try:
        return len(json.dumps(values, ensure_ascii=False, allow_nan=False).encode())
    except (ValueError, RecursionError):
        raise ValueError("a text holds half a character, or a number is none: write it anew") from None


def without_person(sheet: Sheet, contact: str) -> dict[str, Any] | None:
    """The sheet without somebody whom it lists; None: it does not."""
    people = value_at(sheet, "audience.recipients")
    if not isinstance(people, list):
        return None
    kept = [each for each in people if not (isinstance(each, Mapping) and each.get("id") == contact)]
    return merged(sheet, {"audience.recipients": kept}) if len(kept) < len(people) else None


def name_of(sheet: Sheet) -> str:
    """Empty: it has none yet."""
    name = sheet.get("name")
    return name.strip() if isinstance(name, str) else ""


def channels_of(sheet: Sheet) -> list[Channel]:
    """Those that the campaign is to use, in their order, each once; what is no channel is passed over."""
    steps, channels = sheet.get("steps"), sheet.get("channels")
    named: list[Any] = []
    if isinstance(steps, list):
        named += [step.get("channel") for step in steps if isinstance(step, Mapping)]
    if isinstance(channels, list):
        named += channels
    known = {channel.value: channel for channel in Channel}
    return list(dict.fromkeys(known[name] for name in named if isinstance(name, str) and name in known))


def _names(path: str) -> list[str]:
    names = path.split(".")
    if not all(names):
        raise BadChangeError(
            path, f"'{path[:80]}' is no path: write names with dots between them, such as budget.total"
        )
    if len(names) > LONGEST_PATH:
        raise BadChangeError(path, f"'{path[:80]}' leads deeper than {LONGEST_PATH} names: give a value further out")
    if names[0] in FIXED:
        raise BadChangeError(path, f"'{names[0]}' belongs to the draft and cannot be changed: make another draft")
    return names


def _lay(sheet: dict[str, Any], names: list[str], path: str, value: Any) -> None:
    place = sheet
    for at, name in enumerate(names[:-1]):
        inner = place.get(name)
        if isinstance(inner, list):
            outer = ".".join(names[: at + 1])
            raise BadChangeError(path, f"'{outer}' is a list: give the whole of it instead of '{path[:80]}'")
        place[name] = dict(inner) if isinstance(inner, Mapping) else {}
        place = place[name]
    place[names[-1]] = value


def _take(sheet: dict[str, Any], names: list[str]) -> None:
    places = [sheet]
    for name in names[:-1]:
        inner = places[-1].get(name)
        if not isinstance(inner, Mapping):
            return
        places[-1][name] = dict(inner)
        places.append(places[-1][name])
    if places[-1].pop(names[-1], None) is None:
        return
    for at in range(len(places) - 1, 0, -1):
        if places[at] or tuple(names[:at]) in MEANT_EMPTY:
            return
        del places[at - 1][names[at - 1]]


def _require_bounds(sheet: dict[str, Any]) -> None:
    if _depth(sheet) > DEEPEST:
        raise BadChangeError("changes", f"a value goes over {DEEPEST} levels deep: flatten it")
    try:
        size = size_of(sheet)
    except ValueError as error:
        raise BadChangeError("changes", str(error)) from None
    if size > LARGEST:
        message = (
            f"the draft would take {size:,} bytes, and may take {LARGEST:,}: import the people as contacts instead"
        )
        raise BadChangeError("changes", message)


def _depth(value: Any) -> int:
    """Levels of lists and objects, without going down into each by a call."""
    depth, level = 0, [value]
    while level:
        inner: list[Any] = []
        for each in level:
            if isinstance(each, Mapping):
                inner += each.values()
            elif isinstance(each, list):
                inner += each
        depth, level = depth + 1, [each for each in inner if isinstance(each, Mapping | list)]
    return depth
