"""Somebody is forgotten in the middle of a campaign: nothing more is sent, no trace stays, and the counts do."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiokafka import TopicPartition
from clickhouse_connect.driver.asyncclient import AsyncClient
from installation_desk import Desk, completed, running
from ulid import ULID
from waiting import until

from deploy.local.installation import Installation
from schemas.topics import load_topics
from services.runtime.clickhouse import make_clickhouse
from services.runtime.kafka import make_consumer
from services.tracker.compaction import Compaction
from services.tracker.core.erasure_sql import drop_old_parts
from services.tracker.store import Store

MAILS_PER_S, TEXTS_PER_S, PEOPLE = 8, 40, 144
"""Ten seconds' worth of mails is asked for at once; the rest is not yet expanded for a while."""
EARLY, QUEUED, LATER = 0, 70, PEOPLE - 1


class Site(Desk):
    """Where one can also look into everything that keeps data."""

    def __init__(self, installation: Installation, folder: Path) -> None:
        super().__init__(installation)
        self.folder = folder

    def arm(self, place: str) -> Path:
        armed = self.folder / "fail-points" / place.partition(".")[0] / place
        armed.parent.mkdir(parents=True, exist_ok=True)
        armed.write_text("SIGKILL")
        return armed

    async def forgetful(self, campaign_id: str, people: list[dict[str, Any]]) -> None:
        """By email, then by SMS."""
        steps = [{"channel": "email"}, {"channel": "sms", "after": "3s"}]
        text = "Hi {{ name }}, {{ hobby | default: 'you' }}"
        await self.launch(people, id=campaign_id, body={"text": text}, steps=steps)

    async def arrivals(self, campaign_id: str) -> dict[str, datetime]:
        """Send id -> when the provider took the message; nobody got one twice."""
        told = await self.received(campaign_id)
        found = {message["send_id"]: datetime.fromisoformat(message["received_at"]) for message in told}
        assert len(found) == len(told)
        return found

    async def last_words(self) -> dict[bytes, bytes | None]:
        """The router's changelog as compaction would leave it."""
        [topic] = load_topics().changelogs
        consumer = make_consumer(self.stack.settings, auto_offset_reset="earliest")
        await consumer.start()
        try:
            partitions = [TopicPartition(topic, number) for number in range(load_topics().partitions)]
            consumer.assign(partitions)
            await consumer.seek_to_beginning()
            found: dict[bytes, bytes | None] = {}
            for tp, end in (await consumer.end_offsets(partitions)).items():
                while await consumer.position(tp) < end:
                    for records in (await consumer.getmany(timeout_ms=200)).values():
                        found |= {record.key: record.value for record in records}
            return found
        finally:
            await consumer.stop()


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Installation, Path]]:
    folder = tmp_path_factory.mktemp("erasure")
    given = {
        "PEAL_RATE_EMAIL": str(MAILS_PER_S), "PEAL_RATE_SMS": str(TEXTS_PER_S), "PEAL_SANDBOX_WORLD": "calm",
        "PEAL_FAIL_POINTS": str(folder / "fail-points"),
    }  # fmt: skip
    with running(folder, given) as made:
        yield made, folder


@pytest.fixture
async def site(installed: tuple[Installation, Path]) -> AsyncIterator[Site]:
    made = Site(*installed)
    yield made
    await made.rest.aclose()


def people_of(word: str, count: int) -> list[dict[str, Any]]:
    return [
        {"id": f"id{word}{i}x", "name": f"Name{word}{i}x", "email": f"mail{word}{i}x@example.com",
         "phone": f"+9198{i:08d}", "attributes": {"hobby": f"hobby{word}{i}x"}, "opt_in": ["sms"]}
        for i in range(count)
    ]  # fmt: skip


def words_of(person: dict[str, Any]) -> list[str]:
    return [person["id"], person["name"], person["email"], person["phone"][1:], person["attributes"]["hobby"]]


async def traces(clickhouse: AsyncClient, words: Iterable[str]) -> list[tuple[str, str, str]]:
    """(table, column, word) for every column of every table in which a row holds one of the words."""
    columns = await clickhouse.query(
        """
        SELECT table, name FROM system.columns
        WHERE database = currentDatabase() AND NOT startsWith(type, 'AggregateFunction')
          AND table IN (SELECT name FROM system.tables WHERE database = currentDatabase() AND engine LIKE '%MergeTree')
        """
    )
    queries = [
        f"SELECT '{table}', '{name}', '{word}' FROM {table}"
        f" WHERE position(toJSONString(`{name}`), '{word}') > 0 LIMIT 1"
        for table, name in columns.result_rows
        for word in words
    ]
    assert len({table for table, _ in columns.result_rows}) > 10
    found = []
    for at in range(0, len(queries), 100):
        found += (await clickhouse.query(" UNION ALL ".join(queries[at : at + 100]))).result_rows
    mutations = (await clickhouse.query("SELECT command FROM system.mutations")).result_rows
    found += [("system.mutations", "command", word) for word in words if any(word in row[0] for row in mutations)]
    return [(row[0], row[1], row[2]) for row in found]


async def traces_in_files(clickhouse: AsyncClient, folder: Path, words: Iterable[str]) -> list[str]:
    """Files below the engine's folder in which a word stands in plain bytes.

    A part that a query was reading when it was replaced is removed with the next ones, so this asks for that.
    """
    tables = "SELECT DISTINCT table FROM system.parts WHERE database = currentDatabase() AND NOT active"
    for (table,) in (await clickhouse.query(tables)).result_rows:
        await clickhouse.command(drop_old_parts(table))
    found = []
    for file in folder.rglob("*"):
        with contextlib.suppress(OSError):  # a merge has just removed it
            data = file.read_bytes() if file.is_file() else b""
            found += [f"{file.relative_to(folder)}: {word}" for word in words if word.encode() in data]
    return found


async def test_somebody_forgotten_in_mid_campaign_gets_nothing_more_and_leaves_no_trace_but_figures(
    site: Site,
) -> None:
    """Three of them: one has been sent to, one is queued, one is not yet expanded. The tracker is killed meanwhile."""
    clickhouse = await make_clickhouse(site.stack.settings)
    word = str(ULID()).lower()
    campaign_id, people = f"forget-{word}", people_of(word, PEOPLE)
    gone = [people[at] for at in (EARLY, QUEUED, LATER)]
    words = [text for person in gone for text in words_of(person)]
    for person in gone:
        fields = {name: person[name] for name in ("name", "email", "phone", "attributes")}
        await site.ask("PUT", f"/contacts/{person['id']}", json=fields)
        said = {"contact": person["id"], "channel": "sms", "state": "opted_in"}
        await site.ask("POST", "/consents", json=said)

    async def known() -> bool:
        return {table for table, _, _ in await traces(clickhouse, words)} >= {"contacts_changes", "consents"}

    await until(known, "contacts and consents are known")
    compaction = Compaction(Store(clickhouse), 1, lambda: True)
    await compaction.compact()
    await clickhouse.command("INSERT INTO contacts_changes SELECT * FROM contacts")
    await compaction.compact()  # what they come back from leaves rows that are only marked as deleted
    await site.forgetful(campaign_id, people)

    async def one_was_sent_to() -> bool:
        return f"{campaign_id}/1/{gone[0]['id']}" in await site.arrivals(campaign_id)

    await until(one_was_sent_to, "the first of them got the mail")
    armed = site.arm("tracker.erasure-rewritten")
    for person in gone:
        await site.ask("POST", f"/recipients/{person['id']}/erase")
    asked_at = datetime.now().astimezone()
    told = await asyncio.gather(*(site.peal("erase", person["id"], "--yes", "--wait") for person in gone))
    assert [code for code, _ in told] == [0, 0, 0], told
    assert not armed.exists(), "the tracker was to be killed in the middle"
    stats = await site.until(campaign_id, completed)

    received = await site.arrivals(campaign_id)
    assert (stats["planned"], stats["settled"], stats["open"]) == (2 * PEOPLE, 2 * PEOPLE, 0)
    late = [
        send_id for send_id, at in received.items()
        if send_id.split("/")[2] in {person["id"] for person in gone} and at > asked_at + timedelta(seconds=1)
    ]  # fmt: skip
    assert late == []
    assert f"{campaign_id}/1/{gone[2]['id']}" not in received
    for number, channel in ((1, "email"), (2, "sms")):
        sent = sum(send_id.split("/")[1] == str(number) for send_id in received)
        figures = stats["by_channel"][channel]
        assert (figures["sent"], figures["suppressed_by_reason"]) == (sent, {"erased": PEOPLE - sent})
    assert PEOPLE - 3 <= stats["by_channel"]["email"]["sent"] <= PEOPLE - 1
    assert stats["by_channel"]["sms"]["sent"] == PEOPLE - 3

    assert await traces(clickhouse, words) == []
    assert await traces(clickhouse, words_of(people[1])) != []
    assert await traces_in_files(clickhouse, site.folder / "clickhouse", words_of(people[1])) != []

    async def gone_from_files() -> bool:
        return not await traces_in_files(clickhouse, site.folder / "clickhouse", words)

    await until(gone_from_files, "no file of the engine holds a word of them", 120)
    remembered = {key: value for key, value in (await site.last_words()).items() if value is not None}
    assert any(people[1]["id"].encode() in key for key in remembered)
    everything = b"".join(key + value for key, value in remembered.items() if value is not None)
    assert [text for text in words if text.encode() in everything] == []
    assert (await site.rest.get(f"/contacts/{gone[0]['id']}")).status_code == 404
    await clickhouse.close()


async def test_who_has_been_erased_is_not_made_contactable_by_being_imported_again(site: Site) -> None:
    """Neither under the same id nor under another with the same address; nor by an opt-in."""
    clickhouse = await make_clickhouse(site.stack.settings)
    word = str(ULID()).lower()
    erased, other, control = people_of(word, 3)
    await site.ask("PUT", f"/contacts/{erased['id']}", json={n: erased[n] for n in ("name", "email", "phone")})

    async def known() -> bool:
        return (await site.rest.get(f"/contacts/{erased['id']}")).is_success

    await until(known, "the contact is known")
    code, printed, complaint = await site.command("erase", erased["id"], "--yes", "--wait")
    assert (code, "Done" in printed) == (0, True), printed + complaint
    await site.ask("PUT", f"/contacts/{erased['id']}", json={n: erased[n] for n in ("name", "email", "phone")})
    await site.ask("PUT", f"/contacts/{other['id']}", json={"name": other["name"], "email": erased["email"]})
    await site.ask("POST", "/consents", json={"contact": erased["id"], "channel": "all", "state": "opted_in"})

    async def other_known() -> Any:
        response = await site.rest.get(f"/contacts/{other['id']}")
        return response.json() if response.is_success else None

    assert (await until(other_known, "the other contact is known"))["email"] in ("", None)
    campaign_id = f"again-{word}"
    await site.forgetful(campaign_id, [erased, other | {"email": erased["email"], "phone": erased["phone"]}, control])
    stats = await site.until(campaign_id, completed)
    assert {send_id.split("/")[2] for send_id in await site.arrivals(campaign_id)} == {control["id"]}
    for channel in ("email", "sms"):
        figures = stats["by_channel"][channel]
        assert (figures["sent"], figures["suppressed_by_reason"]) == (1, {"erased": 2})
    assert await traces(clickhouse, words_of(erased)) == []
    await clickhouse.close()


async def test_an_ordinal_of_whom_nothing_is_left_keeps_no_campaign_open(site: Site) -> None:
    """Whoever deleted the row: the send ends as erased."""
    clickhouse = await make_clickhouse(site.stack.settings)
    word, people = str(ULID()).lower(), 24
    campaign_id = f"nobody-{word}"
    await site.ask("POST", "/campaigns", json={
        "id": campaign_id, "name": "With a gap", "body": {"text": "Hi"}, "channels": ["email"],
        "audience": {"recipients": [{"id": f"g{i}", "email": f"g{i}.{word}@example.com"} for i in range(people)]},
    })  # fmt: skip
    await clickhouse.command(
        f"ALTER TABLE audience_members DELETE WHERE campaign_id = '{campaign_id}' AND ord IN (0, 7)"
        " SETTINGS mutations_sync = 2"
    )
    await site.ask("POST", f"/campaigns/{campaign_id}/launch", json={})
    figures = (await site.until(campaign_id, completed))["by_channel"]["email"]
    assert (figures["sent"], figures["suppressed_by_reason"]) == (people - 2, {"erased": 2})
    await clickhouse.close()
