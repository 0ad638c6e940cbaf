"""Senders on a real broker against the sandbox's providers: each message goes out once, and its event says so."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import msgspec
import pytest
from sender_stage import FAST, Stage, make_stage
from span_collector import span_collector

from schemas import CampaignStatus
from schemas.topics import SEND_RECALLS, dead_letter_topic, load_topics, send_topic
from services.domain.messages import SendRecall
from services.runtime.kafka import make_consumer, partition_of
from services.runtime.settings import Settings
from services.runtime.topics import apply_topics

MakeStage = Callable[..., AbstractAsyncContextManager[Stage]]


@pytest.fixture
def staged(settings: Settings, tmp_path: Path) -> MakeStage:
    return partial(make_stage, settings, tmp_path)


@contextlib.asynccontextmanager
async def standstill() -> AsyncIterator[Callable[[], float]]:
    """Tells the longest time, in seconds, for which this event loop did not turn."""
    worst = 0.0

    async def watch() -> None:
        nonlocal worst
        while True:
            before = time.monotonic()
            await asyncio.sleep(0.005)
            worst = max(worst, time.monotonic() - before - 0.005)

    watching = asyncio.create_task(watch())
    try:
        yield lambda: worst
    finally:
        watching.cancel()


@pytest.mark.parametrize("channel", ["email", "sms", "whatsapp"])
async def test_each_message_goes_out_once(staged: MakeStage, channel: str) -> None:
    """Every message of a send topic is accepted once by the provider and told by one accepted event."""
    async with staged(channel) as stage, stage.sender():
        await stage.route([stage.message() for _ in range(300)])
        await stage.settled(300)
        assert stage.statuses() == {"accepted": 300}
        assert set(stage.received().values()) == {1}
        assert len(stage.received()) == 300
        event = stage.events[0]
        assert (event.source, event.provider, event.cost_micros) == ("sender", stage.account.provider, 900)
        assert event.provider_message_id


async def test_what_the_doorstep_refuses_comes_back_as_recalled_with_the_reason(staged: MakeStage) -> None:
    """Expired, too long under way, of an older epoch, beyond its reserve, called back by the router: none of them
    leaves, and what stands among them does."""
    async with staged("sms") as stage:
        await stage.put_campaign(epoch=2)
        now = datetime.now(UTC)
        good = [stage.message() for _ in range(10)]
        recalled = stage.message()
        recall = SendRecall(send_id=recalled.send_id, attempt=1, recipient=recalled.recipient, at=now)
        await stage.producer.send_and_wait(SEND_RECALLS, msgspec.json.encode(recall), recalled.recipient.encode())
        returned = {
            "expired": stage.message(expires_at=now - timedelta(seconds=1)),
            "stale": stage.message(routed_at=now - timedelta(seconds=100)),
            "old_epoch": stage.message(epoch=1),
            "over_reserve": stage.message(reserved_micros=899),
            "recalled": recalled,
        }
        good += [stage.message() for _ in range(10)]
        await stage.route(sorted([*good, *returned.values()], key=lambda message: message.ord))
        async with stage.sender():
            await stage.settled(25)
        reasons = {e.send_id: e.reason for e in stage.events if e.status == "recalled"}
        assert reasons == {message.send_id: reason for reason, message in returned.items()}
        assert stage.received() == Counter({(m.send_id, 1): 1 for m in good})


async def test_a_replay_of_the_router_is_skipped(staged: MakeStage) -> None:
    """What a restarted router writes again has the offset of its request, which the sender has passed."""
    async with staged("sms") as stage, stage.sender() as sender:
        messages = [stage.message() for _ in range(50)]
        await stage.route(messages)
        await stage.settled(50)
        await stage.route(messages)
        last = stage.message()
        await stage.route([last])
        await stage.until(lambda: (last.send_id, 1) in stage.fates(), "the message behind the replays")
        assert await sender.metric("peal_replays_skipped_total") > 0
        await sender.stop()
        async with stage.sender() as again:
            await stage.route(messages)
            after = stage.message()
            await stage.route([after])
            await stage.until(lambda: (after.send_id, 1) in stage.fates(), "the message after a restart")
            assert await again.metric("peal_replays_skipped_total") > 0
        assert set(stage.received().values()) == {1}
        assert len(stage.events) == 52


async def test_unreadable_messages_go_to_the_dead_letters_and_the_stream_goes_on(staged: MakeStage) -> None:
    """With reason, place and headers; a send that can still be told apart also gets failed(dead_letter)."""
    async with staged("sms") as stage, stage.sender():
        good = [stage.message() for _ in range(10)]
        known = stage.message()
        broken = msgspec.json.encode(msgspec.to_builtins(known) | {"routed_at": "yesterday"})
        partition = partition_of(known.recipient, load_topics().partitions)
        for value in (b"\xff\xfe", None, b"[1, 2]", b"x" * 900_000, broken):
            await stage.producer.send_and_wait(stage.topic, value, b"k", partition, headers=[("traceparent", b"t")])
        await stage.route(good)
        await stage.settled(11)
        assert stage.statuses() == {"accepted": 10, "failed": 1}
        (event,) = stage.fates()[(known.send_id, 1)]
        assert (event.status, event.reason) == ("failed", "dead_letter")
        consumer = make_consumer(stage.settings, dead_letter_topic(stage.topic), auto_offset_reset="earliest")
        async with consumer:
            letters = []
            while len(letters) < 5:
                letters += [r for records in (await consumer.getmany(timeout_ms=500)).values() for r in records]
        headers = [dict(record.headers) for record in letters]
        assert [record.value for record in letters] == [b"\xff\xfe", None, b"[1, 2]", b"x" * 900_000, broken]
        assert {h["peal_reason"] for h in headers} == {b"unreadable"}
        assert [h["peal_source_offset"] for h in headers] == [b"0", b"1", b"2", b"3", b"4"]
        assert headers[0]["traceparent"] == b"t"


async def test_the_trace_of_a_message_goes_on_through_the_call_to_its_event(staged: MakeStage) -> None:
    """A sampled one gets a span; another passes on what it carries; what carries nothing stays without."""
    with span_collector() as collector:
        environment = {"PEAL_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "50"}
        async with staged("email") as stage, stage.sender(**environment):
            trace, page = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
            sampled, passed, bare = stage.message(), stage.message(), stage.message()
            await stage.route([sampled], [("traceparent", f"00-{trace}-{page}-01".encode())])
            await stage.route([passed], [("traceparent", f"00-{trace}-{page}-00".encode())])
            await stage.route([bare])
            await stage.settled(3)
            await stage.until(lambda: bool(collector.spans), "the span of the call")
            ((service, span),) = collector.spans
            assert (service, span.name) == ("peal-sender-email", "campaign.call_provider")
            assert (span.trace_id.hex(), span.parent_span_id.hex()) == (trace, page)
            headers = [stage.headers[f"{m.send_id}/1/accepted/sender"] for m in (sampled, passed, bare)]
            assert headers[0]["traceparent"].decode().split("-")[1:3] == [trace, span.span_id.hex()]
            assert headers[1]["traceparent"].decode() == f"00-{trace}-{page}-00"
            assert headers[2] == {}


async def test_a_storm_of_429_loses_and_fails_nobody(staged: MakeStage) -> None:
    """Most calls are refused again and again: all go out in the end, once, or come back to be routed anew."""
    world = FAST.model_copy(update={"too_many_rate": 0.6, "retry_after_s": 0})
    async with staged("sms", world) as stage, stage.sender():
        await stage.route([stage.message() for _ in range(150)])
        await stage.settled(150)
        assert set(stage.statuses()) <= {"accepted", "recalled"}
        assert stage.statuses()["accepted"] == len(stage.received())
        assert set(stage.received().values()) == {1}


async def test_the_rate_is_kept_where_the_messages_arrive(staged: MakeStage) -> None:
    """Two senders share an account of 40 a second: never more in any second at the provider, and most of it used.

    Between departure and arrival lie two busy event loops. The senders' jitter is granted a tenth of the window; the
    provider's loop is this test's, and what it stood still at the worst is measured and granted, too.
    """
    async with staged("sms", rate_per_s=40) as stage, stage.sender(0), stage.sender(1), standstill() as worst:
        await stage.route([stage.message() for _ in range(400)])
        await stage.settled(300)
        times = sorted(record.received_at for record in stage.sandbox.store.records)
        window = 0.9 - worst()
        assert window > 0.3, "a provider that stands still for so long sees nothing of the rate"
        most = max(sum(start <= t < start + window for t in times) for start in times)
        assert most <= 40
        steady = [t for t in times if t >= times[0] + 2.0]
        assert len(steady) / (steady[-1] - steady[0]) >= 0.6 * 40, "a busy machine costs some: see the property test"


async def test_pause_brings_back_what_is_queued_and_nothing_leaves_a_second_later(staged: MakeStage) -> None:
    """The proof of the last call: what was not sent is recalled as inactive or as of an old epoch."""
    async with staged("sms", rate_per_s=100) as stage, stage.sender():
        await stage.route([stage.message() for _ in range(1000)])
        await stage.until(lambda: stage.calls >= 100, "the first hundred")
        await stage.put_campaign(epoch=2, status=CampaignStatus.PAUSED)
        paused_at = time.time()
        await stage.settled(1000)
        assert max(record.received_at for record in stage.sandbox.store.records) - paused_at < 1.0
        assert set(stage.statuses()) == {"accepted", "recalled"}
        assert stage.statuses()["accepted"] == len(stage.received())
        assert {e.reason for e in stage.events if e.status == "recalled"} <= {"old_epoch", "inactive"}


async def test_accounts_come_change_and_go_while_a_sender_runs(staged: MakeStage) -> None:
    """A connected account is picked up within ten seconds; one whose secret cannot be read holds nobody up."""
    async with staged("email") as stage, stage.sender() as sender:
        await stage.route([stage.message()])
        await stage.settled(1)
        await stage.put_account(account_id=f"{stage.account.account_id}-b", secret="not encrypted")
        fresh = f"{stage.account.account_id}-c"
        await apply_topics(stage.settings, extra={send_topic("email", fresh): [f"peal-sender-email-{fresh}"]})
        async with staged("email") as other:
            await other.route([other.message()])
            began = time.monotonic()
            await other.settled(1)
            assert time.monotonic() - began < 10
            await other.put_account(rate_per_s=5.0)
            await stage.until(lambda: f"{other.account.account_id}" in sender.log.read_text(), "news of the account")
            await other.route([other.message()])
            await other.settled(2)
            assert set(other.received().values()) == {1}


async def test_missing_offsets_stop_the_process_with_the_repair(settings: Settings, staged: MakeStage) -> None:
    """Exit code 70 and a sentence, rather than sending everything again or skipping what waits."""
    async with staged("sms") as stage:
        stray = f"{stage.account.account_id}-stray"
        await apply_topics(settings, extra={send_topic("sms", stray): []})
        await stage.put_account(account_id=stray)
        sender = stage.sender()
        with contextlib.suppress(AssertionError):  # it may end before it is ready
            await sender.start()
        assert sender.process is not None
        assert await asyncio.to_thread(sender.process.wait, 60) == 70
        assert "run `peal topics apply`" in sender.log.read_text()
        await stage.producer.send_and_wait("accounts", None, stray.encode())
