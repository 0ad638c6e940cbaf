"""Whom a filter means and whom each channel reaches, as ClickHouse knows the people now."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from schemas import AudienceFilter, Channel
from schemas.limits import Cap
from services.console.hub import Hub
from services.console.problems import rejected_fields
from services.domain.audience import KNOWN_CAMPAIGNS, named_campaigns
from services.domain.brands import brand_named
from services.domain.campaigns import check_filter
from services.domain.reach import Reach, by_channel, matched
from services.runtime.reaching import reach_rows


@dataclass(frozen=True)
class Found:
    matched: int
    by_channel: dict[Channel, Reach]


async def reach_of(
    hub: Hub, brand_id: str, audience: AudienceFilter, channels: Iterable[Channel], kind: str, caps: Sequence[Cap] = ()
) -> Found:
    """In one query for all channels. `caps`: empty: the brand's. Raises `Problem` 422 and 503."""
    await require_sound(hub, brand_id, audience)
    brand, transactional = brand_named(hub.brands.items, brand_id), kind == "transactional"
    caps = () if transactional else caps or brand.limits.caps
    rows = await reach_rows(hub.ask, audience, brand_id, caps, hub.now())
    needs_opt_in = () if transactional else brand.opt_in_channels
    return Found(matched(rows), by_channel(rows, channels, needs_opt_in))


async def require_sound(hub: Hub, brand_id: str, audience: AudienceFilter) -> None:
    """Raises `Problem` 422."""
    if errors := check_filter(audience, await known_campaigns(hub, brand_id, audience)):
        raise rejected_fields(errors)


async def known_campaigns(hub: Hub, brand_id: str, audience: AudienceFilter) -> set[str]:
    """Of those that a filter names, the brand's."""
    named = list(named_campaigns(audience))
    rows = await hub.tuples(KNOWN_CAMPAIGNS, brand=brand_id, campaigns=named) if named else []
    return {row[0] for row in rows}
