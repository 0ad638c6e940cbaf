"""Rows of `erasures` and `erased`: who is to be erased, how far it is, and what is kept to know them by."""

from __future__ import annotations

from datetime import datetime
from typing import Final

import msgspec

from services.tracker.core.rows import Row

COLUMNS: Final = (
    "pseudonym", "recipient_id", "emails", "phones", "state", "detail", "requested_at", "updated_at",
)  # fmt: skip
MARK_COLUMNS: Final = ("brand", "kind", "hash", "at")


class Person(msgspec.Struct):
    """Somebody who is to be erased. `erasing`: all that was under way is over, and nothing is waited for any more."""

    recipient: str
    name: str
    erasing: bool
    emails: list[str]
    phones: list[str]
    requested_ms: int


def state_row(person: Person, state: str, now: datetime, detail: str = "") -> Row:
    """`done`: without any identity."""
    now_ms = round(now.timestamp() * 1000)
    if state == "done":
        return (person.name, "", [], [], state, detail, person.requested_ms, now_ms)
    return (
        person.name, person.recipient, person.emails, person.phones, state, detail, person.requested_ms, now_ms,
    )  # fmt: skip
