"""When ClickHouse may be asked what is left, and what to do with what it answers.

The barrier (rule 4 of the design): first the router has passed everything asked for, then router and tracker have
passed everything that came of it. Only then does silence about a send mean that it was never routed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum

Offsets = Mapping[tuple[str, int], int]
"""(topic, partition) -> offset."""

RETRY_PAUSES = (timedelta(minutes=1), timedelta(minutes=5), timedelta(minutes=15), timedelta(minutes=60))
MOST_RETRIES = 5
"""After so many retryable failures of a send it is `failed(exhausted)`."""


def passed(committed: Offsets, ends: Offsets) -> bool:
    """A group with these commits has read all that was before these ends."""
    return all(committed.get(key, 0) >= end for key, end in ends.items())


class RetryAction(Enum):
    WAIT = "wait"
    EXPAND = "expand"
    GIVE_UP = "give_up"


@dataclass(frozen=True)
class RetryableSend:
    """A send that stands at `failed_retryable`: its ordinal, the attempt, how often so far and when last."""

    ord: int
    attempt: int
    failures: int
    failed_at: datetime


def retry_action(send: RetryableSend, now: datetime) -> RetryAction:
    """Growing pauses: 1, 5, 15, 60 minutes by the number of failures; after five, no more."""
    if send.failures >= MOST_RETRIES:
        return RetryAction.GIVE_UP
    pause = RETRY_PAUSES[min(send.failures, len(RETRY_PAUSES)) - 1]
    return RetryAction.EXPAND if now >= send.failed_at + pause else RetryAction.WAIT


@dataclass(frozen=True)
class StepFindings:
    """What ClickHouse says of a step after a barrier: ordinals below the cursor that are to be expanded again."""

    silent: tuple[int, ...]
    """Nothing is known of them: the same attempt again (1: a send that had one has left a trace)."""
    recalled: tuple[tuple[int, int], ...]
    """(ordinal, attempt that was given back)."""
    retryable: tuple[RetryableSend, ...]
    over_budget: tuple[tuple[int, int], ...]
    """(ordinal, attempt) that found no money; asked for only when the budget was raised."""
    open_count: int
    """Sends that are not settled, all of the above included, and those under way or uncertain."""
    queued_count: int = 0
    """Those that are routed and not yet at their end: their reserves stand."""
    dead_lettered: tuple[tuple[int, int], ...] = ()
    """(ordinal, attempt) that ended as a dead letter; asked for only when somebody wants it tried again."""
    silent_count: int = 0
    """All below the cursor of whom nothing is known, also those who may not be asked for now."""


@dataclass(frozen=True, order=True)
class Again:
    """A send to expand again."""

    ord: int
    attempt: int
    reopen: bool = False


def again(findings: StepFindings, now: datetime) -> tuple[list[Again], list[RetryableSend]]:
    """What to expand, by ordinal; and the sends to give up on."""
    expand = [Again(ord_, 1) for ord_ in findings.silent]
    expand += [Again(ord_, attempt + 1) for ord_, attempt in findings.recalled]
    given_up = (*findings.over_budget, *findings.dead_lettered)
    expand += [Again(ord_, attempt + 1, reopen=True) for ord_, attempt in given_up]
    give_up = []
    for send in findings.retryable:
        match retry_action(send, now):
            case RetryAction.EXPAND:
                expand.append(Again(send.ord, send.attempt + 1))
            case RetryAction.GIVE_UP:
                give_up.append(send)
            case RetryAction.WAIT:
                pass
    return sorted(expand), give_up


def finished(cursors: Iterable[tuple[int, int]], findings: Iterable[StepFindings]) -> bool:
    """All steps are at their end (cursor, count), and nothing of them is open."""
    return all(cursor >= count for cursor, count in cursors) and all(found.open_count == 0 for found in findings)
