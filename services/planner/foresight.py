"""Notes on a campaign that was just launched what it is to come to, so that it can be compared with what it does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import structlog

from schemas import CampaignRecord, Forecast
from services.planner.owner import PartitionOwner, is_running
from services.planner.shared import Shared
from services.runtime.clock import utc_now
from services.runtime.endings import raise_if_cancelled
from services.runtime.forecasting import foresee

log = structlog.get_logger("planner")
LOOK_S = 0.5
PATIENCE_S = 20.0


class Foresight:
    """Beside the pages, which wait for nothing of it. A campaign whose forecast fails goes on without one."""

    def __init__(self, shared: Shared, owners: Callable[[], Iterable[PartitionOwner]]) -> None:
        self.shared, self.owners = shared, owners
        self.tried: set[str] = set()

    async def run(self, stop: asyncio.Event) -> None:
        while not stop.is_set():
            for owner in [owner for owner in self.owners() if owner.ready]:
                for record in [record for record in owner.state.running() if self._is_new(record)]:
                    if not stop.is_set():
                        await self._note(owner, record)
            try:
                async with asyncio.timeout(LOOK_S):
                    await stop.wait()
            except TimeoutError:
                pass

    def _is_new(self, record: CampaignRecord) -> bool:
        return is_running(record) and record.forecast is None and record.campaign_id not in self.tried

    async def _note(self, owner: PartitionOwner, record: CampaignRecord) -> None:
        self.tried.add(record.campaign_id)
        accounts = self.shared.accounts.of_brand(record.brand)
        at = record.launched_at or utc_now()
        try:
            async with asyncio.timeout(PATIENCE_S):
                found = await foresee(self._ask, record, accounts, self.shared.settings.public_url, at)
        except Exception as error:  # whatever it is: a forecast must not stop a campaign
            raise_if_cancelled()
            log.warning("no forecast", campaign=record.campaign_id, error=repr(error))
            return
        await owner.change(record.campaign_id, partial(_with_forecast, found))

    async def _ask(self, query: str, parameters: dict[str, Any]) -> Sequence[Sequence[Any]]:
        return (await self.shared.clickhouse.query(query, parameters=parameters)).result_rows


def _with_forecast(found: Forecast, record: CampaignRecord) -> CampaignRecord | None:
    return record.model_copy(update={"forecast": found}) if record.forecast is None else None
