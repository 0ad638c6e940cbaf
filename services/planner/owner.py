"""The owner of one command partition: its campaigns' state, its commands, its steps' pages."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from datetime import datetime

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from schemas import (
    CampaignId,
    CampaignRecord,
    CampaignStatus,
    Command,
    CommandResult,
    CommandType,
    StepProgress,
)
from schemas.topics import AUDIT_LOG, CAMPAIGN_COMMANDS, dead_letter_topic
from services.planner.commands import CommandHandler, Elsewhere, brand_of
from services.planner.core.auditing import audit_entry
from services.planner.core.budget import Books, PageMoney
from services.planner.core.decoding import Refused, Unanswerable, decode_command
from services.planner.core.progress import page_finished, page_reserved
from services.planner.core.sweep import Again
from services.planner.journal import Journal
from services.planner.shared import Shared
from services.planner.state import PartitionState, load_state
from services.runtime import metrics
from services.runtime.clock import utc_now
from services.runtime.dead_letters import PoisonWatch, dead_letter_headers
from services.runtime.errors import StopProcessError

log = structlog.get_logger("planner")
IDLE_S = 0.03
DISTURBING = (CommandType.RESUME, CommandType.APPROVE, CommandType.EDIT, CommandType.BUDGET, CommandType.REOPEN)
"""After these something may be open that no page will ask for: sweep."""


class PartitionOwner:
    def __init__(self, shared: Shared, consumer: AIOKafkaConsumer, partition: int) -> None:
        self.shared, self.consumer, self.partition = shared, consumer, partition
        self.topic_partition = TopicPartition(CAMPAIGN_COMMANDS, partition)
        self.journal = Journal(shared.settings, partition)
        self.state = PartitionState()
        self.poison = PoisonWatch(CAMPAIGN_COMMANDS)
        self.ready, self.stopping = False, False
        self.lock = asyncio.Lock()
        """Held from reading a campaign's record to writing the next one."""
        self.progress_lock = asyncio.Lock()
        """The same for how far a step has come."""
        self.pending: dict[tuple[str, int], deque[Again]] = {}
        """Step -> what the last sweep found: to be expanded again as credit allows."""
        self.disturbed: set[str] = set()
        """Campaigns that want a sweep now."""
        self.repaid: set[str] = set()
        """Campaigns of which everything that is owed has been asked for again since the last command."""
        self.books: dict[str, Books] = {}
        """Money of campaigns with a budget; absent until it is known."""
        self.short_of_money: set[str] = set()
        """Campaigns whose next message does not fit the budget as it is known: they wait for a barrier."""

    async def run(self) -> None:
        """From assignment to revocation. Nothing is decided before whoever was here before is fenced."""
        await self.journal.open()
        self.state = await load_state(self.shared.settings, self.partition)
        await self.shared.results.catch_up()
        self.consumer.seek(self.topic_partition, await self._committed())
        self.handler = CommandHandler(
            self.partition, self.state, self.shared.accounts, self.shared.audiences, self.shared.brands,
            self.shared.templates,
        )  # fmt: skip
        self.disturbed = {record.campaign_id for record in self.state.running()}
        self.ready = True
        log.info("owns a command partition", partition=self.partition, campaigns=len(self.state.campaigns))
        while not self.stopping:
            fetched = await self.consumer.getmany(self.topic_partition, timeout_ms=0, max_records=100)
            for record in fetched.get(self.topic_partition, ()):
                if self.stopping:
                    break
                await self._handle(record)
            if not fetched:
                await asyncio.sleep(IDLE_S)

    def stop(self) -> None:
        self.stopping, self.ready = True, False

    async def _committed(self) -> int:
        committed = (await self.shared.offsets.committed("peal-planner")).get((CAMPAIGN_COMMANDS, self.partition), -1)
        if committed < 0:
            raise StopProcessError(
                f"{CAMPAIGN_COMMANDS}/{self.partition} has no committed offset: run `peal topics apply` on a new "
                "installation, `peal repair` on an old one"
            )
        return committed

    async def _handle(self, record: ConsumerRecord) -> None:
        decoded = decode_command(record.value)
        if isinstance(decoded, Unanswerable):
            return await self._dead_letter(record, decoded)
        self.poison.good()
        command_id = decoded.envelope.command_id if isinstance(decoded, Refused) else decoded.command_id
        if first := self.shared.results.items.get(command_id):
            return await self.journal.write(results=[first], next_offset=record.offset + 1)
        async with self.lock:
            try:
                campaign, result = await self.handler.decide(decoded, utc_now())
            except Elsewhere as elsewhere:
                forwarded = (CAMPAIGN_COMMANDS, elsewhere.campaign_id.encode(), record.value, record.headers)
                log.warning("command with a wrong key is set right", command=command_id, campaign=elsewhere.campaign_id)
                metrics.misplaced.labels(CAMPAIGN_COMMANDS).inc()
                return await self.journal.write(others=[forwarded], next_offset=record.offset + 1)
            before = self.state.campaigns.get(result.campaign_id)
            mine = before is not None and before.brand == brand_of(decoded)
            entry = audit_entry(decoded, result, brand_of(decoded), before.epoch if before and mine else None)
            await self.journal.write(
                campaigns=[campaign] if campaign else [],
                results=[result],
                others=[(AUDIT_LOG, entry.brand.encode(), entry.write(), ())],
                next_offset=record.offset + 1,
            )
            self._apply(decoded, campaign, result)

    def _apply(self, decoded: Command | Refused, campaign: CampaignRecord | None, result: CommandResult) -> None:
        self.shared.results.items[result.command_id] = result
        metrics.commands.labels(result.type if not isinstance(decoded, Refused) else "unreadable", result.status).inc()
        log.info(
            "command", command=result.command_id, type=result.type, status=result.status,
            campaign=result.campaign_id, epoch=result.epoch, errors=[e.model_dump() for e in result.errors],
        )  # fmt: skip
        if campaign is None:
            known = self.state.campaigns.get(result.campaign_id)
            return self.shared.tracer.refused(result, None if isinstance(decoded, Refused) else decoded, known)
        self.state.put(campaign)
        self.shared.tracer.ended(campaign)
        self.short_of_money.discard(campaign.campaign_id)
        self.repaid.discard(campaign.campaign_id)  # part of it may stand in what is dropped here
        self.pending = {key: found for key, found in self.pending.items() if key[0] != campaign.campaign_id}
        if isinstance(decoded, Command) and decoded.type in DISTURBING:
            self.disturbed.add(campaign.campaign_id)
        if campaign.campaign_id not in self.state.progress:
            self.books.setdefault(campaign.campaign_id, Books())
        self.shared.wake.set()

    async def _dead_letter(self, record: ConsumerRecord, bad: Unanswerable) -> None:
        headers = dead_letter_headers(
            record.topic, record.partition, record.offset, bad.reason, bad.detail, tuple(record.headers)
        )
        log.warning("bad command", offset=record.offset, reason=bad.reason, detail=bad.detail)
        letter = (dead_letter_topic(CAMPAIGN_COMMANDS), record.key, record.value or b"", headers)
        await self.journal.write(others=[letter], next_offset=record.offset + 1)
        self.poison.poisoned(bad.reason)  # when it is too much, this one is put aside too

    def has_pending(self, record: CampaignRecord) -> bool:
        """Whether some of what the last sweep found is still to go out."""
        return any(self.pending.get((record.campaign_id, number)) for number in range(1, len(record.steps) + 1))

    # ---- what the expander and the sweeper write

    async def change(
        self, campaign_id: str, transform: Callable[[CampaignRecord], CampaignRecord | None]
    ) -> CampaignRecord | None:
        """Write what `transform` makes of the record as it stands; None (from it or from here): nothing was changed."""
        async with self.lock:
            current = self.state.campaigns.get(campaign_id)
            changed = transform(current) if current and not self.stopping else None
            if changed is not None:
                await self.journal.write(campaigns=[changed])
                self.state.put(changed)
            return changed

    def progress_of(self, campaign_id: str, step: int) -> StepProgress:
        known = self.state.progress.get(campaign_id, {}).get(step)
        return known or StepProgress(campaign_id=CampaignId(campaign_id), step=step, epoch=0, updated_at=utc_now())

    async def amend(
        self, campaign_id: str, step: int, change: Callable[[StepProgress], StepProgress | None]
    ) -> StepProgress:
        """Write what `change` makes of the progress as it stands; None: nothing is changed."""
        async with self.progress_lock:
            progress = self.progress_of(campaign_id, step)
            changed = change(progress)
            if changed is None:
                return progress
            await self.journal.write(progress=[changed])
            self.state.put_progress(changed)
            return changed

    async def reserve_page(
        self, record: CampaignRecord, step: int, count: int, money: PageMoney, now: datetime
    ) -> StepProgress:
        """Note the range before it is emitted: after a crash it is emitted again."""
        return await self.amend(
            record.campaign_id, step, lambda progress: page_reserved(progress, record, count, money, now)
        )

    async def finish_page(self, record: CampaignRecord, step: int, now: datetime, *, held: bool = False) -> None:
        await self.amend(record.campaign_id, step, lambda progress: page_finished(progress, record, now, held))


def is_running(record: CampaignRecord) -> bool:
    return record.status is CampaignStatus.ACTIVE and record.audience is not None
