"""The planner's spans: a campaign when it ends, a launch that is refused, each page. Nothing where nobody traces."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import structlog
from clickhouse_connect.driver.asyncclient import AsyncClient
from clickhouse_connect.driver.exceptions import ClickHouseError

from schemas import CampaignRecord, CampaignStatus, Command, CommandResult, CommandType
from services.domain.tracing import refusal_span_ids
from services.planner import queries
from services.planner.core.campaign_span import (
    CAMPAIGN_SPAN,
    PAGE_SPAN,
    Attributes,
    CampaignRefusedError,
    Reached,
    attributes_of,
    channels_of,
    failure_of,
    span_ids,
)
from services.runtime.telemetry import spans

log = structlog.get_logger("planner")
LAUNCHING = (CommandType.SEND, CommandType.LAUNCH)
ENDED = (CampaignStatus.COMPLETED, CampaignStatus.CANCELLED)


class CampaignTracer:
    def __init__(self, clickhouse: AsyncClient) -> None:
        self.clickhouse = clickhouse
        self._telling: set[asyncio.Task[None]] = set()

    def ended(self, record: CampaignRecord) -> None:
        """To be called once its end is written; does not wait. A planner that dies before it is done tells nothing."""
        if spans() is None or record.status not in ENDED:
            return
        task = asyncio.create_task(self._tell(record))
        self._telling.add(task)
        task.add_done_callback(self._telling.discard)

    async def drain(self) -> None:
        await asyncio.gather(*self._telling)

    async def _tell(self, record: CampaignRecord) -> None:
        ids, tracing = span_ids(record), spans()
        if tracing is None or ids is None or record.launched_at is None or record.ended_at is None:
            return
        reached: Mapping[str, Reached] = {}
        try:
            reached = await self._reached(record.campaign_id)
        except (ClickHouseError, OSError, TimeoutError) as error:
            log.warning("clickhouse does not answer: a campaign's span lacks its counts", error=repr(error))
        began = record.reopened_at or record.launched_at
        tracing.tell(
            CAMPAIGN_SPAN, ids, began, record.ended_at, attributes_of(record, reached), failure_of(reached)
        )  # fmt: skip

    async def _reached(self, campaign_id: str) -> dict[str, Reached]:
        answer = await self.clickhouse.query(queries.REACHED_BY_CHANNEL, parameters={"campaign": campaign_id})
        return {channel: Reached(int(s), int(d), int(f)) for channel, s, d, f in answer.result_rows}

    @staticmethod
    def refused(result: CommandResult, command: Command | None, known: CampaignRecord | None) -> None:
        """`command`: None where it could not be read. `known`: the campaign as it stands."""
        tracing = spans()
        if tracing is None or result.status != "rejected" or result.type not in LAUNCHING:
            return
        attributes: Attributes = {"campaign.id": result.campaign_id or ""}
        if command is not None and command.campaign is not None:
            attributes["campaign.name"] = command.campaign.name
            attributes["campaign.channels"] = [step.channel.value for step in command.campaign.resolved_steps]
            attributes["campaign.recipients"] = len(command.campaign.audience.recipients or ())
        elif known is not None:
            attributes["campaign.name"] = known.name
            attributes["campaign.channels"] = channels_of(known)
        ids, error = refusal_span_ids(result.command_id), CampaignRefusedError(result.errors)
        tracing.tell(CAMPAIGN_SPAN, ids, result.at, result.at, attributes, error)


@contextmanager
def page_span(record: CampaignRecord, step: int, wanted: int) -> Iterator[None]:
    """Around the writing of a page: its messages are children of this span."""
    ids, tracing = span_ids(record), spans()
    if tracing is None or ids is None:
        yield
        return
    attributes: Attributes = {"campaign.id": record.campaign_id, "campaign.step": step, "page.wanted": wanted}
    with tracing.child(PAGE_SPAN, ids, attributes):
        yield
