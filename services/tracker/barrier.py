"""Waits until groups have come to where topics end now: what was written before is then known, or is over."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from typing import Final

from aiokafka import TopicPartition

from schemas.topics import SEND_TOPIC_PATTERN, load_topics
from services.runtime.clock import boot_seconds
from services.runtime.places import committed_by, existing_topics, log_bounds
from services.runtime.settings import Settings

_LOOK_S: Final = 0.5


class Barrier:
    def __init__(self, settings: Settings, patience_s: float = 60.0) -> None:
        self.settings, self.patience_s = settings, patience_s

    async def send_topics(self) -> list[str]:
        """Every account's."""
        return sorted(t for t in await existing_topics(self.settings) if re.match(SEND_TOPIC_PATTERN, t))

    async def passed(self, topics: Iterable[str], *groups: str) -> None:
        """Until these groups have committed what these topics hold now. Raises TimeoutError after `patience_s`."""
        wanted = [TopicPartition(topic, number) for topic in topics for number in range(load_topics().partitions)]
        _, ends = await log_bounds(self.settings, wanted)
        deadline = boot_seconds() + self.patience_s
        for group in groups:
            while True:
                known = await committed_by(self.settings, group)
                behind = [tp for tp, end in ends.items() if end and (tp not in known or known[tp].offset < end)]
                if not behind:
                    break
                if boot_seconds() > deadline:
                    raise TimeoutError(f"{group} has not come to the end of {behind[0].topic}")
                await asyncio.sleep(_LOOK_S)
