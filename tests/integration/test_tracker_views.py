"""Migrations on the real engine, and the analysts' views: every query of their guide runs and says the truth."""

from __future__ import annotations

import random
import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from clickhouse_connect.driver.asyncclient import AsyncClient
from tracker_stage import NOW, event

from services.domain.messages import DeliveryEvent
from services.runtime.errors import StopProcessError
from services.tracker import migrate as migrations
from services.tracker.core.rows import BASES, LEDGER_COLUMNS, ledger_row
from services.tracker.mirror import COLUMNS as CAMPAIGN_COLUMNS
from services.tracker.store import Store

GUIDE = Path(__file__).parents[2] / "docs" / "analysts.md"
EXAMPLES = re.findall(r"```sql\n(.*?)```", GUIDE.read_text(), re.DOTALL)
VIEWS = ("sends", "events", "campaign_channel_daily", "reach", "costs", "engagement_by_hour")
CAMPAIGN = "summer-ac-2026"


async def put(client: AsyncClient, events: list[DeliveryEvent]) -> None:
    await Store(client).insert("delivery_events", LEDGER_COLUMNS, [ledger_row(e, 0, n) for n, e in enumerate(events)])


async def campaign(client: AsyncClient, status: str = "active", audience: int = 4) -> None:
    now = round(NOW.timestamp() * 1000)
    row = (CAMPAIGN, "default", "Summer", "marketing", status, 1, 2, "s1", audience, "USD", 10**9, now, now, None, now)
    await Store(client).insert("campaigns", CAMPAIGN_COLUMNS, [row])


async def ask(client: AsyncClient, query: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in (await client.query(query)).result_rows]


def journey() -> list[DeliveryEvent]:
    """Four people: read and clicked, delivered, bounced, suppressed."""

    def at(contact: int, status: str, seconds: float, **fields: Any) -> DeliveryEvent:
        return event(CAMPAIGN, contact, status, after_s=seconds - 7200, **fields)

    return [
        *[at(n, "queued", 0, source="router") for n in (1, 2, 3)],
        *[at(n, "accepted", n, cost_micros=900) for n in (1, 2, 3)],
        at(1, "delivered", 11, source="sendgrid"), at(2, "delivered", 14, source="sendgrid"),
        at(1, "read", 60, source="sendgrid"), at(1, "read", 4000, source="sendgrid"),
        at(1, "clicked", 70, source="sendgrid"), at(2, "read", 15, source="sendgrid", machine=True),
        at(3, "bounced", 20, source="sendgrid", reason="invalid_address"),
        at(4, "suppressed", 1, source="router", reason="opted_out", detail="said STOP on 2026-11-02"),
    ]  # fmt: skip


async def test_migrations_are_applied_once(client: AsyncClient) -> None:
    assert await migrations.migrate(client) == []
    names = [row[0] for row in await ask(client, "SELECT name FROM schema_migrations FINAL ORDER BY name")]
    assert names == [name for name, _ in migrations.migrations()]


async def test_migrations_can_be_repeated_after_a_crash_anywhere(client: AsyncClient) -> None:
    await put(client, journey())
    before = await ask(client, f"SELECT * EXCEPT ingested_at FROM sends WHERE campaign_id = '{CAMPAIGN}' ORDER BY ALL")
    await client.command("TRUNCATE TABLE schema_migrations")
    assert len(await migrations.migrate(client)) == len(migrations.migrations())
    after = await ask(client, f"SELECT * EXCEPT ingested_at FROM sends WHERE campaign_id = '{CAMPAIGN}' ORDER BY ALL")
    assert after == before


async def test_a_migration_that_was_changed_afterwards_stops_the_process(client: AsyncClient) -> None:
    await client.insert("schema_migrations", [["0001_ledger.sql", "another"]], ["name", "checksum"])
    await client.command("OPTIMIZE TABLE schema_migrations FINAL")
    with pytest.raises(StopProcessError, match=r"0001_ledger\.sql has changed"):
        await migrations.migrate(client)


async def test_every_example_of_the_guide_runs_and_finds_something(client: AsyncClient) -> None:
    await campaign(client)
    await put(client, [*journey(), event(CAMPAIGN, 2, "read", source="twilio")])
    assert len(EXAMPLES) >= 10
    for example in EXAMPLES:
        assert await ask(client, example), example


def test_every_view_has_an_example() -> None:
    for view in VIEWS:
        assert any(f"FROM {view}\n" in example for example in EXAMPLES), view


async def test_every_column_of_a_view_is_described(client: AsyncClient) -> None:
    text = GUIDE.read_text()
    for view in VIEWS:
        section = text.split(f"## `{view}`\n")[1].split("\n## ")[0]
        for name, *_ in await ask(client, f"DESCRIBE TABLE {view}"):
            assert f"`{name}`" in section, f"{view}.{name}"


async def test_no_view_shows_an_address(client: AsyncClient) -> None:
    for view in VIEWS:
        columns = {row[0] for row in await ask(client, f"DESCRIBE TABLE {view}")}
        assert not columns & {"email", "phone", "address", "name_of_person"}


async def test_a_send_stands_where_its_greatest_event_says(client: AsyncClient) -> None:
    await campaign(client)
    await put(client, journey())
    rows = await ask(client, "SELECT ord, status, reason, cost_micros, read_at FROM sends ORDER BY ord")
    first_read = (NOW + timedelta(seconds=60 - 7200)).replace(tzinfo=None)
    assert rows == [
        (1, "clicked", "", 900, first_read),
        (2, "delivered", "", 900, None),
        (3, "bounced", "invalid_address", 900, None),
        (4, "suppressed", "opted_out", 0, None),
    ]


async def test_open_sends_of_a_cancelled_campaign_are_suppressed(client: AsyncClient) -> None:
    await put(client, [event(CAMPAIGN, 1, "queued"), event(CAMPAIGN, 2, "accepted")])
    await campaign(client, status="cancelled")
    rows = await ask(client, "SELECT status, reason FROM sends ORDER BY ord")
    assert rows == [("suppressed", "campaign_cancelled"), ("accepted", "")]


async def test_a_send_read_in_two_hours_counts_in_the_first_and_days_add_up(client: AsyncClient) -> None:
    await put(client, journey())
    await put(client, [event(CAMPAIGN, 1, "read", after_s=3 * 86_400, source="sendgrid")])
    assert await ask(client, "SELECT sum(read), sum(clicked) FROM engagement_by_hour") == [(1, 1)]
    days = await ask(
        client, "SELECT sum(accepted), sum(delivered), sum(read), sum(bounced) FROM campaign_channel_daily"
    )
    assert days == [(3, 2, 1, 1)]


async def test_reach_counts_people_once_over_all_steps(client: AsyncClient) -> None:
    await campaign(client)
    second = [event(CAMPAIGN, 1, "delivered", step=2, channel="sms", source="twilio")]
    await put(client, journey() + second)
    assert await ask(client, "SELECT audience, sent, delivered, engaged, reach_rate FROM reach") == [(4, 3, 2, 1, 0.5)]


async def test_costs_add_up_by_attempt_whatever_is_repeated(client: AsyncClient) -> None:
    twice = [event(CAMPAIGN, 1, "accepted", attempt=n, cost_micros=7900) for n in (1, 2)]
    await put(client, twice)
    await put(client, twice)
    assert await ask(client, "SELECT sum(attempts), sum(cost_micros) FROM costs") == [(2, 15800)]
    assert await ask(client, "SELECT cost_micros FROM sends") == [(15800,)]


async def test_the_surest_word_about_a_cost_takes_the_place_of_all_others(client: AsyncClient) -> None:
    told = [
        event(CAMPAIGN, 1, "uncertain", cost_micros=15_800, cost_basis="reserve"),
        event(CAMPAIGN, 1, "accepted", cost_micros=7_900, cost_basis="card"),
        event(CAMPAIGN, 2, "accepted", cost_micros=7_900, cost_basis="card"),
        event(CAMPAIGN, 2, "failed", source="twilio", cost_basis="waived"),
        event(CAMPAIGN, 3, "accepted", cost_micros=7_900, cost_basis="card"),
        event(CAMPAIGN, 3, "accepted", source="price", cost_micros=8_300, cost_basis="price", after_s=86_400),
    ]
    await put(client, told)
    spent = [(1, 7_900), (2, 0), (3, 8_300)]
    assert await ask(client, "SELECT ord, cost_micros FROM sends ORDER BY ord") == spent
    assert await ask(client, "SELECT sum(cost_micros) FROM v_cost") == [(16_200,)]
    assert await ask(client, "SELECT sum(attempts), sum(cost_micros) FROM costs") == [(2, 16_200)]
    await put(client, told[::-1])
    assert await ask(client, "SELECT sum(cost_micros) FROM v_cost") == [(16_200,)], "repeated, in another order"


async def test_a_cost_without_a_basis_counts_by_the_card_or_as_a_reserve(client: AsyncClient) -> None:
    await put(
        client, [event(CAMPAIGN, 1, "uncertain", cost_micros=900), event(CAMPAIGN, 1, "accepted", cost_micros=700)]
    )
    assert await ask(client, "SELECT cost_basis, cost_micros FROM v_attempt_costs") == [("card", 700)]


async def test_spending_is_the_surest_claim_of_each_attempt_in_random_histories(client: AsyncClient) -> None:
    chance, best = random.Random(29), dict[tuple[int, int, int], tuple[int, int]]()
    told = []
    for _ in range(2_000):
        basis = chance.choice(["", "reserve", "card", "waived", "price"])
        cost = 0 if basis in ("", "waived") else chance.choice([0, 700, 7_900, 8_300])
        one = event(
            CAMPAIGN, chance.randrange(40), chance.choice(["uncertain", "accepted", "failed"]), channel="sms",
            step=chance.randint(1, 2), attempt=chance.randint(1, 3), source=f"{basis}{cost}",
            after_s=chance.randrange(9**6), cost_micros=cost, cost_basis=basis,
            account=chance.choice(["default", "main"]),
        )  # fmt: skip
        told.append(one)
        if basis:
            key = one.ord, one.step, one.attempt
            best[key] = max(best.get(key, (0, 0)), (BASES[basis], cost))
    for start in range(0, 2_000, 500):
        await put(client, told[start : start + 700])
    spent = sum(cost for _, cost in best.values())
    assert await ask(client, "SELECT sum(cost_micros) FROM v_cost") == [(spent,)]
    assert await ask(client, "SELECT sum(cost_micros) FROM sends") == [(spent,)]
    paid = sum(cost > 0 for _, cost in best.values())
    assert await ask(client, "SELECT sum(attempts), sum(cost_micros) FROM costs") == [(paid, spent)]


async def test_an_assumption_gives_way_to_any_other_word_of_its_status(client: AsyncClient) -> None:
    await put(client, [event(CAMPAIGN, 1, "accepted", source="tracker", reason="assumed", after_s=900)])
    await put(client, [event(CAMPAIGN, 1, "accepted", source="twilio")])
    assert await ask(client, "SELECT reason FROM sends") == [("",)]
    assert await ask(client, "SELECT reason FROM v_state") == [("",)]


async def test_an_event_without_ordinal_is_in_the_ledger_and_in_no_count(client: AsyncClient) -> None:
    await put(client, [event(CAMPAIGN, 1, "delivered", ord=4294967295)])
    assert await ask(client, "SELECT count() FROM events") == [(1,)]
    assert await ask(client, "SELECT count() FROM v_funnel") == [(0,)]


async def test_sets_and_rows_say_the_same_of_random_histories(client: AsyncClient) -> None:
    chance, words = (
        random.Random(11),
        ["queued", "uncertain", "accepted", "failed", "failed_retryable", "delivered", "read"],
    )
    events = [
        event(CAMPAIGN, chance.randrange(60), chance.choice(words), step=chance.randint(1, 2),
              attempt=chance.randint(1, 3), reason=chance.choice(["", "a", "assumed"]), after_s=chance.randrange(9000),
              machine=chance.random() < 0.2, source=chance.choice(["sender", "twilio"]))
        for _ in range(3000)
    ]  # fmt: skip
    for start in range(0, 3000, 700):
        await put(client, events[start : start + 900])
    of_sets = "SELECT step, toString(status) AS status, reason, sends FROM v_state ORDER BY ALL"
    of_rows = "SELECT step, status, reason, count() AS sends FROM sends GROUP BY ALL ORDER BY ALL"
    assert await ask(client, of_sets) == await ask(client, of_rows)
