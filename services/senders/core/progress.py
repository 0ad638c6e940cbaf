"""How far a partition is, and what may be committed behind it: the lane's own rules, without the lane."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from services.domain.marks import Mark
from services.senders.core.doorstep import CALL, OVER_RESERVE, Do, Verdict
from services.senders.core.groups import Group, T
from services.senders.core.outcomes import Outcome, Uncertain, spent


class Position(NamedTuple):
    """`next`: the first offset that is not over. `seen`: the greatest request offset of what is."""

    next: int = 0
    seen: int = -1

    def intent(self, group: Group[T]) -> Mark:
        """What is committed at `next` before the deed."""
        return Mark(self.seen, group.do, group.through)

    def rest(self) -> Mark:
        """What is committed at `next` where nothing is under way."""
        return Mark(self.seen)


def priced(found: Verdict, cost_micros: int, reserved_micros: int) -> Verdict:
    """The doorstep's verdict, once it is known what the message really costs."""
    return OVER_RESERVE if found == CALL and cost_micros > reserved_micros else found


def over(group: Group[T], outcomes: Sequence[Outcome]) -> int:
    """How many leading messages of the group are to be told of and are over then; the rest is retracted."""
    return len(group.work) if group.do is Do.RETURN else spent(outcomes)


def behind(position: Position, group: Group[T], count: int) -> Position:
    """Where the partition stands when the first `count` of the group are over."""
    told = [item.message.request_offset for item in group.work[:count] if item.message is not None]
    through = group.work[count].offset if count < len(group.work) else group.through + 1
    return Position(through, max([position.seen, *told]))


def recovered(group: Group[T]) -> list[Outcome]:
    """What a new owner says of what the last one declared: never a call, so that what may have left is uncertain."""
    return [Uncertain("recovered")] * len(group.work) if group.do is Do.CALL else []
