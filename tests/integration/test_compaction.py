"""Changed contacts go back into the base: one row a person, the newest, whatever stops in between."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest
from clickhouse_connect.driver.asyncclient import AsyncClient
from clickhouse_connect.driver.exceptions import DatabaseError

from services.tracker.compaction import Compaction
from services.tracker.core.contacts import Change
from services.tracker.people import People
from services.tracker.store import Store

PUT = """
INSERT INTO {table} (recipient_id, brand, name, email, phone, version)
SELECT concat('default/c-', toString(number)), 'default', concat('{name} ', toString(number)),
       concat('c-', toString(intDiv(number, 2)), '@example.com'), concat('+91981', toString(1000 + number)), {version}
FROM numbers({first}, {count})
"""
READ = "SELECT recipient_id, name, version FROM v_contacts ORDER BY recipient_id"
BASE = "SELECT recipient_id, name, version, reach, email_key FROM contacts ORDER BY recipient_id"
MANY = 1000
"""More commands than a compaction has."""
MOMENTS = (
    "INSERT INTO contacts_changes", "DELETE FROM contacts", "INSERT INTO contacts WITH", "DELETE FROM contacts_changes"
)  # fmt: skip
"""Beginnings of its statements that move people."""
MANY_STATEMENTS = 22
"""As many as it has, or somewhat more."""


class Watched(Store):
    """Counts its commands, and does something before each: `before` gets its number, from 0, and its text."""

    def __init__(self, client: AsyncClient, before: Callable[[int, str], Awaitable[None]]) -> None:
        super().__init__(client)
        self.before, self.done = before, 0

    async def command(self, statement: str, settings: dict[str, Any] | None = None) -> None:
        await self.before(self.done, statement)
        self.done += 1
        await super().command(statement, settings)


def killed(client: AsyncClient, at: int) -> Watched:
    """Ends like a process that is killed before its command of this number."""

    async def before(number: int, _statement: str) -> None:
        if number >= at:
            raise DatabaseError("the process was killed")

    return Watched(client, before)


def meanwhile(client: AsyncClient, at: int | str, then: Callable[[], Awaitable[None]]) -> Watched:
    """Something happens once, right before its command of this number, or the first that begins with these words."""
    due = [then]

    async def before(number: int, statement: str) -> None:
        if due and (number == at or (isinstance(at, str) and " ".join(statement.split()).startswith(f"{at} "))):
            await due.pop()()

    return Watched(client, before)


class MovingTwice(Store):
    """As if another process did the same at the same time."""

    async def command(self, statement: str, settings: dict[str, Any] | None = None) -> None:
        await super().command(statement, settings)
        if statement.split()[:4] == ["INSERT", "INTO", "contacts", "WITH"]:
            await super().command(statement, settings)


async def people(client: AsyncClient) -> None:
    """Sixty in the base, half of them changed since, and twenty new ones; each shares a mail address with one other."""
    await put(client, "contacts", "First", 1, 0, 60)
    await put(client, "contacts_changes", "Second", 2, 30, 50)


async def put(client: AsyncClient, table: str, name: str, version: int, first: int, count: int) -> None:
    await client.command(PUT.format(table=table, name=name, version=version, first=first, count=count))


async def rows(client: AsyncClient, query: str) -> Sequence[Sequence[Any]]:
    return (await client.query(query)).result_rows


async def compacted(store: Store) -> None:
    await Compaction(store, 1, lambda: True).compact()


async def test_killed_before_any_of_its_statements_it_is_simply_done_again(client: AsyncClient) -> None:
    """Nobody reads anything else meanwhile, and the base is the same in the end as if nothing had happened."""
    await people(client)
    wanted = await rows(client, READ)
    whole = killed(client, MANY)
    await compacted(whole)
    base = await rows(client, BASE)
    assert [row[:3] for row in base] == wanted
    assert all(row[3] and row[4] for row in base), "each shares an address, and it is worked out"
    for left in range(whole.done):
        for table in ("contacts", "contacts_changes"):
            await client.command(f"TRUNCATE TABLE {table}")
        await people(client)
        with pytest.raises(DatabaseError):
            await compacted(killed(client, left))
        assert await rows(client, READ) == wanted, f"killed before statement {left}"
        await compacted(Store(client))
        assert await rows(client, READ) == wanted, f"killed before statement {left}, done again"
        assert await rows(client, BASE) == base
        assert await rows(client, "SELECT count() FROM contacts_changes") == [(0,)]


async def test_what_comes_late_from_who_knew_less_does_not_undo_what_is_newer(client: AsyncClient) -> None:
    await put(client, "contacts", "Newer", 5, 0, 10)
    await put(client, "contacts_changes", "Older", 3, 0, 10)
    await compacted(Store(client))
    await compacted(Store(client))
    assert {row[2] for row in await rows(client, BASE)} == {5}
    assert [row[1] for row in await rows(client, READ)] == [f"Newer {n}" for n in range(10)]


@pytest.mark.parametrize("moment", MOMENTS[:-1])
async def test_nor_does_it_while_they_are_moved(client: AsyncClient, moment: str) -> None:
    """Nobody of the base was told of; their reach was not worked out."""
    await put(client, "contacts", "Newer", 5, 0, 10)
    late = list[int]()

    async def write() -> None:
        await put(client, "contacts_changes", "Older", 3, 0, 10)
        late.append(3)

    await compacted(meanwhile(client, moment, write))
    assert late == [3]
    await compacted(Store(client))
    assert [row[1] for row in await rows(client, READ)] == [f"Newer {n}" for n in range(10)]


@pytest.mark.parametrize("moment", MOMENTS)
async def test_what_is_told_of_somebody_meanwhile_is_added_to_what_is_known(client: AsyncClient, moment: str) -> None:
    await put(client, "contacts", "Known", 5, 0, 10)
    told = {f"default/c-{n}": [Change(2_000, 10 + n, {"city": "Goa"})] for n in range(10)}
    await compacted(meanwhile(client, moment, lambda: People(Store(client)).apply(told)))
    for _ in range(2):
        found = await rows(client, "SELECT name, city FROM v_contacts ORDER BY recipient_id")
        assert found == [(f"Known {n}", "Goa") for n in range(10)]
        await compacted(Store(client))


@pytest.mark.parametrize("left", range(1, MANY_STATEMENTS))
async def test_of_two_that_begin_one_after_the_other_nobody_is_lost(client: AsyncClient, left: int) -> None:
    """The first stands still before one of its statements; the second does all of its own; the first goes on."""
    await people(client)
    wanted, second = await rows(client, READ), meanwhile(client, left, lambda: compacted(Store(client)))
    with contextlib.suppress(DatabaseError):
        await compacted(second)
    assert await rows(client, READ) == wanted
    await compacted(Store(client))
    assert [row[:3] for row in await rows(client, BASE)] == wanted


async def test_two_that_move_the_same_people_at_once_leave_one_row_a_person(client: AsyncClient) -> None:
    for size in ("min", "max"):  # the engine merges nothing by itself, which would hide it
        await client.command(f"ALTER TABLE contacts MODIFY SETTING max_bytes_to_merge_at_{size}_space_in_pool = 1")
    await people(client)
    wanted = await rows(client, READ)
    await compacted(MovingTwice(client))
    assert [row[:3] for row in await rows(client, BASE)] == wanted
