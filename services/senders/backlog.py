"""What of one partition is read and not over: fetched in order, rendered ahead, taken in groups."""

from __future__ import annotations

import asyncio
from collections import deque
from itertools import islice

from aiokafka.errors import NoOffsetForPartitionError, OffsetOutOfRangeError

from services.runtime.errors import exit_fatally
from services.senders.core.doorstep import Do
from services.senders.core.groups import Group, Sizes, take
from services.senders.core.progress import Position, priced
from services.senders.items import Item
from services.senders.reader import Reader
from services.senders.workplace import Workplace

SLICE = 200


class Backlog:
    def __init__(self, place: Workplace, reader: Reader, sizes: Sizes) -> None:
        self.place, self.reader, self.sizes = place, reader, sizes
        self.items: deque[Item] = deque()
        """The first is at the position's `next`."""

    def __len__(self) -> int:
        return len(self.items)

    async def fill(self, position: Position) -> None:
        """Read on, if there is less than a group."""
        if len(self.items) < max(self.sizes):
            await self.fetch(position)

    async def fetch(self, position: Position) -> None:
        try:
            self.items.extend(await self.reader.fetch(position.next + len(self.items)))
        except (NoOffsetForPartitionError, OffsetOutOfRangeError) as error:
            tp = self.reader.tp
            exit_fatally(f"{tp.topic}-{tp.partition}: {error!r}: run `peal repair`")

    async def prepare(self) -> None:
        """Render what the next group may hold, a slice at a time and one lane after the other: a loop that is busy for
        long lets calls leave later than they were stamped, and looks like a suspension."""
        unprepared = [i for i in islice(self.items, max(self.sizes)) if i.message is not None and i.content is None]
        for start in range(0, len(unprepared), SLICE):
            async with self.place.rendering:
                door = self.place.knowledge.door(self.place.stale_after)
                for item in unprepared[start : start + SLICE]:
                    if door(item.sure).do is Do.CALL:
                        self.place.prepare(item)
                await asyncio.sleep(0)

    def take(self, position: Position, most: int | None = None) -> Group[Item]:
        """The next group, of at most `most` messages to call."""
        door = self.place.knowledge.door(self.place.stale_after)
        sizes = self.sizes if most is None else Sizes(min(most, self.sizes.alone), min(most, self.sizes.together))

        def judge(item: Item) -> Do:
            message = item.sure
            found = door(message)
            if found.do is Do.CALL:
                self.place.prepare(item)
                found = priced(found, item.cost_micros, message.reserved_micros)
            item.reason = found.reason
            return found.do

        return take(self.items, position.next, position.seen, sizes, judge)

    def drop(self, position: Position) -> None:
        """Forget what is over."""
        while self.items and self.items[0].offset < position.next:
            self.items.popleft()
