"""How many delivery events a second one tracker puts into ClickHouse; beside it, a bare insert of the same rows."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from bench.figure import Figure, Scale
from bench.stage import Bare, Service, clickhouse
from bench.stretch import stretch
from bench.writing import Written, write
from schemas.topics import DELIVERY_EVENTS, load_topics
from services.domain.messages import DeliveryEvent, encode_json, event_id
from services.runtime.kafka import partition_of
from services.tracker.core.rows import LEDGER_COLUMNS, ledger_row
from services.tracker.store import Store

TARGET = 40_000
CAMPAIGNS = 5
MIX = ("accepted",) * 4 + ("delivered",) * 2 + ("read", "suppressed", "failed", "clicked")
BATCH = 50_000
LOOK_S = 0.1
SETS = ("delivery_events", "funnel_bits", "cost_claims", "minute_bits", "hour_bits", "standings")
COUNT = "SELECT sum(sends) FROM v_state WHERE startsWith(campaign_id, 'bench-')"


async def measure(stage: Bare, scale: Scale) -> list[Figure]:
    events = make_events(scale.events)
    async with clickhouse(stage) as client:
        store = Store(client)
        plain = await _raw_insert(store, events)
        for table in SETS:
            await client.command(f"TRUNCATE TABLE {table}")
        await write(stage.settings, _records(events))
        async with stage.service("tracker") as tracker:
            return [await _run(stage, tracker, store, events, plain)]


async def _run(stage: Bare, tracker: Service, store: Store, events: Sequence[DeliveryEvent], plain: float) -> Figure:
    """From its first batch in ClickHouse to the last."""
    sends = len({event.send_id for event in events})
    run = await stretch(stage, tracker, sends, lambda: _count(store), LOOK_S)
    done = len(events) * run.done / sends
    engine = {
        "tracker_engine_cpu_s_per_100k": run.engine.cpu_s_per_100k(done),
        "tracker_engine_peak_mb": run.engine.peak_mb,
    }
    return Figure(
        "tracker_events_per_s",
        done / run.seconds,
        target=TARGET,
        cpu_s_per_100k=run.used.cpu_s_per_100k(done),
        peak_mb=run.used.peak_mb,
        plain_per_s=plain,
        more=engine,
    )


async def _raw_insert(store: Store, events: Sequence[DeliveryEvent]) -> float:
    """Rows a second: the same rows, made beforehand, straight into the ledger and its sets. Nothing can be faster."""
    rows = [ledger_row(event, 0, number) for number, event in enumerate(events)]
    began = time.perf_counter()
    for at in range(0, len(rows), BATCH):
        await store.insert("delivery_events", LEDGER_COLUMNS, rows[at : at + BATCH])
    return len(rows) / (time.perf_counter() - began)


async def _count(store: Store) -> int:
    return int((await store.rows(COUNT))[0][0] or 0)


def _records(events: Sequence[DeliveryEvent]) -> Written:
    written = Written()
    for event in events:
        place = DELIVERY_EVENTS, partition_of(event.recipient, load_topics().partitions)
        written.setdefault(place, []).append((event.recipient.encode(), encode_json(event), []))
    return written


def make_events(count: int, seed: int = 7) -> list[DeliveryEvent]:
    """Of several campaigns at once, each send at another stage."""
    chance, start = random.Random(seed), datetime.now(UTC) - timedelta(hours=1)
    events = []
    for number in range(count):
        campaign, ordinal, status = f"bench-{number % CAMPAIGNS}", number // CAMPAIGNS, chance.choice(MIX)
        send_id = f"{campaign}/1/c-{ordinal}"
        suppressed = status == "suppressed"
        events.append(
            DeliveryEvent(
                event_id=event_id(send_id, 1, status, "sender"), send_id=send_id, campaign_id=campaign, step=1,
                recipient=f"default/c-{ordinal}", ord=ordinal, attempt=1, channel="email", account="default",
                status=status, reason="opted_out" if suppressed else "",
                detail="caps 1/3 in 7d" if suppressed else "",
                cost_micros=900 if status == "accepted" else 0, provider="sendgrid",
                provider_message_id=f"{chance.getrandbits(88):022x}",
                occurred_at=start + timedelta(milliseconds=number), source="sender",
            )
        )  # fmt: skip
    return events
