"""What ClickHouse knows of a step's sends: asked after a barrier, its silence means something."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC
from typing import Any

from clickhouse_connect.driver.asyncclient import AsyncClient

from services.planner import queries
from services.planner.core.sweep import RetryableSend, StepFindings

MOST_AT_ONCE = 50_000
"""Ordinals of one kind that one sweep takes up; the rest is the next sweep's."""


async def find(
    clickhouse: AsyncClient, campaign_id: str, step: int, cursor: int, *, reopen: bool = False, replay: bool = False
) -> StepFindings:
    """The sends of a step below its cursor that are not settled; with `reopen` also those that found no money,
    with `replay` those that ended as dead letters."""
    parameters = {"campaign": campaign_id, "step": step, "cursor": cursor, "most": MOST_AT_ONCE}
    counts = {
        status: int(n) for status, n in (await clickhouse.query(queries.OPEN_COUNTS, parameters=parameters)).result_rows
    }
    silent_rows = (await clickhouse.query(queries.SILENT, parameters=parameters)).result_rows if cursor else []
    silent_count = int(silent_rows[0][1]) if silent_rows else 0
    recalled: Sequence[Sequence[Any]] = []
    retryable: Sequence[Sequence[Any]] = []
    if counts.get("recalled"):
        recalled = (await clickhouse.query(queries.RECALLED, parameters=parameters)).result_rows
    over_budget: Sequence[Sequence[Any]] = []
    if reopen:
        over_budget = (await clickhouse.query(queries.OVER_BUDGET, parameters=parameters)).result_rows
    dead_lettered: Sequence[Sequence[Any]] = []
    if replay:
        dead_lettered = (await clickhouse.query(queries.DEAD_LETTERED, parameters=parameters)).result_rows
    if counts.get("failed_retryable"):
        retryable = (await clickhouse.query(queries.RETRYABLE, parameters=parameters)).result_rows
    return StepFindings(
        silent=tuple(row[0] for row in silent_rows),
        recalled=tuple((row[0], row[1]) for row in recalled),
        retryable=tuple(RetryableSend(row[0], row[1], row[2], row[3].replace(tzinfo=UTC)) for row in retryable),
        over_budget=tuple((row[0], row[1]) for row in over_budget),
        dead_lettered=tuple((row[0], row[1]) for row in dead_lettered),
        open_count=sum(counts.values()) + silent_count + len(over_budget) + len(dead_lettered),
        queued_count=counts.get("queued", 0),
    )


async def spent_by_step(clickhouse: AsyncClient, campaign_id: str) -> Counter[int]:
    """Millionths of the campaign's currency."""
    rows = (await clickhouse.query(queries.SPENT, parameters={"campaign": campaign_id})).result_rows
    return Counter({step: int(cost) for step, cost in rows})
