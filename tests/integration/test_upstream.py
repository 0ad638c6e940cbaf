"""What upstream systems say while campaigns run: it counts from when it is said, also from a wrong partitioner."""

from __future__ import annotations

import asyncio
import json
import zlib
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from confluent_kafka import Producer
from installation_desk import Desk, completed, mailed, sent
from ulid import ULID
from waiting import until

from deploy.local.environment import SANDBOX_TWILIO
from schemas.topics import (
    CAMPAIGN_COMMANDS,
    CONSENTS,
    CONTACT_CHANGES,
    DELIVERY_EVENTS,
    ENGAGEMENTS,
    SEND_REQUESTED,
    load_topics,
)
from services.runtime.kafka import make_producer, partition_of

TEXTS_PER_S, AUDIENCE = 16, 300
"""Ten seconds' worth of texts is asked for at once; the rest is not yet expanded, as long as these do not go."""
SLOW = {"name": "calm", "limits": {SANDBOX_TWILIO["PEAL_TWILIO_ACCOUNT_SID"]: 1}, "retry_after_s": 1}
"""The provider takes one a second and answers 429 to the others."""
GIVEN = {"PEAL_RATE_EMAIL": "100", "PEAL_RATE_SMS": str(TEXTS_PER_S), "PEAL_SANDBOX_WORLD": "calm"}
PARTITIONS = load_topics().partitions
FLOOD = 150
"""More than the bad records in a row after which a consumer stops."""


def now(ahead_s: float = 0) -> str:
    return (datetime.now(UTC) + timedelta(seconds=ahead_s)).isoformat()


class Five(NamedTuple):
    """People of one stage, by what is said of them and how."""

    quit_by_rest: str
    quit_by_kafka: str
    moved_by_rest: str
    moved_by_kafka: str
    deleted: str

    @property
    def quit(self) -> set[str]:
        return {self.quit_by_rest, self.quit_by_kafka}

    @property
    def moved(self) -> set[str]:
        return {self.moved_by_rest, self.moved_by_kafka}


def old_phone(contact: str) -> str:
    return f"+9190000{contact[-5:]}"


def new_phone(contact: str) -> str:
    return f"+9191111{contact[-5:]}"


async def change(desk: Desk, five: Five, city: str) -> None:
    """Two opt out, two get another number, one is deleted."""
    moved = {"name": "Moved", "phone": new_phone(five.moved_by_rest), "city": city}
    await desk.consent(five.quit_by_rest, "sms", "opted_out")
    await desk.ask("PUT", f"/contacts/{five.moved_by_rest}", json=moved)
    async with make_producer(desk.stack.settings) as producer:
        for topic, contact, value in (
            (CONSENTS, five.quit_by_kafka, {"channel": "sms", "state": "opted_out", "at": now()}),
            (CONTACT_CHANGES, five.moved_by_kafka, {"occurred_at": now(), "set": {"phone": new_phone(five[3])}}),
            (CONTACT_CHANGES, five.deleted, {"occurred_at": now(), "delete": True}),
        ):
            key = f"default/{contact}"
            await producer.send_and_wait(topic, json.dumps({"recipient": key, **value}).encode(), key.encode())


async def arrivals(desk: Desk, campaign_id: str) -> dict[tuple[int, str], tuple[str, int]]:
    """Step and contact -> the number that the provider took it for, and the attempt; nobody got one twice."""
    messages = await desk.received(campaign_id)
    found = {}
    for message in messages:
        _, step, contact = message["send_id"].split("/")
        found[int(step), contact] = message["to"], int(message["attempt"])
    assert len(found) == len(messages)
    return found


async def test_consent_withdrawn_wins_and_another_address_counts_at_every_stage_of_a_campaign(desk: Desk) -> None:
    """Before the freeze, after it, while queued at a slow sender, after the acceptance; of two steps."""
    word = f"w{ULID()}".lower()
    names = [f"{word}-{number:05}" for number in range(AUDIENCE)]
    rows = ["id,name,phone,city,opt_in", *(f"{name},N,{old_phone(name)},{word},sms" for name in names)]
    csv = {"content": "\n".join(rows).encode(), "headers": {"Content-Type": "text/csv"}}
    assert (await desk.rest.post("/contacts/import", **csv)).json()["imported"] == AUDIENCE
    early, late = Five(*names[:5]), Five(*names[-5:])
    await desk.set_world(SLOW)
    await change(desk, early, word)
    campaign_id = await desk.launch(
        [], steps=[{"channel": "sms"}, {"channel": "sms", "after": "1s"}], audience={"filter": {"cities": [word]}}
    )
    await desk.until(campaign_id, lambda stats: stats["audience"] == AUDIENCE - 1)
    await change(desk, late, word)
    await desk.until(campaign_id, lambda stats: sent(8, "sms")(stats) and stats["by_channel"]["sms"]["queued"] > 20)
    sends = [send for send in await desk.sends(campaign_id) if send["step"] == 1]
    taken = {contact for _, contact in await arrivals(desk, campaign_id)} - set(early)
    queued = {send["recipient"].partition("/")[2] for send in sends if send["status"] == "queued"} - taken - set(late)
    assert len(queued) >= 5, Counter(send["status"] for send in sends)
    waiting, reached = Five(*sorted(queued)[-5:]), Five(*sorted(taken)[:5])
    await change(desk, waiting, word)
    await change(desk, reached, word)
    await desk.set_world({"name": "calm"})
    stats = await desk.until(campaign_id, completed)

    found = await arrivals(desk, campaign_id)
    stages = (early, late, waiting, reached)
    assert not [contact for stage in stages[:3] for contact in stage.quit if (1, contact) in found]
    assert not [contact for stage in stages for contact in stage.quit if (2, contact) in found]
    for stage in stages:
        for contact in stage.moved:
            phone, attempt = found[1, contact]
            asked_before = stage in (waiting, reached) and attempt == 1
            assert phone == (old_phone if asked_before else new_phone)(contact)
            assert found[2, contact][0] == new_phone(contact)
    assert not [key for key in found if key[1] in (early.deleted, late.deleted)]
    for contact in (waiting.deleted, reached.deleted):
        assert (found[1, contact][0], (2, contact) in found) == (old_phone(contact), False)
    figures = stats["by_channel"]["sms"]
    assert figures["suppressed_by_reason"] == {"opted_out": 2 + 2 * 6, "no_address": 4}
    assert (stats["uncertain"], stats["settled"], len(found)) == (0, stats["planned"], figures["sent"])
    assert stats["planned"] == len(found) + 18
    for contact in waiting.quit:
        explained = (await desk.ask("GET", f"/campaigns/{campaign_id}/explain/{contact}")).json()
        assert [step["reason"] for step in explained["steps"]] == ["opted_out", "opted_out"]


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


async def test_a_misplaced_visit_saves_a_reminder(desk: Desk) -> None:
    names = misplaced_ids(f"e{ULID()}-".lower(), 20)
    campaign_id = f"visited-{ULID()}".lower()
    visits = {
        f"default/{name}": {"recipient": f"default/{name}", "kind": "visit", "campaign_id": campaign_id, "at": now()}
        for name in names
    }
    people = [{"id": name, "name": "N", "email": f"{name}@example.com"} for name in (*names, "e-silent")]
    steps = [{"channel": "email"}, {"channel": "email", "only_if": "not_engaged", "after": "1s"}]
    await produce(desk, ENGAGEMENTS, visits)
    await set_right(desk, "tracker", ENGAGEMENTS, len(names))
    await desk.launch(people, id=campaign_id, steps=steps)
    await desk.until(campaign_id, completed)
    times = await desk.times(campaign_id)
    assert times == {f"{campaign_id}/1/{person['id']}": 1 for person in people} | {f"{campaign_id}/2/e-silent": 1}


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
