"""Cursors of keyset pages: opaque outside, the key of the last row inside."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Sequence


class BadCursorError(ValueError):
    """Not a cursor of ours."""


def encode_cursor(*key: str | int) -> str:
    return base64.urlsafe_b64encode(json.dumps(key, separators=(",", ":")).encode()).decode().rstrip("=")


def decode_cursor(cursor: str, kinds: Sequence[type]) -> tuple[str | int, ...]:
    """The key, if it has these types. Raises `BadCursorError`."""
    try:
        key = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
    except (binascii.Error, ValueError):
        raise BadCursorError(cursor) from None
    if not isinstance(key, list) or [type(part) for part in key] != list(kinds):
        raise BadCursorError(cursor)
    return tuple(key)
