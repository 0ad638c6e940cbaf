"""Operators: secrets are told once and known again by their hash; who may see whom; what a record becomes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Final

from schemas import Operator

LINK_LIVES: Final = timedelta(hours=24)
KEY_PREFIX: Final = "peal_"


def digest(secret: str) -> str:
    """SHA-256, in hexadecimal. The secrets are random, so nobody can try them out."""
    return hashlib.sha256(secret.encode()).hexdigest()


def holder_of_key(operators: Iterable[Operator], key: str) -> Operator | None:
    """The machine that has this key."""
    hashed = digest(key)
    return next((each for each in operators if each.key_hash and each.key_hash == hashed), None)


def holder_of_link(operators: Iterable[Operator], token: str, now: datetime) -> Operator | None:
    """The person whose login link this is, while it is open."""
    hashed = digest(token)
    found = next((each for each in operators if each.link_hash and each.link_hash == hashed), None)
    open_ = found is not None and found.link_expires_at is not None and now < found.link_expires_at
    return found if open_ else None


def named(operators: Iterable[Operator], name: str) -> Operator | None:
    """The person with this id, else the only one with this mail address."""
    people = [each for each in operators if each.kind == "person"]
    if found := next((each for each in people if each.operator_id == name), None):
        return found
    mail = [each for each in people if each.email and each.email.lower() == name.lower()]
    return mail[0] if len(mail) == 1 else None


def of_brand(operators: Mapping[str, Operator], brand: str, kind: str) -> list[Operator]:
    """By id."""
    found = (each for each in operators.values() if each.brand == brand and each.kind == kind)
    return sorted(found, key=lambda each: each.operator_id)


def with_link(operator: Operator, token: str, now: datetime) -> Operator:
    """The link before it, if one was open, is closed."""
    return operator.model_copy(update={"link_hash": digest(token), "link_expires_at": now + LINK_LIVES})


def with_password(operator: Operator, hashed: str) -> Operator:
    """All sessions of theirs end."""
    return operator.model_copy(update={"password_hash": hashed, "sessions": operator.sessions + 1})


def without_link(operator: Operator) -> Operator:
    """It was used."""
    return operator.model_copy(update={"link_hash": "", "link_expires_at": None})
