"""Senders that are killed, frozen and rebalanced in mid-stream: nobody is called twice, nobody is forgotten."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from bisect import bisect_left
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from functools import partial
from pathlib import Path

import pytest
from sender_stage import FAST, Stage, make_stage

from schemas.topics import dead_letter_topic, load_topics
from services.runtime.kafka import partition_of
from services.runtime.places import places_of
from services.runtime.settings import Settings

MakeStage = Callable[..., AbstractAsyncContextManager[Stage]]
SHORT = {"PEAL_SENDER_SESSION_MS": "3000", "PEAL_SENDER_LEASE_S": "2", "PEAL_SENDER_CALL_TIMEOUT_S": "2"}
"""A session that ends soon, so that a test need not wait long for a killed process's partitions."""
STAMP_TO_BYTES_S = 0.1
"""On a busy machine a sender may be put aside between the two."""
SLOW = FAST.model_copy(update={"latency_ms": 150})


@pytest.fixture
def staged(settings: Settings, tmp_path: Path) -> MakeStage:
    return partial(make_stage, settings, tmp_path)


def nobody_twice_nobody_forgotten(stage: Stage, planned: int) -> None:
    """The provider's own list against the ledger."""
    received, fates = stage.received(), stage.fates()
    assert len(fates) == planned
    assert set(received.values()) == {1}, "called twice"
    for key, events in fates.items():
        told = {event.status for event in events}
        if key in received:
            assert told & {"accepted", "uncertain"}, f"{key} went out and is told as {told}"
        else:
            assert "accepted" not in told, f"{key} is told as accepted and did not arrive"
            assert told & {"recalled", "uncertain"}


@pytest.mark.parametrize("channel", ["email", "sms"])
async def test_killed_under_intent_what_may_be_out_is_uncertain_and_never_called_again(
    staged: MakeStage, channel: str
) -> None:
    """kill -9 with calls on the wire, twice; the next one recovers, calls none of them again, goes on."""
    async with staged(channel, SLOW, rate_per_s=200) as stage:
        planned = 1000
        await stage.route([stage.message() for _ in range(planned)])
        for instance in range(2):
            sender = stage.sender(instance, **SHORT)
            await sender.start()
            before = stage.calls
            await stage.until(lambda b=before: stage.calls > b, "calls on the wire")
            await sender.kill()
        async with stage.sender(2, **SHORT):
            await stage.settled(planned)
        nobody_twice_nobody_forgotten(stage, planned)
        assert any(event.status == "uncertain" and event.reason == "recovered" for event in stage.events)


async def test_frozen_beyond_its_session_a_sender_wakes_and_does_nothing_wrong(staged: MakeStage) -> None:
    """SIGSTOP for longer than the session with calls on the wire, another takes over, SIGCONT: no double."""
    async with staged("sms", SLOW) as stage, stage.sender(0, **SHORT) as frozen:
        await stage.route([stage.message() for _ in range(1500)])
        await stage.until(lambda: stage.calls > 50, "calls on the wire")
        frozen.send_signal(signal.SIGSTOP)
        try:
            async with stage.sender(1, **SHORT):
                at_freeze = stage.calls
                await stage.until(lambda: stage.calls > at_freeze + 100, "the other one taking over")
                frozen.send_signal(signal.SIGCONT)
                await stage.settled(1500)
        finally:
            frozen.send_signal(signal.SIGCONT)
        nobody_twice_nobody_forgotten(stage, 1500)


@asynccontextmanager
async def slowest_look() -> AsyncIterator[list[float]]:
    """How late this process looked at anything at worst, in seconds: by so much arrivals may have been bunched."""
    worst, looking = [0.0], True

    async def look() -> None:
        before = time.monotonic()
        while looking:
            await asyncio.sleep(0.005)
            worst[0], before = max(worst[0], time.monotonic() - before), time.monotonic()

    watching = asyncio.create_task(look())
    yield worst
    looking = False
    await watching


def fullest_window(times: Sequence[float], seconds: float) -> int:
    return max(bisect_left(times, at + seconds) - first for first, at in enumerate(times))


async def test_scaling_up_and_down_leaves_no_doubt_and_never_exceeds_the_rate(staged: MakeStage) -> None:
    """One sender, two, four, one again, then none: each message once, not one uncertain, no second with too many.

    What leaves within the rate may arrive closer together, by as much as the way to us took longer for the first: our
    own slowness, which is measured, and that between a sender's stamp and its bytes.
    """
    rate, each = 200, 1000
    async with staged("sms", SLOW, rate_per_s=rate) as stage, slowest_look() as late, stage.sender(0) as first:

        async def at_work(more: int) -> None:
            await stage.route([stage.message() for _ in range(each)])  # however far they came meanwhile
            seen = stage.calls
            await stage.until(lambda: stage.calls > seen + more, "all at work")

        await at_work(100)
        async with AsyncExitStack() as running:
            await running.enter_async_context(stage.sender(1))
            await at_work(200)
            others = [stage.sender(number) for number in (2, 3)]
            await asyncio.gather(*(running.enter_async_context(other) for other in others))
            await at_work(200)
        await at_work(100)
        assert await first.stop() == 0
        under_way = stage.calls
        async with stage.sender(4):
            await stage.settled(4 * each)
        assert under_way < 4 * each
        nobody_twice_nobody_forgotten(stage, 4 * each)
        assert "uncertain" not in {event.status for event in stage.events}
        times = sorted(record.received_at for record in stage.sandbox.store.records)
        assert fullest_window(times, 1 - late[0] - STAMP_TO_BYTES_S) <= rate


async def test_a_graceful_stop_in_mid_call_ends_what_is_on_the_wire(staged: MakeStage) -> None:
    """SIGTERM while calls of a group hang at the provider: they end, their events are out, exit code 0."""
    async with staged("email", FAST.model_copy(update={"latency_ms": 1500}), rate_per_s=400) as stage:
        sender = stage.sender()
        await sender.start()
        await stage.route([stage.message() for _ in range(400)])
        await stage.until(lambda: stage.calls > 0, "a call on the wire")
        assert await sender.stop() == 0
        await asyncio.sleep(0)
        await stage.until(lambda: len(stage.fates()) >= stage.calls, "events of what was on the wire")
        assert {event.status for event in stage.events} == {"accepted"}
        async with stage.sender(1):
            await stage.settled(400)
        nobody_twice_nobody_forgotten(stage, 400)
        assert stage.statuses() == {"accepted": 400}


async def test_a_flood_of_unreadable_messages_stops_the_sender_and_a_new_start_goes_on_behind_it(
    staged: MakeStage,
) -> None:
    """Rather than bury everything; but what it has put aside does not stop the next start."""
    async with staged("sms") as stage:
        good, sender = stage.message(), stage.sender(**SHORT)
        partition = partition_of(good.recipient, load_topics().partitions)
        flood = [await stage.producer.send(stage.topic, b"{", b"k", partition) for _ in range(150)]
        await asyncio.gather(*flood)
        await stage.route([good])
        with contextlib.suppress(AssertionError):  # it may end before it is ready
            await sender.start()
        assert sender.process is not None
        assert await asyncio.to_thread(sender.process.wait, 60) == 70
        assert "is a producer broken?" in sender.log.read_text()
        async with stage.sender(instance=1, **SHORT):
            await stage.settled(1)
        assert set(stage.received().values()) == {1}
        letters = await places_of(stage.settings, stage.group, [dead_letter_topic(stage.topic)])
        assert sum(place.high - place.low for place in letters) == 150
