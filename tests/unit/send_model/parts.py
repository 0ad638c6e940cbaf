"""The services' own functions, called with what a state says; remembered, for they are pure."""

from __future__ import annotations

from send_model.calling import (
    ACCEPTED,
    AT_THE_DOOR,
    LOST,
    REFUSED,
    RETRYABLE,
    TAKEN,
    Item,
    Known,
    declared,
    event_from,
    group,
    look,
)  # fmt: skip
from send_model.judging import Judged, asked_twice, is_new, judge, share
from send_model.ledger import doubt_ended, findings, standing
from send_model.values import MUCH_LATER, SEND

__all__ = [
    "ACCEPTED", "AT_THE_DOOR", "LOST", "MUCH_LATER", "REFUSED", "RETRYABLE", "SEND", "TAKEN", "Item", "Judged", "Known",
    "asked_twice", "declared", "doubt_ended", "event_from", "findings", "forget", "group", "is_new", "judge",
    "look", "share", "standing",
]  # fmt: skip


def forget() -> None:
    """What was remembered: for tests that change a service's function."""
    for remembered in (standing, findings, share, judge, look, group, declared, event_from, doubt_ended):
        remembered.cache_clear()
