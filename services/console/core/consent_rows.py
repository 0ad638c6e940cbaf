"""One row of a file of consents: what a person said, when, where, and how that is proven."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final, Literal, cast

from schemas import Channel, Consent
from services.console.core.contact_rows import (
    LONGEST_VALUE,
    UNDATED_OPT_IN,
    BadRowError,
    Imported,
    checked_id,
    moment_of,
)

COLUMNS: Final = ("contact", "channel", "state", "at", "source", "proof", "purpose")
EXPORTED_TOO: Final = ("reason", "told_at")
"""Columns of an export that an import passes over: they are Peal's own findings."""
ALL: Final = "all"
CLOCKS_DIFFER: Final = timedelta(minutes=5)
State = Literal["opted_in", "opted_out"]
STATES: Final = ("opted_in", "opted_out")
LONGEST_PURPOSE: Final = 64


def read_consent(row: Mapping[str, Any], imported: Imported) -> Consent:
    """A row by names of columns. A yes without a time is older than every recorded no, so that no file undoes one
    unawares; a no without a time was said now. Raises `BadRowError`."""
    values = {name: str(value).strip() for name, value in row.items() if value is not None and str(value).strip()}
    if unknown := sorted(set(values) - set(COLUMNS) - set(EXPORTED_TOO)):
        name = unknown[0][:60]
        raise BadRowError(name, "unknown_field", f"there is no column '{name}': use {_words(COLUMNS)}")
    recipient = f"{imported.brand}/{checked_id('contact', values.get('contact', ''))}"
    channel, state = _channel(values.get("channel", "")), _state(values.get("state", ""))
    at = moment_of("at", values.get("at")) or (UNDATED_OPT_IN if state == "opted_in" else imported.occurred_at)
    check_time(at, imported.occurred_at)
    purpose = values.get("purpose", "marketing")
    if len(purpose) > LONGEST_PURPOSE or "/" in purpose:
        message = f"a purpose is a word of at most {LONGEST_PURPOSE} letters, without '/'"
        raise BadRowError("purpose", "invalid", message)
    for name in ("source", "proof"):
        if len(values.get(name, "")) > LONGEST_VALUE:
            raise BadRowError(name, "too_long", f"'{name}' has more than {LONGEST_VALUE} characters")
    return Consent.model_validate(
        {"recipient": recipient, "channel": channel, "state": state, "at": at, "purpose": purpose,
         "source": values.get("source", imported.source), "proof": values.get("proof", "")}
    )  # fmt: skip


def check_time(at: datetime, now: datetime) -> None:
    """A word from the future would outweigh all that the person says until then. Raises `BadRowError`."""
    if at > now + CLOCKS_DIFFER:
        message = f"'{at.isoformat()}' is still to come: give the time at which it was said"
        raise BadRowError("at", "in_the_future", message)
    if at.timestamp() < 0:
        raise BadRowError("at", "too_early", f"'{at.isoformat()}' cannot be kept: give a time since 1970")


def _channel(text: str) -> str:
    known = [*(channel.value for channel in Channel), ALL]
    if not text:
        raise BadRowError("channel", "missing", f"the row names no channel: choose from {_words(known)}")
    if text.lower() not in known:
        raise BadRowError("channel", "unknown_channel", f"'{text[:40]}' is not a channel: choose from {_words(known)}")
    return text.lower()


def _state(text: str) -> State:
    if text not in STATES:
        message = f"'{text[:40]}' is no state" if text else "the row has no state"
        raise BadRowError("state", "unknown_value", f"{message}: write {' or '.join(STATES)}")
    return cast(State, text)


def _words(names: Any) -> str:
    return ", ".join(names)
