"""A timing wheel: things that fall due later, taken out in the order of their ticks."""

from __future__ import annotations

import heapq
from typing import Generic, TypeVar

Item = TypeVar("Item")


class Wheel(Generic[Item]):
    """Adding costs next to nothing, since all that falls due within one tick shares a list. Times are seconds."""

    def __init__(self, tick: float = 0.02) -> None:
        self._tick = tick
        self._slots: dict[int, list[Item]] = {}
        self._order: list[int] = []
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, due: float, item: Item) -> None:
        """Keep the item until `due`; it comes at most one tick later."""
        slot = int(due / self._tick) + 1
        items = self._slots.get(slot)
        if items is None:
            self._slots[slot] = [item]
            heapq.heappush(self._order, slot)
        else:
            items.append(item)
        self._count += 1

    def pop(self, now: float) -> list[Item]:
        """Everything that is due, earliest tick first."""
        due: list[Item] = []
        while self._order and self._order[0] * self._tick <= now:
            due.extend(self._slots.pop(heapq.heappop(self._order)))
        self._count -= len(due)
        return due
