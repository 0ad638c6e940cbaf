"""Fallbacks in a row: the steps that stand in for one message, and whether one of them has reached the person.

A fallback goes to those whom the preceding step has not reached. Where that step is a fallback itself, it may have been
suppressed just because an earlier one had arrived: so all are looked at, from the first message of the chain on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final, Protocol

from schemas.status import EVIDENCE, OPEN, RANK, Status
from services.domain.eligibility.record import Record, Send

_BOUNCED: Final = RANK[Status.BOUNCED]
_OPEN: Final = frozenset(RANK[status] for status in OPEN)


class HasCondition(Protocol):
    @property
    def only_if(self) -> str: ...


def head_of(steps: Sequence[HasCondition], number: int) -> int:
    """The first step of the chain that step `number` (1, 2, ...) belongs to: itself where it is no fallback."""
    while number > 1 and steps[number - 1].only_if == "not_delivered":
        number -= 1
    return number


def conditions(steps: Sequence[HasCondition], number: int) -> tuple[str, int]:
    """`Send.only_if` and `Send.head` of a send of this step."""
    head = head_of(steps, number)
    return steps[head - 1].only_if, head if head < number else 0


def delivered(send: Send | None) -> bool:
    """Did it reach the person, for all that is known?"""
    return send is not None and send.state >= EVIDENCE and send.state != _BOUNCED


def reached_by(record: Record, send_id: str, head: int) -> int:
    """The first step from `head` to before this send's own that has reached the person; 0: none has."""
    return next((number for number, send in _before(record, send_id, head) if delivered(send)), 0)


def unresolved(record: Record, send_id: str, head: int) -> int:
    """The first such step of which it is open whether it goes out or went out; 0: none. One of which nothing is known
    is open too: it was asked for, and has not been judged yet."""
    return next((number for number, send in _before(record, send_id, head) if send is None or send.state in _OPEN), 0)


def _before(record: Record, send_id: str, head: int) -> Iterator[tuple[int, Send | None]]:
    campaign, step, contact = send_id.split("/", 2)
    for number in range(head, int(step)):
        yield number, record.sends.get(f"{campaign}/{number}/{contact}")
