"""What upstream systems say counts, also from a producer that partitions in its own way."""

from __future__ import annotations

import asyncio
import json
import zlib
from datetime import UTC, datetime, timedelta
from typing import Any

from confluent_kafka import Producer
from installation_desk import Desk, completed, mailed
from ulid import ULID
from waiting import until

from schemas.topics import (
    CAMPAIGN_COMMANDS,
    CONSENTS,
    CONTACT_CHANGES,
    DELIVERY_EVENTS,
    SEND_REQUESTED,
    load_topics,
)
from services.runtime.kafka import partition_of

GIVEN = {"PEAL_RATE_EMAIL": "100", "PEAL_SANDBOX_WORLD": "calm"}
PARTITIONS = load_topics().partitions
FLOOD = 150
"""More than the bad records in a row after which a consumer stops."""


def now(ahead_s: float = 0) -> str:
    return (datetime.now(UTC) + timedelta(seconds=ahead_s)).isoformat()


def misplaced_ids(prefix: str, count: int, brand: str = "default/") -> list[str]:
    """Ids whose key CRC32 and murmur2 put into different partitions."""
    found = [f"{prefix}{n}" for n in range(4 * count + 40)]
    keys = ((name, brand + name) for name in found)
    differing = [name for name, key in keys if zlib.crc32(key.encode()) % PARTITIONS != partition_of(key, PARTITIONS)]
    assert len(differing) >= count
    return differing[:count]


async def produce(desk: Desk, topic: str, values: dict[str, dict[str, Any]]) -> None:
    """Key -> value, by a client as it comes. All of them land in a partition that is not their own."""
    producer, places = Producer({"bootstrap.servers": desk.access.kafka_bootstrap}), dict[str, int]()

    def told(error: object, message: Any) -> None:
        assert error is None
        places[message.key().decode()] = message.partition()

    for key, value in values.items():
        producer.produce(topic, json.dumps(value).encode(), key.encode(), on_delivery=told)
    assert await asyncio.to_thread(producer.flush, 30) == 0
    assert places.keys() == values.keys()
    assert not [key for key, place in places.items() if place == partition_of(key, PARTITIONS)]


async def set_right(desk: Desk, service: str, topic: str, count: int) -> None:
    """Counted, as the alert PealWrongPartition sees it, and not put aside."""

    async def counted() -> bool:
        return bool(await desk.metric(service, "peal_misplaced_total", topic=topic) >= count)

    await until(counted, f"{count} records of {topic} are set right")
    for reader in ("router", "tracker"):
        assert not await desk.metric(reader, "peal_dead_letters_total", topic=topic)


async def put_aside(desk: Desk, topic: str, key: str) -> None:
    """As the alert PealDeadLetters sees it, and `peal dlq` shows it."""

    async def counted() -> Any:
        return await desk.metric("router", "peal_dead_letters_total", topic=topic, reason="wrong_partition")

    await until(counted, f"a record of {topic} is put aside")
    code, letters = await desk.peal("dlq", "list", "--topic", topic)
    assert code == 0, letters
    assert "wrong_partition" in {letter["reason"] for letter in letters}
    assert key in json.dumps(letters)


async def test_misplaced_commands_are_carried_out_once_by_whom_they_concern(desk: Desk) -> None:
    [campaign_id] = misplaced_ids(f"foreign-{ULID()}-".lower(), 1, brand="")
    campaign = {
        "id": campaign_id, "name": "Foreign", "channels": ["email"], "body": {"text": "Hi {{ name }}"},
        "audience": {"recipients": mailed(campaign_id, 40)},
    }  # fmt: skip
    command = {
        "type": "campaign.send",
        "command_id": str(ULID()),
        "brand": "default",
        "at": now(),
        "campaign": campaign,
    }
    await produce(desk, CAMPAIGN_COMMANDS, {campaign_id: command})
    await produce(desk, CAMPAIGN_COMMANDS, {campaign_id: command})
    await set_right(desk, "planner", CAMPAIGN_COMMANDS, 1)

    async def known() -> Any:
        return (await desk.rest.get(f"/campaigns/{campaign_id}/stats")).is_success

    await until(known, "the campaign is known")
    await desk.until(campaign_id, completed)
    result = await desk.reckon(campaign_id, 40)
    assert result.exact, result


async def test_misplaced_contacts_become_known(desk: Desk) -> None:
    names = misplaced_ids(f"c{ULID()}-".lower(), FLOOD)
    changes = {
        f"default/{name}": {
            "recipient": f"default/{name}", "occurred_at": now(), "set": {"name": name, "email": f"{name}@example.com"}
        }
        for name in names
    }  # fmt: skip
    await produce(desk, CONTACT_CHANGES, changes)
    await set_right(desk, "tracker", CONTACT_CHANGES, FLOOD)
    for name in (names[0], names[-1]):

        async def known(contact: str = name) -> Any:
            response = await desk.rest.get(f"/contacts/{contact}")
            return response.json() if response.is_success else None

        assert (await until(known, "the contact is known"))["email"] == f"{name}@example.com"


async def test_a_misplaced_opt_out_counts_and_no_number_of_such_records_stops_anybody(desk: Desk) -> None:
    names = misplaced_ids(f"o{ULID()}-".lower(), FLOOD)
    said = {
        f"default/{name}": {
            "recipient": f"default/{name}", "channel": "email", "state": "opted_out", "purpose": "marketing",
            "at": now(),
        }
        for name in names
    }  # fmt: skip
    pids = {service: desk.stack.pid(service) for service in ("router", "tracker")}
    await produce(desk, CONSENTS, said)
    await set_right(desk, "tracker", CONSENTS, FLOOD)
    people = [{"id": name, "name": "N", "email": f"{name}@example.com"} for name in (*names, "o-willing")]
    campaign_id = await desk.launch(people)
    stats = await desk.until(campaign_id, completed)
    assert stats["by_channel"]["email"]["suppressed_by_reason"] == {"opted_out": FLOOD}
    assert await desk.times(campaign_id) == {f"{campaign_id}/1/o-willing": 1}
    assert pids == {service: desk.stack.pid(service) for service in pids}


async def test_a_misplaced_event_is_put_aside_by_the_router_and_counts_nobody_twice(desk: Desk) -> None:
    [name] = misplaced_ids(f"d{ULID()}-".lower(), 1)
    campaign_id = await desk.launch([{"id": name, "name": "N", "email": f"{name}@example.com"}])

    def delivered(stats: dict[str, Any]) -> bool:
        return completed(stats) and bool(stats["by_channel"]["email"]["delivered"])

    before = await desk.until(campaign_id, delivered)
    [known] = [event for event in await desk.ledger(name) if event["status"] == "accepted"]
    forged = known | {"detail": "again"}
    await produce(desk, DELIVERY_EVENTS, {f"default/{name}": forged})
    await put_aside(desk, DELIVERY_EVENTS, f"{campaign_id}/1/{name}")
    stats = await desk.stats(campaign_id)
    for figure in ("planned", "settled", "open", "spent_micros"):
        assert stats[figure] == before[figure]
    assert stats["by_channel"]["email"]["sent"] == 1
    assert await desk.times(campaign_id) == {f"{campaign_id}/1/{name}": 1}


async def test_a_misplaced_request_is_put_aside_and_sends_nothing(desk: Desk) -> None:
    [name] = misplaced_ids(f"s{ULID()}-".lower(), 1)
    campaign_id = await desk.launch([{"id": name, "name": "N", "email": f"{name}@example.com"}])
    await desk.until(campaign_id, completed)
    request = {
        "send_id": f"{campaign_id}/1/{name}", "campaign_id": campaign_id, "step": 1, "recipient": f"default/{name}",
        "ord": 0, "attempt": 1, "epoch": (await desk.stats(campaign_id))["epoch"], "channel": "email",
        "account": "default", "address": f"{name}@example.com", "data": {"name": "N"}, "reserved_micros": 900,
        "expires_at": now(3600),
    }  # fmt: skip
    await produce(desk, SEND_REQUESTED, {f"default/{name}": request})
    await put_aside(desk, SEND_REQUESTED, f"{campaign_id}/1/{name}")
    assert await desk.times(campaign_id) == {f"{campaign_id}/1/{name}": 1}
