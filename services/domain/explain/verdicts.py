"""What a gate is: one question that every send is asked, and its answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Verdict(StrEnum):
    PASSED = "passed"
    STOPPED = "stopped"
    PENDING = "pending"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class Gate:
    name: str
    verdict: Verdict
    words: str
    at: datetime | None = None
    """When it was judged, where that is recorded."""
    event_id: str = ""
    """The event behind the verdict."""
