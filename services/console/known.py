"""Names that a brand's people have: attributes, cities, lists. Asked for seldom, however many people type."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Final

import structlog

from services.console.hub import Hub
from services.console.problems import Problem
from services.domain.audience import ATTRIBUTE_NAMES, CONTACT_FIELDS
from services.runtime.clock import boot_seconds

log = structlog.get_logger("console")
FRESH_S: Final = 20.0
FIRST_S: Final = 2.0
"""How long somebody waits for the first answer."""


@dataclass
class _Names:
    names: frozenset[str] | None = None
    asked_s: float = field(default=-FRESH_S)
    task: asyncio.Task[None] | None = None


class KnownNames:
    """What placeholders may be called, by brand."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._brands: dict[str, _Names] = {}

    async def of(self, brand: str) -> frozenset[str] | None:
        """As of at most a few questions ago; None: ClickHouse has not answered so far. Never raises."""
        known = self._brands.setdefault(brand, _Names())
        if known.task is None and boot_seconds() - known.asked_s >= FRESH_S:
            known.asked_s = boot_seconds()
            known.task = asyncio.create_task(self._ask(brand, known))
        if known.names is None and known.task is not None:
            await asyncio.wait({known.task}, timeout=FIRST_S)
        return known.names

    async def _ask(self, brand: str, known: _Names) -> None:
        try:
            rows = await self._hub.tuples(ATTRIBUTE_NAMES, brand=brand)
            known.names = CONTACT_FIELDS | {row[0] for row in rows}
        except Problem as problem:
            log.warning("attribute names are not known now", brand=brand, problem=problem.detail)
        finally:
            known.task = None
