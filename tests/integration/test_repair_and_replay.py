"""What was put aside is tried again, what was lost is repaired: nobody is lost by it, and nobody messaged twice."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.admin import RecordsToDelete
from confluent_kafka.admin import AdminClient
from installation_desk import Desk, completed, sent

from deploy.local.errors import StackError
from deploy.local.installation import Installation
from schemas.topics import load_topics
from services.runtime.kafka import make_admin, make_producer, partition_of
from services.runtime.places import changelog
from services.runtime.topics import apply_topics

RATE = 60
PEOPLE = 240
GIVEN = {"PEAL_RATE_EMAIL": str(RATE), "PEAL_SANDBOX_WORLD": "calm"}


class Operator(Desk):
    """One who also reads logs."""

    async def refuses(self, service: str) -> str:
        """The service does not start, or not for long; its last words."""
        log = self.stack.log_file(service)
        before = len(log.read_text())
        with contextlib.suppress(StackError):
            await self.stack.start_service(service)
        async with asyncio.timeout(60):
            while not (words := [line for line in log.read_text()[before:].splitlines() if '"critical"' in line]):
                await asyncio.sleep(0.1)
        return words[-1]


@pytest.fixture
async def operator(installation: Installation) -> AsyncIterator[Operator]:
    made = Operator(installation)
    yield made
    await made.rest.aclose()


async def test_a_dead_lettered_send_is_failed_and_replayed_sent_once_however_often(operator: Operator) -> None:
    """Also after its campaign has completed."""
    campaign_id = "replayed"
    await operator.draft(3, id=campaign_id)
    poison = {
        "send_id": f"{campaign_id}/1/p0", "campaign_id": campaign_id, "step": 1, "recipient": "default/p0", "ord": 0,
        "attempt": 1, "epoch": "one", "channel": "email", "address": "asha@example.com",
    }  # fmt: skip
    partition = partition_of("default/p0", load_topics().partitions)
    async with make_producer(operator.stack.settings) as producer:
        await producer.send_and_wait("send-email", json.dumps(poison).encode(), b"default/p0", partition)
    async with asyncio.timeout(60):
        while await operator.fate(campaign_id, "p0") != ("failed", "dead_letter"):
            await asyncio.sleep(0.1)
    await operator.order(campaign_id, "launch")
    stats = await operator.until(campaign_id, completed)
    assert stats["by_channel"]["email"]["failed_by_reason"] == {"dead_letter": 1}
    assert set(await operator.times(campaign_id)) == {f"{campaign_id}/1/p1", f"{campaign_id}/1/p2"}

    code, listed = await operator.peal("dlq", "list", "--topic", "send-email")
    own = [item for item in listed if item["about"]["send_id"] == poison["send_id"]]
    [letter] = [item for item in own if item["reason"] == "unreadable"]  # the tracker has put it aside as well
    assert (code, letter["brand"]) == (0, "default")
    assert "asha" not in json.dumps(letter)
    place = [letter["topic"], str(letter["partition"]), str(letter["offset"])]
    code, shown = await operator.peal("dlq", "show", *place)
    assert (code, shown["value"]["address"]) == (0, "asha@example.com")
    for arguments in (place, place, ["--all", "--topic", "send-email"]):
        code, said = await operator.peal("dlq", "replay", *arguments)
        assert (code, said["refused"]) == (0, []), said
        [replayed] = said["replayed"]
        stats = await operator.until(
            campaign_id, lambda s, epoch=replayed["epoch"]: completed(s) and s["epoch"] == epoch
        )
        assert stats["by_channel"]["email"]["sent"] == stats["settled"] == stats["planned"] == 3
        assert await operator.times(campaign_id) == Counter({f"{campaign_id}/1/p{i}": 1 for i in range(3)})
    code, _ = await operator.peal("dlq", "show", "send-email", "0", "999999")
    assert code == 3


async def lose_the_place(operator: Operator) -> None:
    """As when a group was idle for longer than Kafka keeps its offsets."""
    admin = AdminClient({"bootstrap.servers": operator.stack.settings.kafka_bootstrap})
    await asyncio.to_thread(admin.delete_consumer_groups(["peal-sender-email"])["peal-sender-email"].result)


async def lose_the_queue(operator: Operator) -> None:
    """As when retention has removed what was waiting."""
    admin = make_admin(operator.stack.settings)
    await admin.start()
    try:
        partitions = range(load_topics().partitions)
        await admin.delete_records({TopicPartition("send-email", number): RecordsToDelete(-1) for number in partitions})
    finally:
        await admin.close()


@pytest.mark.parametrize(("lose", "trouble"), [(lose_the_place, "missing"), (lose_the_queue, "outrun")])
async def test_a_sender_whose_place_or_queue_is_lost_ends_until_it_is_repaired_and_then_sends_the_rest_once(
    operator: Operator, lose: Any, trouble: str
) -> None:
    code, said = await operator.peal("repair", "--yes")
    assert (code, said["findings"]) == (0, [])
    campaign_id = await operator.launch(PEOPLE)
    await operator.until(campaign_id, sent(30))
    await operator.stack.stop_service("sender-email")
    await operator.until(campaign_id, lambda s: s["by_channel"]["email"]["queued"] == s["open"] > 0)
    await lose(operator)
    assert "`peal repair`" in await operator.refuses("sender-email")
    code, said = await operator.peal("repair")
    assert (code, {finding["trouble"] for finding in said["findings"]}) == (5, {trouble})
    assert not said["done"]
    code, said = await operator.peal("repair", "--yes", "--drained")
    assert code == 0, said
    stats = await operator.until(campaign_id, completed)
    assert stats["uncertain"] == 0
    result = await operator.reckon(campaign_id, PEOPLE)
    assert result.exact, result


async def test_a_router_that_has_forgotten_the_people_refuses_until_they_are_known_again_from_the_ledger(
    operator: Operator,
) -> None:
    """What was sent is not sent again, and who opted out stays so."""
    await operator.consent("p7", "email", "opted_out")
    campaign_id = await operator.launch(PEOPLE)
    await operator.until(campaign_id, sent(30))
    await operator.stack.stop_service("router")
    await forget_the_people(operator)
    said = await operator.refuses("router")
    assert "the changelog of the people is empty" in said
    assert "`peal repair`" in said
    code, told = await operator.peal("repair", "--yes")
    assert code == 0, told
    assert {finding["trouble"] for finding in told["findings"]} == {"empty_state"}
    await operator.until(campaign_id, completed)
    result = await operator.reckon(campaign_id, PEOPLE)
    assert result.exact, result
    later = await operator.launch(20)
    await operator.until(later, completed)
    assert await operator.fate(later, "p7") == ("suppressed", "opted_out")
    assert (await operator.reckon(later, 20)).exact
    await operator.consent("p7", "email", "opted_in")


async def forget_the_people(operator: Operator) -> None:
    admin = make_admin(operator.stack.settings)
    await admin.start()
    try:
        await admin.delete_topics([changelog()])
        while changelog() in await admin.list_topics():
            await asyncio.sleep(0.05)
    finally:
        await admin.close()
    await apply_topics(operator.stack.settings)
