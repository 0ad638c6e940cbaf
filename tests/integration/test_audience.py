"""The audience filter and the preview on the real engine, against a plain Python reading of the same people."""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from clickhouse_connect.driver.asyncclient import AsyncClient
from tracker_stage import NOW as STAGE_NOW
from tracker_stage import event

from schemas import AudienceFilter, Channel
from services.domain import reach
from services.domain.audience import filter_parameters, matching
from services.domain.eligibility import CampaignRules, Suppress, decide, fingerprint, new_record, observe
from services.domain.eligibility.record import Record, StepRules
from services.domain.messages import Consent, SendRequest
from services.runtime.reaching import reach_rows
from services.tracker.compaction import Compaction
from services.tracker.core.contacts import Change, Contact, merge
from services.tracker.core.rows import CONSENT_COLUMNS, LEDGER_COLUMNS, consent_row, ledger_row
from services.tracker.mirror import COLUMNS as CAMPAIGN_COLUMNS
from services.tracker.people import People
from services.tracker.store import Store

NOW = datetime.now(UTC).replace(microsecond=0)
NOW_MS = round(NOW.timestamp() * 1000)
CITIES, LISTS, PLANS = ("Pune", "Mumbai", "O'Hara\\", ""), ("vip", "spring 26", "x"), ("gold", "free", "a`b'")
CHANNELS = (Channel.EMAIL, Channel.SMS, Channel.WHATSAPP)
CAMPAIGN = CampaignRules(
    campaign_id="c", brand="default", status="active", epoch=1, steps=[StepRules(channel.value) for channel in CHANNELS]
)
ARRIVED = ("delivered", "read", "clicked", "replied", "unsubscribed", "complained")


class World:
    """What was told so far, in ClickHouse and beside it."""

    def __init__(self, client: AsyncClient, seed: int) -> None:
        self.chance, self.client, self.store = random.Random(seed), client, Store(client)
        self.people: dict[str, Contact] = {}
        self.records: defaultdict[str, Record] = defaultdict(new_record)
        self.refused: dict[tuple[str, Channel], int] = {}
        self.members: defaultdict[str, set[str]] = defaultdict(set)
        self.reached: defaultdict[str, set[str]] = defaultdict(set)
        self.clock = 0

    async def ask(self, query: str, parameters: dict[str, Any]) -> Sequence[Sequence[Any]]:
        return (await self.client.query(query, parameters=parameters)).result_rows

    async def tell(self, count: int) -> None:
        """Changes of contacts, consents and refused addresses, one after another."""
        changes: defaultdict[str, list[Change]] = defaultdict(list)
        consents, events = [], []
        for _ in range(count):
            self.clock += 1
            at, contact = NOW_MS - 10_000_000 + self.clock, self.chance.randrange(80)
            recipient = f"default/c-{contact}"
            kind = self.chance.random()
            if kind < 0.55:
                change = Change(at, self.clock, self._writes(), delete=self.chance.random() < 0.05)
                changes[recipient].append(change)
                self.people[recipient] = (
                    merge(self.people.get(recipient), recipient, [change]) or self.people[recipient]
                )
            elif kind < 0.9:
                consents.append(self._consent(recipient, at))
            else:
                channel = self.chance.choice(CHANNELS)
                self.refused[recipient, channel] = at
                moment = at / 1000 - STAGE_NOW.timestamp()
                events.append(
                    event("other", contact, "failed", after_s=moment, channel=channel.value, reason="invalid_address")
                )
        await People(self.store).apply(dict(changes))
        await self.store.insert("consents", CONSENT_COLUMNS, [consent_row(consent) for consent in consents])
        await self.store.insert(
            "delivery_events",
            LEDGER_COLUMNS,
            [ledger_row(one, 0, self.clock + number) for number, one in enumerate(events)],
        )

    def _writes(self) -> dict[str, Any]:
        pick = self.chance.choice
        possible = {
            "email": pick(["a@example.com", "b@example.com", f"{self.clock}@example.com", None]),
            "phone": pick(["+919812345678", f"+91981{self.clock:07d}", None]),
            "role": pick(["customer", "partner"]),
            "city": pick(CITIES) or None,
            "pincode": pick(["411001", "411002"]),
            "last_active_at": NOW_MS - self.chance.randrange(60) * 86_400_000,
            "attributes.plan": pick(PLANS),
            "attributes.visits": pick([1, 2, 3.5, True, "7", None]),
            f"lists.{pick(LISTS)}": pick([True, True, None]),
        }
        return {name: value for name, value in possible.items() if self.chance.random() < 0.6}

    def _consent(self, recipient: str, at: int) -> Consent:
        pick = self.chance.choice
        consent = Consent(
            recipient=recipient, channel=pick(["email", "sms", "whatsapp", "all"]),
            purpose=pick(["marketing", "marketing", "newsletter"]), state=pick(["opted_in", "opted_in", "opted_out"]),
            at=datetime.fromtimestamp(at / 1000, UTC),
            reason=pick(["opted_out", "bounced_before", "complained_before"]),
        )  # fmt: skip
        observe(self.records[recipient], consent)
        return consent

    async def tell_of_campaigns(self) -> None:
        """Two earlier ones, one of them with a freeze that came to nothing."""
        rows, members, events = [], [], []
        for name in ("first", "second"):
            rows.append((name, "default", name, "marketing", "completed", 1, 1, "s2", 9, "USD", 0, NOW_MS, NOW_MS, None,
                         NOW_MS))  # fmt: skip
            for ord_, contact in enumerate(self.chance.sample(range(80), 30)):
                self.members[name].add(f"default/c-{contact}")
                members.append((name, "s2", ord_, f"default/c-{contact}"))
                status = self.chance.choice(["accepted", "bounced", *ARRIVED])
                if status in ARRIVED:
                    self.reached[name].add(f"default/c-{contact}")
                events.append(event(name, contact, status, after_s=-9000))
            members.append((name, "s1", 0, "default/c-1"))
        await self.store.insert("campaigns", CAMPAIGN_COLUMNS, rows)
        await self.store.insert("audience_members", ("campaign_id", "snapshot_id", "ord", "recipient_id"), members)
        ledger = [ledger_row(one, 0, number) for number, one in enumerate(events)]
        await self.store.insert("delivery_events", LEDGER_COLUMNS, ledger)

    # ---- a filter, and what it means

    def filter(self, depth: int = 3) -> dict[str, Any]:
        pick, some = self.chance.choice, self.chance.sample
        possible: dict[str, Any] = {
            "role": pick(["customer", "partner", "all"]),
            "cities": some(CITIES, 2),
            "pincodes": ["411001"],
            "active_within_days": pick([1, 30]),
            "attributes": {
                pick(["plan", "visits", "never"]): pick(
                    [
                        "gold",
                        ["gold", "a`b'"],
                        1,
                        True,
                        "7",
                        {"at_least": 2},
                        {"at_most": 3.5, "exists": True},
                        {"exists": False},
                    ]
                )
            },
            "lists": some(LISTS, 2),
            "not_in_campaigns": some(["first", "second"], 1),
            "not_reached_by": some(["first", "second"], 1),
        }
        if depth:
            possible["any"] = [self.filter(depth - 1) for _ in range(2)]
            possible["all"] = [self.filter(depth - 1)]
            possible["not"] = self.filter(depth - 1)
        return {name: value for name, value in possible.items() if self.chance.random() < 0.25}

    def means(self, wanted: AudienceFilter) -> set[str]:
        return {r for r, person in self.people.items() if not person.is_deleted and self._holds(wanted, person)}

    def _holds(self, wanted: AudienceFilter, person: Contact) -> bool:
        values, recipient = person.values, person.recipient
        active = values.get("last_active_at", 0)
        days = wanted.active_within_days
        return all(
            [
                wanted.role in (None, "all") or values.get("role", "") == wanted.role,
                not wanted.cities or values.get("city", "") in wanted.cities,
                not wanted.pincodes or values.get("pincode", "") in wanted.pincodes,
                days is None or (isinstance(active, int) and active >= NOW_MS - days * 86_400_000),
                not wanted.lists or any(f"lists.{name}" in values for name in wanted.lists),
                *[_attribute(values.get(f"attributes.{name}"), test) for name, test in wanted.attributes.items()],
                not any(recipient in self.members[name] for name in wanted.not_in_campaigns),
                not any(recipient in self.reached[name] for name in wanted.not_reached_by),
                *[self._holds(part, person) for part in wanted.all],
                not wanted.any or any(self._holds(part, person) for part in wanted.any),
                wanted.not_ is None or not self._holds(wanted.not_, person),
            ]
        )

    def reach(self, people: set[str], channel: Channel) -> tuple[int, Counter[str]]:
        """As the router would judge each of them."""
        field, seen, reachable, dropped = (
            "email" if channel is Channel.EMAIL else "phone",
            set[str](),
            0,
            Counter[str](),
        )
        for ord_, recipient in enumerate(sorted(people)):
            person = self.people[recipient]
            address = str(person.values.get(field, ""))
            record = self.records[recipient]
            if self.refused.get((recipient, channel), -1) >= person.times.get(field, 0):
                record.refused[channel.value] = fingerprint(address)
            else:
                record.refused.pop(channel.value, None)
            step = CHANNELS.index(channel) + 1
            request = SendRequest(
                send_id=f"c/{step}/{recipient.partition('/')[2]}", campaign_id="c", step=step, recipient=recipient,
                ord=ord_, attempt=1, epoch=1, channel=channel.value, account="default", address=address, data={},
                duplicate=bool(address) and address in seen, reserved_micros=0, expires_at=NOW + timedelta(days=1),
                zone="UTC",
            )  # fmt: skip
            seen.add(address)
            verdict = decide(record, request, CAMPAIGN, NOW)
            if isinstance(verdict, Suppress):
                dropped[verdict.reason] += 1
            else:
                reachable += 1
        return reachable, dropped


def _attribute(value: Any, wanted: Any) -> bool:
    text = "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    if not hasattr(wanted, "at_least"):
        values = wanted if isinstance(wanted, list) else [wanted]
        return text in [str(v).lower() if isinstance(v, bool) else str(v) for v in values]
    if wanted.exists is not None and wanted.exists == (text == ""):
        return False
    try:
        number = float(text)
    except ValueError:
        return wanted.at_least is None and wanted.at_most is None
    return (wanted.at_least is None or number >= wanted.at_least) and (
        wanted.at_most is None or number <= wanted.at_most
    )


async def compare(world: World, filters: int) -> None:
    for _ in range(filters):
        given = world.filter()
        wanted = AudienceFilter.model_validate(given)
        parameters = filter_parameters(wanted, "default", NOW)
        found = await world.client.query(f"SELECT recipient_id {matching(wanted)}", parameters=parameters)
        expected = world.means(wanted)
        assert sorted(row[0] for row in found.result_rows) == sorted(expected), given
        rows = await reach_rows(world.ask, wanted, "default", (), NOW)
        assert reach.matched(rows) == len(expected), given
        reached = reach.by_channel(rows, CHANNELS, ("sms", "whatsapp"))
        for channel in CHANNELS:
            assert (reached[channel].reachable, reached[channel].dropped) == world.reach(expected, channel), given


@pytest.mark.parametrize("seed", [1])
async def test_a_filter_and_its_preview_say_what_the_launch_and_the_router_would(
    client: AsyncClient, seed: int
) -> None:
    """Random nested filters over random people; before and after contacts were moved into the base, and in between."""
    world = World(client, seed)
    compaction = Compaction(world.store, 1, lambda: True)
    await world.tell_of_campaigns()
    for told in (250, 60):
        await world.tell(told)
        assert await world.ask(reach.TOLD, {})
        await compare(world, 8)
        await compaction.compact()
        await client.command("TRUNCATE TABLE reach_changes")  # as if all of it were long ago
        assert not await world.ask(reach.TOLD, {})
        await compare(world, 8)


async def test_no_value_and_no_name_ends_its_place_in_the_statement(client: AsyncClient) -> None:
    evil = ["') OR 1=1 --", "a\\'", "{brand:String}", "`x`", "%(matching)s", "\x00", "NULL"]
    world = World(client, 3)
    await world.tell(120)
    for text in evil:
        for given in (
            {"cities": [text]}, {"pincodes": [text]}, {"attributes": {text: "x"}}, {"attributes": {"plan": text}},
            {"attributes": {text: {"exists": True}}}, {"any": [{"attributes": {f"a.`{text}": 1}}]},
        ):  # fmt: skip
            wanted = AudienceFilter.model_validate(given)
            statement, parameters = matching(wanted), filter_parameters(wanted, "default", NOW)
            assert (await client.query(f"SELECT count() {statement}", parameters=parameters)).result_rows == [(0,)]
    people = People(world.store)
    for told in (1, 2):
        await people.apply(
            {f"default/{text}": [Change(told, told, {"name": text, "city": str(told)})] for text in evil}
        )
    rows = await client.query("SELECT recipient_id, name, city, count() FROM v_contacts WHERE city = '2' GROUP BY ALL")
    assert sorted(rows.result_rows) == sorted((f"default/{text}", text, "2", 1) for text in evil)
    versions = await client.query("SELECT DISTINCT version FROM contacts_changes FINAL WHERE city = '2'")
    assert versions.result_rows == [(3,)], "each was found again before it was written"
