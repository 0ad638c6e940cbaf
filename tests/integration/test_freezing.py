"""Freezing an audience on the real engine, against a plain Python reading of the same people and their openings."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from clickhouse_connect.driver.asyncclient import AsyncClient

from schemas import CampaignRecord, InlineRecipient
from services.planner.audience import AudienceStore
from services.tracker.core.contacts import Change
from services.tracker.people import People
from services.tracker.store import Store

NOW = datetime.now(UTC).replace(microsecond=0)
NO_ZONE = "Nowhere/At all"
ZONES = ("Asia/Kolkata", "Europe/Berlin", "Pacific/Chatham", NO_ZONE, "")
CAMPAIGN_ZONE = "America/St_Johns"
PEOPLE, MESSAGES = 60, 12
Seen = dict[str, tuple[int, int, int, int]]
"""Recipient -> duplicate, best hour, openings in it, all openings."""


class World:
    """People, and what they opened: told of more than once, out of order, in several inserts."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.zones = {f"default/c-{n}": self.chance.choice(ZONES) for n in range(PEOPLE)}
        self.mails = {name: f"{self.chance.randrange(PEOPLE)}@example.com" for name in self.zones}
        self.phones = {name: f"+9198123456{self.chance.randrange(PEOPLE):02d}" for name in self.zones}
        self.opened: defaultdict[str, dict[int, datetime]] = defaultdict(dict)
        """Recipient -> message -> when first, as far as it is looked back to."""

    async def tell(self, client: AsyncClient) -> None:
        writes = {
            name: [Change(1, 1, {"zone": self.zones[name], "email": self.mails[name], "phone": self.phones[name]})]
            for name in self.zones
        }
        await People(Store(client)).apply(writes)
        columns = ["recipient_id", "campaign_id", "step", "channel", "attempt", "status", "ord", "occurred_at"]
        columns.append("machine")
        for again in range(3):
            rows = []
            for number, name in enumerate(self.zones):
                for message in range(self.chance.randrange(MESSAGES)):
                    at = NOW - timedelta(hours=self.chance.choice((3, 4, 5, 26, 27, 3000)), minutes=again * 7 + number)
                    machine = self.chance.random() < 0.2
                    rows.append([name, f"old-{message}", 1, "email", 1, "read", number, at, machine])
                    if not machine and at > NOW - timedelta(days=90):
                        self.opened[name][message] = min(at, self.opened[name].get(message, at))
            await client.insert("delivery_events", rows, column_names=columns)

    def seen(self, brand_hour: int) -> Seen:
        """What freezing is to find."""
        return {name: (self.duplicate(name), *self._habit(name, brand_hour)) for name in self.zones}

    def duplicate(self, name: str) -> int:
        first = [min(other for other in of if of[other] == of[name]) == name for of in (self.mails, self.phones)]
        return (0 if first[0] else 1) + (0 if first[1] else 6)

    def _habit(self, name: str, brand_hour: int) -> tuple[int, int, int]:
        zone = ZoneInfo(self.zones[name] if self.zones[name] in ZONES[:3] else CAMPAIGN_ZONE)
        hours = Counter(at.astimezone(zone).hour for at in self.opened[name].values())
        if hours.total() < 3:
            return brand_hour, 0, 0
        hour, most = min(hours.items(), key=lambda item: (-item[1], item[0]))
        return hour, most, hours.total()


def campaign(mode: str) -> CampaignRecord:
    return CampaignRecord.model_validate({
        "campaign_id": f"c-{mode}", "brand": "default", "name": "N", "status": "active", "epoch": 1, "filter": {},
        "steps": [{"channel": "email", "account": "default", "content": {"email": {"subject": "S", "html": "H"}}}],
        "body": {"text": "T"}, "schedule": {"at": NOW, "zone": CAMPAIGN_ZONE, "mode": mode}, "created_at": NOW,
        "updated_at": NOW,
    })  # fmt: skip


async def frozen(client: AsyncClient, snapshot: str) -> tuple[list[str], Seen]:
    """Recipients by ordinal, and what was found of each."""
    rows = (
        await client.query(
            "SELECT ord, recipient_id, duplicate, best_hour, best_opens, opens FROM audience_members "
            "WHERE snapshot_id = {snapshot:String} ORDER BY ord",
            parameters={"snapshot": snapshot},
        )
    ).result_rows
    assert [row[0] for row in rows] == list(range(len(rows)))
    return [row[1] for row in rows], {row[1]: (row[2], row[3], row[4], row[5]) for row in rows}


async def test_everybody_is_numbered_once_with_their_best_hour_and_addresses_that_come_twice(
    client: AsyncClient,
) -> None:
    """The hour of their own day in which they first opened most messages, the earlier of equals; of too few: the
    brand's. The first by id keeps an address that several have."""
    world, audiences = World(7), AudienceStore(client)
    await world.tell(client)
    best = await audiences.freeze(campaign("best_time"), NOW)
    names, seen = await frozen(client, best.snapshot_id)
    brand_hour = max(seen[name][1] for name, opened in world.opened.items() if len(opened) < 3)
    assert (best.count, names, brand_hour >= 0) == (PEOPLE, sorted(world.zones), True)
    assert seen == world.seen(brand_hour)

    fixed = await audiences.freeze(campaign("fixed"), NOW)
    names, seen = await frozen(client, fixed.snapshot_id)
    assert names == sorted(world.zones)
    assert seen == {name: (world.duplicate(name), -1, 0, 0) for name in names}

    people = [
        InlineRecipient.model_validate({"id": name.partition("/")[2], "email": world.mails[name], "zone": zone or None})
        for name, zone in world.zones.items()
        if zone != NO_ZONE
    ]
    listed = await audiences.store(campaign("best_time"), people, NOW)
    _, seen = await frozen(client, listed.snapshot_id)
    assert {name: found[1:] for name, found in seen.items()} == {
        name: found[1:] for name, found in world.seen(brand_hour).items() if world.zones[name] != NO_ZONE
    }
