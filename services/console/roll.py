"""Pages of a brand's people, and what is counted of them now and then."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final

from services.console.core.csv_text import csv_text
from services.console.hub import Hub, Row
from services.console.lately import Lately
from services.console.queries import audience as audience_queries
from services.console.queries import contacts as queries
from services.console.queries.contacts import Wanted, page_parameters, people_page
from services.console.sends import utc
from services.domain.audience import ATTRIBUTE_NAMES

COUNTED_S: Final = 30.0
"""Counts of all people of a brand may be so old: they take a look at everybody."""
ROWS_OF_FILE: Final = 5_000
FIELDS: Final = ("name", "email", "phone", "role", "city", "pincode", "zone")
MOST_CITIES: Final = 200


@dataclass(frozen=True)
class Counts:
    people: int
    with_email: int
    with_phone: int
    lists: list[tuple[str, int]]
    cities: list[tuple[str, int]]


class Roll:
    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self._counts = Lately[Counts](COUNTED_S, late_s=math.inf)

    async def counts(self, brand: str) -> Counts:
        """The last ones, however old; newer ones are asked for where they are. Raises `Problem` 503."""
        return await self._counts.lately(brand, lambda: self._count(brand))

    def known_counts(self, brand: str) -> Counts | None:
        """None: nobody has asked so far."""
        return self._counts.known(brand)

    async def page(self, wanted: Wanted, brand: str, limit: int, after: str = "") -> tuple[list[Row], str]:
        """Rows in the order of their ids, and behind whom the next page begins; empty: there is none."""
        given = page_parameters(wanted, brand, self.hub.now(), limit + 1, after)
        found = await self.hub.rows(people_page(wanted), **given)
        rows = list({row["recipient_id"]: row for row in found[:limit]}.values())
        following = str(found[limit - 1]["recipient_id"]) if len(found) > limit else ""
        return [_person(row) for row in rows], following

    async def file(self, wanted: Wanted, brand: str) -> AsyncIterator[str]:
        """As CSV, in columns that an import takes; written as it is read."""
        names = sorted({row[0] for row in await self.hub.tuples(ATTRIBUTE_NAMES, brand=brand)} - set(FIELDS) - {"id"})
        yield csv_text([("id", *FIELDS, "last_active_at", "lists", *names)])
        after = ""
        query = people_page(wanted, queries.WITH_ATTRIBUTES)
        while True:
            given = page_parameters(wanted, brand, self.hub.now(), ROWS_OF_FILE, after)
            rows = await self.hub.rows(query, **given)
            yield csv_text([_cells(_person(row), names) for row in {row["recipient_id"]: row for row in rows}.values()])
            if len(rows) < ROWS_OF_FILE:
                return
            after = str(rows[-1]["recipient_id"])

    async def _count(self, brand: str) -> Counts:
        counts, lists, cities = await asyncio.gather(
            self.hub.tuples(queries.COUNTS, brand=brand), self.hub.tuples(audience_queries.LISTS, brand=brand),
            self.hub.tuples(queries.CITIES, brand=brand, most=MOST_CITIES),
        )  # fmt: skip
        people, with_email, with_phone = (int(count) for count in counts[0])
        return Counts(people, with_email, with_phone, [_pair(row) for row in lists], [_pair(row) for row in cities])


def _pair(row: Any) -> tuple[str, int]:
    return str(row[0]), int(row[1])


def _person(row: Row) -> Row:
    last = utc(row["last_active_at"])
    return row | {
        "contact": row["recipient_id"].partition("/")[2], "last_active_at": last if last.timestamp() > 0 else None,
    }  # fmt: skip


def _cells(row: Row, names: list[str]) -> tuple[object, ...]:
    attributes = json.loads(row["attributes_json"] or "{}")
    last = row["last_active_at"].isoformat() if row["last_active_at"] else ""
    fields = (row[name] for name in FIELDS)
    return (row["contact"], *fields, last, ";".join(row["lists"]), *(attributes.get(name, "") for name in names))
