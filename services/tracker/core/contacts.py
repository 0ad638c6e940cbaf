"""One person's record, merged field by field: the newer `occurred_at` wins, in whatever order changes arrive.

A field holds the value of its latest write; at equal times the greater value (by `_rank`) does. A whole record
(`replace`) hides what was written before it, a deletion what was written until it. Each of these is a maximum, so the
result depends on the set of changes alone, not on their order, and not on how often one of them comes.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from schemas.people import AttributeValue

FIELDS: Final = ("name", "email", "phone", "role", "city", "pincode", "zone", "last_active_at")
ATTRIBUTE: Final = "attributes."
LIST: Final = "lists."
"""`lists.<name>`: the person is on that uploaded list. A whole record says nothing of lists."""
WHOLE, GONE, ALIVE = "*", "-", "+"
"""Marks beside the fields' times: the last whole record, the last deletion, the last change of any other kind."""
_NEVER = -1
Values = dict[str, AttributeValue]


class Change(msgspec.Struct, frozen=True):
    """A change after normalising. `writes`: field, `attributes.<name>` or `lists.<name>`, to its value; None empties
    it."""

    at: int
    """Milliseconds since 1970."""
    offset: int
    writes: dict[str, AttributeValue] = {}
    replace: bool = False
    delete: bool = False


class Contact(msgspec.Struct):
    """`values` holds what is not empty; `last_active_at` as milliseconds. `times` also remembers emptied fields."""

    recipient: str
    values: dict[str, AttributeValue] = {}
    times: dict[str, int] = {}
    version: int = 0

    @property
    def is_deleted(self) -> bool:
        gone = self.times.get(GONE, _NEVER)
        return gone >= 0 and gone >= self.times.get(ALIVE, _NEVER)


class NewAddress(msgspec.Struct, frozen=True):
    recipient: str
    field: str
    """`email` or `phone`."""
    address: str


def new_addresses(changes: Mapping[str, Iterable[Change]]) -> list[NewAddress]:
    """Every address that the changes give to somebody, also one that they have already: so that a batch which is done
    again comes to the same."""
    return [
        NewAddress(recipient, field, address)
        for recipient, told in changes.items()
        for change in told
        for field in ("email", "phone")
        if isinstance(address := change.writes.get(field), str)
    ]


def merge(existing: Contact | None, recipient: str, changes: Iterable[Change]) -> Contact | None:
    """The person after these changes; None where they change nothing.

    The version rises with the offset of the changes. A row written late by a former owner of the partition, who knew
    fewer of them, thus loses against the present owner's.
    """
    changes = list(changes)
    if existing is None and len(changes) == 1 and not (changes[0].delete or changes[0].replace):
        return _first(recipient, changes[0])
    values = dict(existing.values) if existing else {}
    times = dict(existing.times) if existing else {}
    offset = _NEVER
    for change in changes:
        offset = max(offset, change.offset)
        if change.delete:
            times[GONE] = max(times.get(GONE, _NEVER), change.at)
            continue
        times[ALIVE] = max(times.get(ALIVE, _NEVER), change.at)
        if change.replace:
            times[WHOLE] = max(times.get(WHOLE, _NEVER), change.at)
        for field, value in change.writes.items():
            _write(values, times, field, value, change.at)
    _hide(values, times)
    if existing and values == existing.values and times == existing.times:
        return None
    return Contact(recipient, values, times, max(offset + 1, existing.version + 1 if existing else 0))


def _first(recipient: str, change: Change) -> Contact:
    """Somebody of whom nothing was known, as most are in an import."""
    values: dict[str, AttributeValue] = {name: value for name, value in change.writes.items() if value is not None}
    return Contact(recipient, values, {ALIVE: change.at, **dict.fromkeys(change.writes, change.at)}, change.offset + 1)


def _write(
    values: dict[str, AttributeValue], times: dict[str, int], field: str, value: AttributeValue, at: int
) -> None:
    known = times.get(field, _NEVER)
    if at < known or (at == known and _rank(value) <= _rank(values.get(field))):
        return
    times[field] = at
    if value is None:
        values.pop(field, None)
    else:
        values[field] = value


def _hide(values: Values, times: dict[str, int]) -> None:
    """Forget what lies before the last whole record or until the last deletion: it cannot come back."""
    whole, gone = times.get(WHOLE, _NEVER), times.get(GONE, _NEVER)
    if whole == gone == _NEVER:
        return
    for field in [
        name
        for name, at in times.items()
        if len(name) > 1 and (at <= gone or (at < whole and not name.startswith(LIST)))
    ]:
        del times[field]
        values.pop(field, None)


def _rank(value: AttributeValue) -> tuple[int, float, str]:
    """An order over all values, for writes of one moment: text over numbers over truth values over nothing."""
    match value:
        case None:
            return (0, 0.0, "")
        case bool():
            return (1, float(value), "")
        case str():
            return (3, 0.0, value)
        case _:
            return (2, float(value), "")
