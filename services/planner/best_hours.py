"""People's best hours, from when they opened what the brand sent them before."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from clickhouse_connect.driver.asyncclient import AsyncClient

from schemas import CampaignRecord
from services.domain.schedule import NO_HOUR
from services.planner import hour_queries
from services.planner.core.hours import zone_of_campaign


@dataclass(frozen=True, slots=True)
class BestHour:
    """Of their day; -1: none is known. `best_opens` of `opens` messages were opened in it; 0 of 0: the brand's hour."""

    hour: int = NO_HOUR
    best_opens: int = 0
    opens: int = 0


def wanted(record: CampaignRecord) -> bool:
    return record.schedule is not None and record.schedule.mode == "best_time"


def hour_parameters(record: CampaignRecord, now: datetime) -> dict[str, Any]:
    """ClickHouse's parameters of all questions about hours."""
    return {
        "brand": record.brand, "zone": zone_of_campaign(record), "now": now.replace(microsecond=0, tzinfo=None)
    }  # fmt: skip


async def brand_hour(clickhouse: AsyncClient, record: CampaignRecord, now: datetime) -> int:
    """The hour for people of whom too little is known; -1: too little is known of all of them."""
    if not wanted(record):
        return NO_HOUR
    rows = (await clickhouse.query(hour_queries.BRAND_HOUR, parameters=hour_parameters(record, now))).result_rows
    return int(rows[0][0]) if rows else NO_HOUR


async def listed_hours(
    clickhouse: AsyncClient, record: CampaignRecord, snapshot: str, now: datetime
) -> dict[str, BestHour]:
    """By recipient, of the people that a campaign lists, stored under `snapshot`."""
    parameters = hour_parameters(record, now) | {"campaign": record.campaign_id, "snapshot": snapshot}
    rows = (await clickhouse.query(hour_queries.LISTED_BEST_HOURS, parameters=parameters)).result_rows
    return {recipient: BestHour(hour, best, opens) for recipient, hour, best, opens in rows}
