"""Where a send can stand, in one table: its order decides everywhere, in the router as in the SQL views."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class Status(StrEnum):
    QUEUED = "queued"
    SUPPRESSED = "suppressed"
    UNCERTAIN = "uncertain"
    RECALLED = "recalled"
    ACCEPTED = "accepted"
    FAILED_RETRYABLE = "failed_retryable"
    FAILED = "failed"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    READ = "read"
    CLICKED = "clicked"
    REPLIED = "replied"
    UNSUBSCRIBED = "unsubscribed"
    COMPLAINED = "complained"


RANK: Final[dict[Status, int]] = {
    Status.QUEUED: 20,
    Status.SUPPRESSED: 24,
    Status.UNCERTAIN: 28,
    Status.RECALLED: 34,
    Status.ACCEPTED: 40,
    Status.FAILED_RETRYABLE: 46,
    Status.FAILED: 50,
    Status.DELIVERED: 60,
    Status.BOUNCED: 64,
    Status.READ: 70,
    Status.CLICKED: 80,
    Status.REPLIED: 84,
    Status.UNSUBSCRIBED: 90,
    Status.COMPLAINED: 94,
}
"""Greater wins within an attempt, whatever came first; a later attempt wins over an earlier one.
From `EVIDENCE` on it is the provider's or the person's own word, which wins over every attempt."""

EVIDENCE: Final = 60

OPEN: Final = frozenset({Status.QUEUED, Status.RECALLED, Status.FAILED_RETRYABLE, Status.UNCERTAIN})
"""Not at its end. So is a send of which nothing is known yet. All other statuses are settled."""

REOPENABLE: Final = frozenset({Status.RECALLED, Status.FAILED_RETRYABLE})
"""The attempt is over and certainly did not go out: the next one may begin."""

ENGAGED: Final = frozenset({Status.READ, Status.CLICKED, Status.REPLIED})


class Suppression(StrEnum):
    """Why a send was not made."""

    DUPLICATE = "duplicate"
    NO_ADDRESS = "no_address"
    INVALID_ADDRESS = "invalid_address"
    NO_CONSENT = "no_consent"
    OPTED_OUT = "opted_out"
    BOUNCED_BEFORE = "bounced_before"
    COMPLAINED_BEFORE = "complained_before"
    ENGAGED_ELSEWHERE = "engaged_elsewhere"
    ALREADY_DELIVERED = "already_delivered"
    FREQUENCY_CAPPED = "frequency_capped"
    EXPIRED = "expired"
    CAMPAIGN_CANCELLED = "campaign_cancelled"
    OVER_BUDGET = "over_budget"
    MISSING_DATA = "missing_data"
    ERASED = "erased"


STOPS: Final[dict[Status, Suppression]] = {
    Status.UNSUBSCRIBED: Suppression.OPTED_OUT,
    Status.COMPLAINED: Suppression.COMPLAINED_BEFORE,
    Status.BOUNCED: Suppression.BOUNCED_BEFORE,
}
"""Statuses after which nothing more goes to that address on that channel, and the reason that later sends get."""


def rank_key(status: Status, attempt: int) -> tuple[int, int]:
    """Sort key of a status of an attempt: the greatest one of a send is where it stands."""
    rank = RANK[status]
    return (1 << 16 if rank >= EVIDENCE else attempt, rank)
