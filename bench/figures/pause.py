"""How long after the acceptance of a pause the last message reached a provider, in a campaign at full speed."""

from __future__ import annotations

import asyncio

from bench.campaigns import Desk
from bench.figure import Figure, Scale
from bench.people import ensure_people, mail_campaign
from bench.stage import Whole, clickhouse

CAMPAIGN, PAUSES, LATENCY_MS = "bench-pause", 3, 50
WATCH_S, LIMIT_S = 2.5, 1.0
PATIENCE_S, LOOK_S = 120.0, 0.01


async def measure(stage: Whole, scale: Scale) -> list[Figure]:
    async with clickhouse(stage) as client:
        await ensure_people(client, scale.people)
    async with stage.rest() as rest:
        desk = Desk(stage, rest)
        await desk.set_world(latency_ms=LATENCY_MS)
        before = await desk.received_count()
        await desk.launch(mail_campaign(CAMPAIGN))
        late: list[float] = []
        for number in range(PAUSES):
            late.append(await _pause(desk, before + (1 + 2 * number) * scale.people // 10))
            left = scale.people - (await desk.received_count() - before)
            await desk.order(CAMPAIGN, "resume")
        await desk.order(CAMPAIGN, "cancel")
        await desk.set_world()
    if not left:
        raise RuntimeError("the last pause came when everything had been sent: it proves nothing")
    more = {f"pause_{number}_last_call_s": seconds for number, seconds in enumerate(late, 1)}
    more["pause_messages_held_back"] = left
    return [Figure("pause_last_call_s", max(late), target=LIMIT_S, lower_is_better=True, more=more)]


async def _pause(desk: Desk, at_count: int) -> float:
    """Pause as soon as so many have been received; seconds from the acceptance to the last arrival, 0 for none."""
    async with asyncio.timeout(PATIENCE_S):
        while await desk.received_count() < at_count:
            await asyncio.sleep(LOOK_S)
    accepted_at = await desk.order(CAMPAIGN, "pause")
    await asyncio.sleep(WATCH_S)
    times = await desk.received(CAMPAIGN, accepted_at)
    return max([(at - accepted_at).total_seconds() for at in times], default=0.0)
