"""Contacts in ClickHouse: read those that a batch changes, merge, write them back with a higher version."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import islice
from typing import Any, Final

import msgspec

from schemas.people import AttributeValue
from services.runtime import metrics
from services.tracker.core.contacts import ATTRIBUTE, LIST, Change, Contact, merge
from services.tracker.core.rows import brand_of
from services.tracker.store import Store

COLUMNS: Final = (
    "recipient_id", "brand", "name", "email", "phone", "role", "city", "pincode", "zone", "last_active_at",
    "attributes", "field_times", "version", "is_deleted", "lists",
)  # fmt: skip
TEXTS: Final = ("name", "email", "phone", "role", "city", "pincode", "zone")
CHUNK: Final = 25_000
"""People who are read and written at a time: where ids are not in order, each reading goes through all of the base."""
BREATH: Final = 2_500
"""People merged at a stretch: some 50 ms in which the process answers nobody."""
_ROWS: Final = """
SELECT recipient_id, name, email, phone, role, city, pincode, zone, toUnixTimestamp64Milli(last_active_at),
       CAST(attributes AS String), mapApply((k, v) -> (k, toUnixTimestamp64Milli(v)), field_times), version, lists
FROM {table} WHERE recipient_id IN (SELECT arrayJoin(keys))
"""
_READ: Final = "WITH JSONExtract({keys}, 'Array(String)') AS keys" + "UNION ALL".join(
    _ROWS.replace("{table}", table) for table in ("contacts_changes", "contacts", "contacts_changes")
)
"""A compaction takes people from the base to contacts_changes and back, and somebody is always in one of them. In one
statement, and in this order, nobody slips by: all of a compaction would have to happen between two of its parts."""


class People:
    """Safe because a person's changes lie in one partition, and a partition has one owner."""

    def __init__(self, store: Store) -> None:
        self.store = store

    async def apply(self, changes: dict[str, list[Change]]) -> None:
        """Merge and write."""
        keys = sorted(changes)
        for at in range(0, len(keys), CHUNK):
            await self._apply({key: changes[key] for key in keys[at : at + CHUNK]})

    async def _apply(self, changes: dict[str, list[Change]]) -> None:
        existing, rows = await self._read(list(changes)), list[tuple[Any, ...]]()
        told = iter(changes.items())
        while some := list(islice(told, BREATH)):
            merged = (merge(existing.get(recipient), recipient, each) for recipient, each in some)
            rows += [_row(contact) for contact in merged if contact is not None]
            await asyncio.sleep(0)
        await self.store.insert("contacts_changes", COLUMNS, rows)
        metrics.contacts_merged.inc(len(rows))

    async def _read(self, keys: list[str]) -> dict[str, Contact]:
        """Their newest rows."""
        found: dict[str, Contact] = {}
        for row in await self.store.rows(_READ.replace("{keys}", _literal(keys))):
            if (before := found.get(row[0])) is None or int(row[11]) > before.version:
                found[row[0]] = _contact(row)
        return found


def _literal(keys: list[str]) -> str:
    """One text for ClickHouse to take apart: ten thousand of them take it three times as long to read, and the client
    ten times as long to write."""
    text = msgspec.json.encode(keys).decode().replace("'", "\\u0027").replace("\\", "\\\\")
    return f"'{text}'"


def _contact(row: Sequence[Any]) -> Contact:
    times = {str(name): int(at) for name, at in row[10].items()}
    values: dict[str, AttributeValue] = {name: row[i] for i, name in enumerate(TEXTS, 1) if row[i]}
    if "last_active_at" in times and row[8] > 0:
        values["last_active_at"] = int(row[8])
    for name, value in msgspec.json.decode(row[9]).items():
        values[ATTRIBUTE + name] = value
    values |= {LIST + name: True for name in row[12]}
    return Contact(row[0], values, times, int(row[11]))


def _row(contact: Contact) -> tuple[Any, ...]:
    values, attributes, lists = contact.values, dict[str, AttributeValue](), list[str]()
    for name, value in values.items():
        if name.startswith(ATTRIBUTE):
            attributes[name[len(ATTRIBUTE) :]] = value
        elif name.startswith(LIST):
            lists.append(name[len(LIST) :])
    return (
        contact.recipient, brand_of(contact.recipient), *[values.get(name, "") for name in TEXTS],
        values.get("last_active_at", 0), msgspec.json.encode(attributes).decode() if attributes else "{}",
        contact.times, contact.version, int(contact.is_deleted), sorted(lists),
    )  # fmt: skip
