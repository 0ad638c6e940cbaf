"""Ids that follow from an `Idempotency-Key`: the same request asked again is the same command."""

from __future__ import annotations

import hashlib

from ulid import ULID


def command_id(brand: str, key: str | None, what: str) -> str:
    """`what`: method and path, so that one key used for two acts is two commands. Without a key: a new id."""
    if not key:
        return str(ULID())
    digest = hashlib.sha256("\n".join((brand, key, what)).encode()).hexdigest()
    return f"idem-{digest[:40]}"


def campaign_id(command: str) -> str:
    """The id of a campaign that came without one: always the same for the same command."""
    return str(ULID.from_bytes(hashlib.sha256(f"campaign of {command}".encode()).digest()[:16]))
