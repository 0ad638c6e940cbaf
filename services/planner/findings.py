"""What ClickHouse knows of a step's sends: asked after a barrier, its silence means something."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import UTC
from typing import Any

from clickhouse_connect.driver.asyncclient import AsyncClient

from schemas import CampaignRecord
from services.planner import queries
from services.planner.core.hours import Group
from services.planner.core.sweep import RetryableSend, StepFindings

MOST_AT_ONCE = 50_000
"""Ordinals of one kind that one sweep takes up; the rest is the next sweep's."""


async def find(
    clickhouse: AsyncClient,
    record: CampaignRecord,
    step: int,
    cursor: int,
    *,
    groups: Collection[Group] | None = None,
    reopen: bool = False,
    replay: bool = False,
) -> StepFindings:
    """The sends of a step below its cursor that are not settled; with `reopen` also those that found no money,
    with `replay` those that ended as dead letters.

    `groups`: whoever is of no other may not be asked for now, and is counted alone; None: everybody may.
    """
    assert record.audience is not None, "only frozen campaigns are swept"
    parameters: dict[str, Any] = {
        "campaign": record.campaign_id, "step": step, "cursor": cursor, "most": MOST_AT_ONCE,
        "snapshot": record.audience.snapshot_id, "groups": [tuple(group) for group in groups or ()],
    }  # fmt: skip
    own = {"own": queries.EVERYBODY if groups is None else queries.ONLY_GROUPS}

    async def rows(query: str) -> Sequence[Sequence[Any]]:
        return (await clickhouse.query(query, parameters=parameters)).result_rows

    counts = {status: int(n) for status, n in await rows(queries.OPEN_COUNTS)}
    silent, silent_count = (await rows(queries.SILENT % own))[0] if cursor else ((), 0)
    nobody = groups is not None and not groups
    recalled = await rows(queries.RECALLED % own) if counts.get("recalled") and not nobody else ()
    retryable = await rows(queries.RETRYABLE % own) if counts.get("failed_retryable") and not nobody else ()
    over_budget = await rows(queries.OVER_BUDGET) if reopen else ()
    dead_lettered = await rows(queries.DEAD_LETTERED) if replay else ()
    return StepFindings(
        silent=tuple(silent),
        recalled=tuple((row[0], row[1]) for row in recalled),
        retryable=tuple(RetryableSend(row[0], row[1], row[2], row[3].replace(tzinfo=UTC)) for row in retryable),
        over_budget=tuple((row[0], row[1]) for row in over_budget),
        dead_lettered=tuple((row[0], row[1]) for row in dead_lettered),
        open_count=sum(counts.values()) + silent_count + len(over_budget) + len(dead_lettered),
        queued_count=counts.get("queued", 0),
        silent_count=silent_count,
    )


async def spent_by_step(clickhouse: AsyncClient, campaign_id: str) -> Counter[int]:
    """Millionths of the campaign's currency."""
    rows = (await clickhouse.query(queries.SPENT, parameters={"campaign": campaign_id})).result_rows
    return Counter({step: int(cost) for step, cost in rows})
