"""Whether anybody waits for somebody else: beside an account that its provider throttles, and beside a huge campaign.

The first: small campaigns one after the other, each timed from its acceptance to each arrival, before and while another
account of the same channel (in the same process) has thousands waiting and gets 429 for nearly every call. The second:
one of 100 people beside one of many thousands on the same account.
"""

from __future__ import annotations

from datetime import datetime

from bench.accounts import SECOND, SECOND_SID, connect_second
from bench.campaigns import Desk, sent
from bench.figure import Figure, Scale
from bench.people import ensure_people, sms_campaign
from bench.stage import SMS_RATE, Whole, clickhouse

SMALL, ONE_OF = 5, 100
"""People of a campaign whose way is timed, and of that beside a huge one."""
THROTTLED_PEOPLE, ALLOWED_PER_S = 5_000, 1
SLOWER_PCT = 10
SOON_S = 15
"""What is asked for in advance of an account is some 10 s of its rate: so long a campaign may have to wait there."""


async def measure(stage: Whole, scale: Scale) -> list[Figure]:
    async with clickhouse(stage) as client:
        await ensure_people(client, scale.people)
    async with stage.rest() as rest:
        desk = Desk(stage, rest)
        return [await _beside_a_throttled_account(desk, scale), await _beside_a_huge_campaign(desk, scale)]


async def _beside_a_throttled_account(desk: Desk, scale: Scale) -> Figure:
    await connect_second(desk.stage.installation, SMS_RATE)
    await desk.set_world(limits={SECOND_SID: ALLOWED_PER_S}, retry_after_s=1)
    await _latencies(desk, "bench-warm", 5)
    quiet = await _latencies(desk, "bench-quiet", scale.campaigns)
    throttled = "bench-throttled"
    campaign = sms_campaign(throttled, THROTTLED_PEOPLE)
    await desk.launch(campaign | {"accounts": {"sms": SECOND}})
    await desk.until(throttled, lambda stats: sent(stats) > 0)
    beside = await _latencies(desk, "bench-beside", scale.campaigns)
    left = THROTTLED_PEOPLE - sent(await desk.stats(throttled))
    await desk.order(throttled, "cancel")
    await desk.set_world()
    if left < THROTTLED_PEOPLE // 2:
        raise RuntimeError(f"the other account had sent all but {left}: it was not throttled")
    slower = 100 * (percentile(beside, 99) / percentile(quiet, 99) - 1)
    more = {
        "throttled_beside_p99_s": percentile(beside, 99), "throttled_quiet_p99_s": percentile(quiet, 99),
        "throttled_beside_p50_s": percentile(beside, 50), "throttled_quiet_p50_s": percentile(quiet, 50),
        "throttled_messages_left": left,
    }  # fmt: skip
    return Figure("throttled_beside_slower_pct", slower, target=SLOWER_PCT, lower_is_better=True, more=more)


async def _beside_a_huge_campaign(desk: Desk, scale: Scale) -> Figure:
    alone = await _through(desk, "bench-alone", ONE_OF)
    huge = sms_campaign("bench-huge", 0) | {"audience": {"filter": {"role": "customer"}}}
    await desk.launch(huge)
    await desk.until("bench-huge", lambda stats: sent(stats) > 0)
    beside = await _through(desk, "bench-one-of-many", ONE_OF)
    left = scale.people - sent(await desk.stats("bench-huge"))
    await desk.order("bench-huge", "cancel")
    if left < scale.people // 2:
        raise RuntimeError("the huge campaign was nearly through: it proves nothing")
    more = {"small_alone_s": alone, "huge_people": scale.people, "huge_messages_left": left}
    return Figure("small_beside_huge_s", beside, target=SOON_S, lower_is_better=True, more=more)


async def _through(desk: Desk, campaign_id: str, people: int) -> float:
    """Seconds from the acceptance to the last arrival."""
    return max(await _arrivals(desk, campaign_id, people))


async def _latencies(desk: Desk, prefix: str, campaigns: int) -> list[float]:
    found: list[float] = []
    for number in range(campaigns):
        found += await _arrivals(desk, f"{prefix}-{number}", SMALL)
    return found


async def _arrivals(desk: Desk, campaign_id: str, people: int) -> list[float]:
    """Of each message, seconds after the acceptance."""
    accepted_at: datetime = await desk.launch(sms_campaign(campaign_id, people))
    await desk.until(campaign_id, lambda stats: sent(stats) >= people)
    return [(at - accepted_at).total_seconds() for at in await desk.received(campaign_id)]


def percentile(values: list[float], percent: int) -> float:
    """The least value that so many percent do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, -(-len(ordered) * percent // 100) - 1)]
