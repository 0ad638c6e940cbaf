"""What the lanes of one account share."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from services.runtime.dead_letters import PoisonWatch
from services.senders.calls import Caller
from services.senders.contents import ContentBook
from services.senders.items import Item
from services.senders.knowledge import KnowledgeBase
from services.senders.pace import Pace
from services.senders.reporting import Reporter


@dataclass
class Workplace:
    topic: str
    lease_s: float
    stale_after: float
    knowledge: KnowledgeBase
    contents: ContentBook
    pace: Pace
    caller: Caller
    reporter: Reporter
    watch: PoisonWatch
    rendering: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Held by the lane that renders."""
    broken: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when this membership of the group must end and a new one begin."""

    def prepare(self, item: Item) -> None:
        """Render an item that may be called."""
        if item.content is None and (campaign := self.knowledge.record(item.sure)) is not None:
            self.contents.prepare(item, campaign, self.knowledge.brand(campaign))
