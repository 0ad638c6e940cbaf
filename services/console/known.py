"""Names that a brand's people have: attributes, cities, lists. Asked for seldom, however many people type."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

import structlog

from services.console.hub import Hub, Row
from services.console.problems import Problem
from services.console.queries import audience as queries
from services.domain.audience import ATTRIBUTE_NAMES, CONTACT_FIELDS
from services.runtime.clock import boot_seconds

log = structlog.get_logger("console")
FRESH_S: Final = 20.0
FIRST_S: Final = 2.0
"""How long somebody waits for the first answer."""
T = TypeVar("T")


@dataclass
class _Latest(Generic[T]):
    value: T | None = None
    asked_s: float = field(default=-FRESH_S)
    task: asyncio.Task[None] | None = None


class Remembered(Generic[T]):
    """A brand's answer, as of at most a few questions ago: who asks gets the last one, and begins the next."""

    def __init__(self, ask: Callable[[str], Awaitable[T]]) -> None:
        self._ask = ask
        self._brands: dict[str, _Latest[T]] = {}

    async def of(self, brand: str) -> T | None:
        """None: there has been no answer so far. Never raises."""
        latest = self._brands.setdefault(brand, _Latest())
        if latest.task is None and boot_seconds() - latest.asked_s >= FRESH_S:
            latest.asked_s = boot_seconds()
            latest.task = asyncio.create_task(self._renew(brand, latest))
        if latest.value is None and latest.task is not None:
            await asyncio.wait({latest.task}, timeout=FIRST_S)
        return latest.value

    async def _renew(self, brand: str, latest: _Latest[T]) -> None:
        try:
            latest.value = await self._ask(brand)
        except Problem as problem:
            log.warning("a brand's names are not known now", brand=brand, problem=problem.detail)
        finally:
            latest.task = None


@dataclass(frozen=True)
class Offers:
    """What a filter of the brand's people may name; those with people come with how many."""

    cities: list[Row]
    lists: list[Row]
    attributes: list[str]


class KnownNames:
    """What placeholders may be called, and what filters may name, by brand."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._names = Remembered(self._ask_names)
        self._offers = Remembered(self._ask_offers)

    async def of(self, brand: str) -> frozenset[str] | None:
        """Names of placeholders; None: not known so far."""
        return await self._names.of(brand)

    async def offers(self, brand: str) -> Offers | None:
        return await self._offers.of(brand)

    async def _ask_names(self, brand: str) -> frozenset[str]:
        return CONTACT_FIELDS | {row[0] for row in await self._hub.tuples(ATTRIBUTE_NAMES, brand=brand)}

    async def _ask_offers(self, brand: str) -> Offers:
        cities, lists, names = await asyncio.gather(
            self._hub.rows(queries.CITIES, brand=brand),
            self._hub.rows(queries.LISTS, brand=brand),
            self._hub.tuples(ATTRIBUTE_NAMES, brand=brand),
        )
        return Offers(cities, lists, sorted({row[0] for row in names}))
