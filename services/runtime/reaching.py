"""How many people of a filter each channel reaches now, asked of ClickHouse."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

from schemas import AudienceFilter
from schemas.limits import Cap
from services.domain.audience import filter_parameters
from services.domain.reach import TOLD, counting

Rows = Sequence[Sequence[Any]]
Ask = Callable[[str, dict[str, Any]], Awaitable[Rows]]
"""A query with its parameters."""


async def reach_rows(ask: Ask, audience: AudienceFilter, brand: str, caps: Sequence[Cap], now: datetime) -> Rows:
    """For `reach.matched` and `reach.by_channel`. Raises what `ask` raises."""
    told = [name for (name,) in await ask(TOLD, {})]
    return await ask(counting(audience, caps, told), filter_parameters(audience, brand, now))
