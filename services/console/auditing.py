"""What the console tells the audit log: who asked for what. The planner tells of campaigns' commands."""

from __future__ import annotations

from datetime import datetime

from ulid import ULID

from schemas import AuditEntry
from schemas.base import RecipientId
from services.console.security import Identity


def entry(
    caller: Identity,
    now: datetime,
    action: str,
    object_: str = "contact",
    *,
    recipient: str = "",
    detail: str = "",
    refused: bool = False,
) -> AuditEntry:
    """`recipient`: whom it is about, where `object_` is a contact."""
    return AuditEntry(
        entry_id=str(ULID()), at=now, brand=caller.brand, operator=caller.name, source="console", action=action,
        object=object_[:300], recipient=RecipientId(recipient) if recipient else None,
        status="rejected" if refused else "accepted", detail=detail[:500],
    )  # fmt: skip
