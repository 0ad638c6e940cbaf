"""What stands in a sender's commit: how far everything is over, and what may be under way behind it."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class Do(StrEnum):
    """What is done with a message at the doorstep; a commit declares only the first two."""

    CALL = "call"
    RETURN = "return"
    WAIT = "wait"


class Mark(msgspec.Struct, frozen=True, omit_defaults=True):
    """The metadata of a commit at offset c: all before c is over; `do` may have been done for c..through."""

    seen: int = -1
    """The greatest request offset before c; a message at or below it is a replay."""
    do: Do | None = None
    through: int = -1


def encode_mark(mark: Mark) -> str:
    return msgspec.json.encode(mark).decode()


def decode_mark(metadata: str) -> Mark:
    """An empty text is that of a group to which nothing has happened. Raises `msgspec.MsgspecError`."""
    return msgspec.json.decode(metadata, type=Mark) if metadata else Mark()
