"""What the lanes of one account share."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from services.runtime.dead_letters import PoisonWatch
from services.senders.calls import Caller
from services.senders.contents import ContentBook
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
    broken: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when this membership of the group must end and a new one begin."""
