"""Whether an account's rate is kept: SMS at 200 a second, by the times at which the provider received them.

By one sender, by two and by four who share it, each at rest; and while they come and go, 1, 2, 4, 1, where only the
limit counts, not its use.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack
from datetime import datetime

from bench.campaigns import Desk, sent
from bench.figure import Figure, Scale
from bench.people import sms_campaign
from bench.stage import MOST_INSTANCES, SMS_RATE, Service, Whole

LEAST_USE_PCT = 95
WINDOW_S = 1.0
WHOLE_SHARE = 0.85
"""Until so much is sent each partition has work; then one after the other runs dry."""
SENDER, METRIC = "sender-sms", 'peal_rate_limit_per_s{account="default"'
SHARED_S, LOOK_S = 60.0, 0.1


async def measure(stage: Whole, scale: Scale) -> list[Figure]:
    people = SMS_RATE * scale.rate_s
    figures, fullest = list[Figure](), dict[str, int]()
    async with stage.rest() as rest:
        desk = Desk(stage, rest)
        for senders in (1, 2, MOST_INSTANCES):
            async with AsyncExitStack() as running:
                await _share(stage, [await _start(running, stage, n) for n in range(1, senders)])
                campaign_id = f"bench-rate-{senders}"
                await desk.launch(sms_campaign(campaign_id, people))
                await desk.until(campaign_id, lambda stats: sent(stats) >= people)
                times = await desk.received(campaign_id)
            name = "rate" if senders == 1 else f"rate_{senders}_senders"
            figures.append(Figure(f"{name}_use_pct", use_pct(times), target=LEAST_USE_PCT))
            fullest[f"{name}_fullest_window_messages"] = fullest_window(times)
        fullest["rate_rebalanced_fullest_window_messages"] = fullest_window(await _rebalanced(desk, stage, 2 * people))
    most = max(fullest.values())
    more = {"rate_limit_per_s": float(SMS_RATE), **{key: float(value) for key, value in fullest.items()}}
    overshoot = max(0, most - SMS_RATE)
    return [*figures, Figure("rate_overshoot_messages", overshoot, target=0, lower_is_better=True, more=more)]


async def _rebalanced(desk: Desk, stage: Whole, people: int) -> list[datetime]:
    """Arrivals while a second sender comes, two more come, and all three go."""
    campaign_id = "bench-rate-rebalanced"
    await desk.launch(sms_campaign(campaign_id, people))
    await desk.until(campaign_id, lambda stats: sent(stats) > 0)
    async with AsyncExitStack() as running:
        others = [await _start(running, stage, 1)]
        await _share(stage, others)
        others += [await _start(running, stage, number) for number in range(2, MOST_INSTANCES)]
        await _share(stage, others)
        if sent(await desk.stats(campaign_id)) >= people:
            raise RuntimeError("the campaign was through before all senders had come: it proves nothing")
    await desk.until(campaign_id, lambda stats: sent(stats) >= people)
    return await desk.received(campaign_id)


async def _start(running: AsyncExitStack, stage: Whole, instance: int) -> Service:
    service = await running.enter_async_context(stage.service(SENDER, instance))
    await service.wait_ready()
    return service


async def _share(stage: Whole, others: list[Service]) -> None:
    """Until each has a part of the rate, and all together have the whole."""
    deadline, told = time.monotonic() + SHARED_S, 0.0
    async with stage.rest() as rest:
        while told < SMS_RATE or not all([await one.metric(METRIC) for one in others]):
            if time.monotonic() > deadline:
                raise RuntimeError(f"{1 + len(others)} senders share {told} of {SMS_RATE} a second")
            await asyncio.sleep(LOOK_S)
            first = await rest.get(f"http://127.0.0.1:{stage.ports.metrics(SENDER)}/metrics")
            told = _rate(first.text) + sum([await one.metric(METRIC) for one in others])


def _rate(text: str) -> float:
    return sum(float(line.split()[-1]) for line in text.splitlines() if line.startswith(METRIC))


def fullest_window(times: list[datetime]) -> int:
    """The most messages in any second, wherever it begins. `times` in order."""
    first, most = 0, 0
    for last, at in enumerate(times):
        while (at - times[first]).total_seconds() >= WINDOW_S:
            first += 1
        most = max(most, last - first + 1)
    return most


def use_pct(times: list[datetime]) -> float:
    """Share of the limit used while there was work everywhere, without the first second, which fills the buckets."""
    whole = times[: int(len(times) * WHOLE_SHARE)]
    counted = [at for at in whole if (at - times[0]).total_seconds() >= WINDOW_S]
    return 100 * (len(counted) - 1) / (counted[-1] - counted[0]).total_seconds() / SMS_RATE
