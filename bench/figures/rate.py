"""Whether an account's rate is kept: SMS at 200 a second, by the times at which the provider received them."""

from __future__ import annotations

from datetime import datetime

from bench.campaigns import Desk, sent
from bench.figure import Figure, Scale
from bench.people import sms_campaign
from bench.stage import SMS_RATE, Whole

CAMPAIGN = "bench-rate"
LEAST_USE_PCT = 95
WINDOW_S = 1.0
WHOLE_SHARE = 0.85
"""Until so much is sent each partition has work; then one after the other runs dry."""


async def measure(stage: Whole, scale: Scale) -> list[Figure]:
    people = SMS_RATE * scale.rate_s
    async with stage.rest() as rest:
        desk = Desk(stage, rest)
        await desk.launch(sms_campaign(CAMPAIGN, people))
        await desk.until(CAMPAIGN, lambda stats: sent(stats) >= people)
        times = await desk.received(CAMPAIGN)
    fullest = fullest_window(times)
    return [
        Figure("rate_use_pct", use_pct(times), target=LEAST_USE_PCT),
        Figure(
            "rate_overshoot_messages",
            max(0, fullest - SMS_RATE),
            target=0,
            lower_is_better=True,
            more={"rate_limit_per_s": SMS_RATE, "rate_fullest_window_messages": fullest},
        ),
    ]


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
