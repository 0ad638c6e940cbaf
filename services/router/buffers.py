"""What was fetched and not yet judged, for one assignment; and how far each topic and partition has come. No I/O.

Opt-outs first: a partition's requests are held back behind a gate until everything that the topics of `first` held when
those requests were in hand has been applied.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from aiokafka import TopicPartition

FULL_RECORDS = 8192
FULL_BYTES = 32 << 20
"""In hand of one topic and partition: beyond either, it is paused."""


class Share(NamedTuple):
    """One partition's part of a round: all of `first` is to be applied before any of `then`."""

    partition: int
    first: list[Any]
    then: list[Any]


class _Gate(NamedTuple):
    held: int
    """Requests behind this gate, counted from the oldest."""
    ends: dict[TopicPartition, int]
    """Offsets up to which `first` must be applied before they may pass."""


def _size(records: Iterable[Any]) -> int:
    return sum(len(record.value or b"") for record in records)


class Buffers:
    """Filled by the consumer's thread (`extend`), emptied by the agent's (all else): each field has one writer."""

    def __init__(self, first: Iterable[str], then: str, committed: Mapping[TopicPartition, int]) -> None:
        self.first, self.then = tuple(first), then
        self.partitions = sorted({tp.partition for tp in committed})
        self.waiting: dict[TopicPartition, deque[Any]] = {tp: deque() for tp in committed}
        self.position = dict(committed)
        """Next offset to fetch."""
        self.done = dict(committed)
        """Next offset to commit."""
        self.committed = dict(committed)
        self._taken: dict[TopicPartition, int] = {}
        self._gates: dict[int, _Gate] = {}
        self._bytes_in = dict.fromkeys(committed, 0)
        self._bytes_out = dict.fromkeys(committed, 0)

    def extend(self, tp: TopicPartition, records: list[Any], position: int) -> bool:
        """Add a fetch that ends before `position`. Says whether this partition is full."""
        waiting = self.waiting[tp]
        if records:
            waiting.extend(records)
            self._bytes_in[tp] += _size(records)
        self.position[tp] = position  # after the records: see `reached`
        return len(waiting) > FULL_RECORDS or self._bytes_in[tp] - self._bytes_out[tp] > FULL_BYTES

    def empty(self) -> bool:
        return not any(self.waiting.values())

    def ungated(self) -> dict[int, list[TopicPartition]]:
        """Partition -> topics of `first` whose ends are to be asked for, where requests lie in hand without a gate."""
        return {
            tp.partition: [TopicPartition(topic, tp.partition) for topic in self.first]
            for tp, waiting in self.waiting.items()
            if tp.topic == self.then and waiting and tp.partition not in self._gates
        }

    def in_hand(self, partition: int) -> int:
        return len(self.waiting[TopicPartition(self.then, partition)])

    def set_gate(self, partition: int, held: int, ends: dict[TopicPartition, int]) -> None:
        """`held` requests were in hand before `ends` were asked for. The gate stands until they are through: under load
        a newer one each round would never be reached."""
        self._gates[partition] = _Gate(held, ends)

    def take(self, size: int) -> list[Share]:
        """The next round: at most `size` records of a topic and partition."""
        shares = [self._share(partition, size) for partition in self.partitions]
        return [share for share in shares if share.first or share.then]

    def finish(self) -> None:
        """What was taken is judged, written and acked."""
        self.done |= self._taken
        self._taken = {}

    def to_commit(self) -> dict[TopicPartition, int]:
        return {tp: offset for tp, offset in self.done.items() if offset > self.committed[tp]}

    def _share(self, partition: int, size: int) -> Share:
        first = [record for topic in self.first for record in self._pop(TopicPartition(topic, partition), size)]
        gate = self._gates.get(partition)
        if gate is None or not all(self._reached(tp) >= end for tp, end in gate.ends.items()):
            return Share(partition, first, [])
        then = self._pop(TopicPartition(self.then, partition), min(gate.held, size))
        left = gate.held - len(then)
        if left:
            self._gates[partition] = _Gate(left, gate.ends)
        else:
            del self._gates[partition]
        return Share(partition, first, then)

    def _pop(self, tp: TopicPartition, count: int) -> list[Any]:
        waiting = self.waiting[tp]
        records = [waiting.popleft() for _ in range(min(count, len(waiting)))]
        if records:
            self._taken[tp] = records[-1].offset + 1
            self._bytes_out[tp] += _size(records)
        return records

    def _reached(self, tp: TopicPartition) -> int:
        """Up to where this round applies it. Not "last offset + 1": a topic may end in transaction markers, which no
        consumer ever sees."""
        position, waiting = self.position[tp], self.waiting[tp]  # in this order: a fetch fills first, then moves on
        return int(waiting[0].offset) if waiting else position
