"""How long a preview of an audience takes among many people: everybody, and by conditions; and while some were told of
since. Reckoned up to ten million on the line through two sizes.
"""

from __future__ import annotations

import os
import statistics
import time
from datetime import UTC, datetime
from typing import Any

from clickhouse_connect.driver.asyncclient import AsyncClient

from bench.figure import Figure, Scale
from bench.stage import Bare, clickhouse
from schemas import AudienceFilter, Channel
from services.domain.reach import by_channel, matched
from services.runtime.reaching import Rows, reach_rows
from services.tracker.compaction import Compaction
from services.tracker.store import Store

TARGET_S, OF = 1.0, 10_000_000
FEW_TOLD, MANY_TOLD = 1_000, 100_000
"""People of whom something was said since the base was worked out."""
AT_ONCE = 500_000
"""People put there by one statement, within the embedded engine's memory for one."""
RUNS = 7
PART = 4
"""The smaller size is this part of the larger."""
PEOPLE = """
INSERT INTO contacts (recipient_id, brand, name, email, phone, role, city, pincode, zone, last_active_at, attributes,
                      lists, version)
SELECT concat('default/c-', toString(number)), 'default', concat('Asha ', toString(number % 1000)),
       if(number % 20 = 0, '', concat('c-', toString(number - (number % 50 = 1)), '@example.com')),
       if(number % 10 = 0, '', concat('+9198', leftPad(toString(number), 8, '0'))),
       if(number % 5 = 0, 'partner', 'customer'), ['Pune', 'Mumbai', 'Delhi'][number % 3 + 1],
       toString(411000 + number % 500), 'Asia/Kolkata', now64(3) - (number % 100) * 86400,
       concat('{"plan":"', if(number % 5 = 0, 'gold', 'free'), '","visits":', toString(number % 10), '}'),
       if(number % 7 = 0, ['spring'], []), 1
FROM numbers({first:UInt64}, {count:UInt64})
"""
CONSENTS = """
INSERT INTO consents (recipient_id, brand, channel, purpose, state, reason, at, source)
SELECT concat('default/c-', toString(number)), 'default', if(number % 11 = 0, 'all', 'sms'), 'marketing',
       if(number % 13 = 0, 'opted_out', 'opted_in'), if(number % 13 = 0, 'opted_out', ''), now64(3), 'bench'
FROM numbers({first:UInt64}, {count:UInt64}) WHERE number % 3 != 0
"""
LONG_AGO = ("TRUNCATE TABLE reach_changes", "OPTIMIZE TABLE contacts FINAL")
"""As if all of it had been told long ago: the engine merges the base by itself after six quiet hours."""
FILTERS: dict[str, dict[str, Any]] = {
    "everybody": {},
    "conditions": {"cities": ["Pune", "Mumbai"], "active_within_days": 30, "attributes": {"plan": ["gold", "silver"]}},
    "nested": {"any": [{"lists": ["spring"]}, {"attributes": {"visits": {"at_least": 8}}}], "not": {"role": "partner"}},
}
CHANNELS = (Channel.EMAIL, Channel.SMS, Channel.WHATSAPP)


async def measure(stage: Bare, scale: Scale) -> list[Figure]:
    count = int(os.environ.get("PEAL_BENCH_PEOPLE", 2 * scale.recovered))
    few = count // PART
    async with clickhouse(stage) as client:
        await _people(client, 0, few)
        small = {name: await _median(client, name) for name in FILTERS}
        worked_out = await _people(client, few, count - few)
        large = {name: await _median(client, name) for name in FILTERS}
        more = {"audience_worked_out_s": worked_out}
        for told in (FEW_TOLD, MANY_TOLD):
            await client.command(CONSENTS, parameters={"first": 0, "count": told * 3 // 2})
            more |= {f"audience_{name}_{told}_told_measured_s": await _median(client, name) for name in FILTERS}
    figures = [_figure(f"audience_{name}", small[name], large[name], few, count) for name in FILTERS]
    return [Figure(**(vars(figures[0]) | {"more": {**figures[0].more, **more}})), *figures[1:]]


async def _people(client: AsyncClient, first: int, count: int) -> float:
    """Puts people there, and all that is known of them into the base; how long the second took, seconds."""
    for begin in range(first, first + count, AT_ONCE):
        some = {"first": begin, "count": min(AT_ONCE, first + count - begin)}
        await client.command(PEOPLE, parameters=some)
        await client.command(CONSENTS, parameters=some)
    compaction, began = Compaction(Store(client), 1, lambda: True), time.perf_counter()
    while (await client.query("SELECT count() FROM contacts WHERE reach = 0")).result_rows[0][0]:
        await compaction.compact()
    took = time.perf_counter() - began
    for statement in LONG_AGO:
        await client.command(statement)
    return took


async def _median(client: AsyncClient, name: str) -> float:
    times = []
    for _ in range(RUNS):
        began = time.perf_counter()
        await _preview(client, FILTERS[name])
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def _figure(key: str, small: float, large: float, few: int, many: int) -> Figure:
    """On the line through both sizes: what a query costs however few there are counts once."""
    each = max(0.0, (large - small) / (many - few))
    more = {f"{key}_measured_s": large, f"{key}_measured_people": many}
    reckoned = large + each * (OF - many)
    return Figure(f"{key}_10m_s", reckoned, target=TARGET_S, lower_is_better=True, more=more)


async def _preview(client: AsyncClient, given: dict[str, Any]) -> int:
    async def ask(query: str, parameters: dict[str, Any]) -> Rows:
        settings = {"use_query_condition_cache": 0}  # nobody asks the same seven times
        return (await client.query(query, parameters=parameters, settings=settings)).result_rows

    rows = await reach_rows(ask, AudienceFilter.model_validate(given), "default", (), datetime.now(UTC))
    found = by_channel(rows, CHANNELS, ("sms", "whatsapp"))
    assert all(reach.reachable + sum(reach.dropped.values()) == matched(rows) for reach in found.values())
    return matched(rows)
