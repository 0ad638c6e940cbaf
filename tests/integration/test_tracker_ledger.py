"""What arrives on topics is in ClickHouse exactly once in effect, whatever happens to the tracker meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, RecordsToDelete
from tracker_stage import NOW, Stage, event, own_stage
from waiting import until

from schemas import RANK, SendMessage, Status, rank_key
from schemas.topics import CONTACT_CHANGES, DELIVERY_EVENTS, dead_letter_topic
from services.domain.messages import DeliveryEvent, encode_json
from services.runtime.kafka import make_admin, partition_of
from services.runtime.topics import apply_topics

STATE = "SELECT step, channel, toString(status), reason, sends FROM v_state WHERE campaign_id = %(c)s"
TABLES = {
    "funnel": "SELECT * FROM v_funnel WHERE campaign_id = %(c)s ORDER BY ALL",
    "ever": "SELECT * FROM v_ever WHERE campaign_id = %(c)s ORDER BY ALL",
    "state": "SELECT * FROM v_state WHERE campaign_id = %(c)s ORDER BY ALL",
    "cost": "SELECT * FROM v_cost WHERE campaign_id = %(c)s ORDER BY ALL",
    "minutes": "SELECT * FROM v_minutes WHERE campaign_id = %(c)s ORDER BY ALL",
    "hours": "SELECT * FROM v_hours WHERE campaign_id = %(c)s ORDER BY ALL",
    "sends": "SELECT * EXCEPT ingested_at FROM sends WHERE campaign_id = %(c)s ORDER BY ALL",
    "events": "SELECT * EXCEPT ingested_at FROM events WHERE campaign_id = %(c)s ORDER BY ALL",
}


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with own_stage(tmp_path_factory.mktemp("tracker-ledger")) as found:
        yield found


def story(campaign: str, people: int, seed: int = 1) -> list[DeliveryEvent]:
    """A campaign's events: several attempts, evidence, costs, in the order in which they happen."""
    chance, events = random.Random(seed), []
    for person in range(people):
        at = float(person % 300)
        for attempt in range(1, chance.choice([1, 1, 1, 2, 3]) + 1):
            status = chance.choice(["accepted", "accepted", "uncertain", "failed_retryable", "failed", "recalled"])
            cost = 900 if status == "accepted" else 0
            at += 40
            events.append(event(campaign, person, status, attempt=attempt, after_s=at, cost_micros=cost))
        for evidence in ("delivered", "read", "clicked"):
            if chance.random() < 0.5:
                at += 30
                machine = evidence == "read" and chance.random() < 0.3
                events.append(event(campaign, person, evidence, after_s=at, source="sendgrid", machine=machine))
    return events


def by_hand(events: list[DeliveryEvent]) -> Counter[tuple[str, str]]:
    """Where each send stands, by the rank table alone."""
    standing: dict[str, tuple[Any, ...]] = {}
    for one in events:
        status = Status.DELIVERED if one.machine else Status(one.status)
        stands = (*rank_key(status, one.attempt), status.value, one.reason)
        standing[one.send_id] = max(standing.get(one.send_id, ()), stands)
    return Counter((found[2], found[3]) for found in standing.values())


async def state(stage: Stage, campaign: str) -> Counter[tuple[str, str]]:
    return Counter({(row[2], row[3]): row[4] for row in await stage.rows(STATE, c=campaign)})


async def everything(stage: Stage, campaign: str) -> dict[str, Any]:
    return {name: await stage.rows(query, c=campaign) for name, query in TABLES.items()}


async def test_counts_and_standings_are_those_of_the_rank_table(stage: Stage) -> None:
    events = story("plain", 400)
    async with stage.tracker():
        await stage.publish_events(events)
        await stage.consumed(DELIVERY_EVENTS)
    assert await state(stage, "plain") == by_hand(events)
    rows = await stage.rows("SELECT status, reason, count() FROM sends WHERE campaign_id = 'plain' GROUP BY 1, 2")
    assert Counter({row[:2]: row[2] for row in rows}) == by_hand(events), "the rows of people add up to the counts"
    cost = await stage.rows("SELECT sum(cost_micros) FROM v_cost WHERE campaign_id = 'plain'")
    assert cost[0][0] == sum({(e.send_id, e.attempt): e.cost_micros for e in events if e.cost_micros}.values())
    assert (await stage.rows("SELECT sum(cost_micros) FROM sends WHERE campaign_id = 'plain'")) == cost


async def test_repeated_and_reordered_batches_change_no_number(stage: Stage) -> None:
    events = story("again", 300, seed=2)
    shuffled = events + random.Random(3).sample(events, len(events) // 2)
    random.Random(4).shuffle(shuffled)
    async with stage.tracker():
        await stage.publish_events(events)
        await stage.consumed(DELIVERY_EVENTS)
        before = await everything(stage, "again")
        await stage.publish_events(shuffled)
        await stage.consumed(DELIVERY_EVENTS)
        assert await everything(stage, "again") == before
    assert await state(stage, "again") == by_hand(events)


async def test_a_tracker_killed_in_the_middle_of_batches_loses_and_doubles_nothing(stage: Stage) -> None:
    events = story("killed", 6000, seed=5)
    tracker = stage.tracker(PEAL_TRACKER_BATCH_ROWS="500", PEAL_TRACKER_BATCH_S="0.05")
    await tracker.start()
    try:
        feeding = asyncio.create_task(stage.publish_events(events))
        for share in (0.1, 0.4, 0.7):

            async def reached(wanted: float = share * 6000) -> bool:
                rows = await stage.rows("SELECT sum(sends) FROM v_state WHERE campaign_id = 'killed'")
                return bool((rows[0][0] or 0) >= wanted)

            await until(reached, f"{share:.0%} are there")
            await tracker.kill()
            await tracker.start()
        await feeding
        await stage.consumed(DELIVERY_EVENTS)
    finally:
        await tracker.stop()
    assert await state(stage, "killed") == by_hand(events)


async def test_clickhouse_killed_in_the_middle_of_inserts_loses_and_doubles_nothing(stage: Stage) -> None:
    """A batch is repeated until it is acknowledged whole."""
    events = story("outage", 4000, seed=8)
    async with stage.tracker(PEAL_TRACKER_BATCH_ROWS="500", PEAL_TRACKER_BATCH_S="0.05") as tracker:
        feeding = asyncio.create_task(stage.publish_events(events))

        async def inserting() -> bool:
            return await tracker.metric("peal_clickhouse_rows_total") > 1000

        await until(inserting, "it is at work")
        stage.process_on(stage.ports.clickhouse).kill()
        await feeding
        await stage.consumed(DELIVERY_EVENTS)
        assert await tracker.metric("peal_clickhouse_insert_retries_total") > 0
    assert await state(stage, "outage") == by_hand(events)


async def test_a_stop_finishes_the_batch_commits_and_ends_with_zero(stage: Stage) -> None:
    events = story("drained", 500, seed=6)
    async with stage.tracker(PEAL_TRACKER_BATCH_S="3") as tracker:
        await stage.publish_events(events)

        async def collecting() -> bool:
            return await tracker.metric("process_cpu_seconds_total") > 0

        await until(collecting, "it runs")
        assert await tracker.stop(signal.SIGTERM) == 0
    async with stage.tracker():
        await stage.consumed(DELIVERY_EVENTS)
    assert await state(stage, "drained") == by_hand(events)


async def test_two_trackers_share_the_partitions_and_one_may_leave(stage: Stage) -> None:
    events = story("shared", 3000, seed=7)
    async with stage.tracker() as first:
        half = len(events) // 2
        async with stage.tracker(instance=1) as second:
            await stage.publish_events(events[:half])
            await stage.consumed(DELIVERY_EVENTS)
            assert await second.metric("peal_clickhouse_rows_total") > 0
            assert await first.metric("peal_clickhouse_rows_total") > 0
            feeding = asyncio.create_task(stage.publish_events(events[half:]))
            assert await second.stop() == 0
        await feeding
        await stage.consumed(DELIVERY_EVENTS)
    assert await state(stage, "shared") == by_hand(events)


async def test_what_the_router_routed_is_queued_without_anybodys_address(stage: Stage) -> None:
    message = SendMessage.model_validate({
        "send_id": "queued/1/c-1", "campaign_id": "queued", "step": 1, "recipient": "default/c-1", "ord": 1,
        "attempt": 1, "epoch": 1, "channel": "email", "address": "secret@example.com", "data": {"name": "Secret"},
        "expires_at": NOW, "request_offset": 3, "routed_at": NOW, "detail": "caps 1/3",
    })  # fmt: skip
    async with stage.tracker():
        await stage.publish("send-email", [("default/c-1", message.write())])
        await stage.consumed("send-email")
    assert await state(stage, "queued") == Counter({("queued", ""): 1})
    rows = await stage.rows("SELECT * FROM delivery_events WHERE campaign_id = 'queued'")
    assert "secret" not in repr(rows).lower()


async def test_the_topic_of_a_new_account_is_picked_up_within_ten_seconds(stage: Stage) -> None:
    topic = "send-sms-second"
    async with stage.tracker():
        await apply_topics(stage.settings, extra={topic: ["peal-sender-sms-second"]})
        message = SendMessage.model_validate({
            "send_id": "newtopic/1/c-1", "campaign_id": "newtopic", "step": 1, "recipient": "default/c-1", "ord": 1,
            "attempt": 1, "epoch": 1, "channel": "sms", "account": "second", "address": "+919812345678",
            "expires_at": NOW, "request_offset": 3, "routed_at": NOW,
        })  # fmt: skip
        await stage.publish(topic, [("default/c-1", message.write())])

        async def there() -> bool:
            return bool(await state(stage, "newtopic"))

        await until(there, "the message is queued", seconds=15)


async def test_bad_records_go_to_the_dead_letters_and_the_stream_goes_on(stage: Stage) -> None:
    good = event("poison", 1, "accepted")
    bad: list[tuple[str, bytes | None]] = [
        ("default/c-1", b"{"), ("default/c-1", None), ("default/c-1", b"\xff\xfe"), ("default/c-1", b"x" * 900_000),
        ("default/c-9", encode_json(good)),
    ]  # fmt: skip
    topic = dead_letter_topic(DELIVERY_EVENTS)
    before = len(await stage.values(topic))
    async with stage.tracker() as tracker:
        await stage.publish(DELIVERY_EVENTS, [*bad, (good.recipient, encode_json(good))])
        await stage.consumed(DELIVERY_EVENTS)
        assert await tracker.metric("peal_dead_letters_total") == len(bad)
    assert await state(stage, "poison") == Counter({("accepted", ""): 1})
    letters = (await stage.values(topic))[before:]
    assert Counter(letter["headers"]["peal_reason"] for letter in await stage.values(topic)) == Counter(
        {b"undecodable": 3, b"null_value": 1, b"wrong_key": 1}
    )
    assert len(letters) == len(bad)
    for letter in letters:
        assert letter["headers"]["peal_source_topic"] == DELIVERY_EVENTS.encode()
        assert int(letter["headers"]["peal_source_offset"]) >= 0


async def test_a_flood_of_bad_records_stops_the_tracker_and_a_new_start_goes_on_behind_it(stage: Stage) -> None:
    """Rather than bury everything; but what it has put aside does not stop the next start."""
    topic, good = dead_letter_topic(DELIVERY_EVENTS), event("flood", 1, "accepted")
    async with stage.tracker():
        await stage.consumed(DELIVERY_EVENTS)
    before = len(await stage.values(topic))
    await stage.publish(DELIVERY_EVENTS, [*([(good.recipient, b"{")] * 150), (good.recipient, encode_json(good))])
    assert "is a producer broken?" in await last_words(stage)
    async with stage.tracker():
        await stage.consumed(DELIVERY_EVENTS)
    assert await state(stage, "flood") == Counter({("accepted", ""): 1})
    assert len(await stage.values(topic)) - before == 150


async def test_a_change_in_the_wrong_partition_is_sent_to_the_right_one_as_it_came(stage: Stage) -> None:
    value = encode_json({"recipient": "default/lost", "occurred_at": NOW, "set": {"name": "Found"}})
    wrong = (partition_of("default/lost", 8) + 1) % 8
    async with stage.tracker() as tracker:
        await stage.publish(CONTACT_CHANGES, [("default/lost", value)], partition=wrong)

        async def known() -> bool:
            return bool(await stage.rows("SELECT 1 FROM v_contacts WHERE recipient_id = 'default/lost'"))

        await until(known, "the change has been made")
        assert await tracker.metric("peal_misplaced_total") == 1
    assert not await stage.values(dead_letter_topic(CONTACT_CHANGES), "default/lost")


@pytest.mark.parametrize(
    ("policy", "status", "reason"),
    [("assume_sent", "accepted", "assumed"), ("resend", "failed_retryable", "resend")],
)
async def test_a_doubt_ends_by_policy_after_the_deadline(stage: Stage, policy: str, status: str, reason: str) -> None:
    campaign = f"doubt-{policy}"
    known = event(campaign, 2, "delivered", source="sendgrid", after_s=1)
    await stage.publish_events([event(campaign, 1, "uncertain"), event(campaign, 2, "uncertain"), known])
    async with stage.tracker(PEAL_UNCERTAIN_POLICY=policy) as tracker:
        await stage.consumed(DELIVERY_EVENTS)
        await until(lambda: tracker.metric("peal_uncertain_sends"), "the doubt is shown")
        assert (await state(stage, campaign))["uncertain", ""] == 1, "not before the deadline"
    async with stage.tracker(PEAL_UNCERTAIN_DEADLINE_S="0.1", PEAL_UNCERTAIN_POLICY=policy):

        async def ended() -> bool:
            return await state(stage, campaign) == Counter({(status, reason): 1, ("delivered", ""): 1})

        await until(ended, "the doubt has ended")


async def test_an_account_whose_first_messages_were_missed_stops_the_process_and_names_the_repair(stage: Stage) -> None:
    topic = "send-push-late"
    await apply_topics(stage.settings, extra={topic: ["peal-sender-push-late"]})
    await stage.publish(topic, [("default/c-1", b"{}")], partition=0)
    await delete_records(stage, topic, 0, 1)
    assert "`peal repair`" in await last_words(stage)
    await delete_topic(stage, topic)


async def test_records_gone_before_they_were_read_stop_the_process_and_name_the_repair(stage: Stage) -> None:
    async with stage.tracker():
        await stage.consumed(DELIVERY_EVENTS)
    await stage.publish(DELIVERY_EVENTS, [("default/c-1", b"{}")] * 2, partition=0)
    ends = await stage.ends(DELIVERY_EVENTS)
    await delete_records(stage, DELIVERY_EVENTS, 0, next(end for tp, end in ends.items() if tp.partition == 0))
    assert "`peal repair`" in await last_words(stage)


async def delete_records(stage: Stage, topic: str, partition: int, before: int) -> None:
    async with admin_of(stage) as admin:
        tp = TopicPartition(topic, partition)
        await admin.delete_records({tp: RecordsToDelete(before_offset=before)})


async def delete_topic(stage: Stage, topic: str) -> None:
    async with admin_of(stage) as admin:
        await admin.delete_topics([topic])


@contextlib.asynccontextmanager
async def admin_of(stage: Stage) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = make_admin(stage.settings)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


async def last_words(stage: Stage) -> str:
    """Of a tracker that refuses to go on; it must say so with exit code 70."""
    tracker = stage.tracker()
    already = len(tracker.log.read_text())
    with contextlib.suppress(AssertionError):
        await tracker.start()
    assert tracker.process is not None
    assert await asyncio.to_thread(tracker.process.wait, 60) == 70
    return tracker.log.read_text()[already:]


def test_ranks_leave_room_for_no_tie() -> None:
    assert len(set(RANK.values())) == len(Status)
