"""What the console's routes work with."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Final, TypeVar, cast

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from clickhouse_connect.driver.asyncclient import AsyncClient
from clickhouse_connect.driver.exceptions import ClickHouseError
from fastapi import Depends, Request

from schemas import (
    Account,
    AccountCheck,
    AuditEntry,
    Brand,
    CampaignRecord,
    Command,
    CommandResult,
    Draft,
    Operator,
    Segment,
    StepProgress,
    Template,
    Wire,
    is_test,
)
from schemas.base import DEFAULT_BRAND
from schemas.topics import AUDIT_LOG
from services.console.commands import CommandDesk, accepted
from services.console.problems import Problem, not_found
from services.console.security import Identity
from services.console.settings import ConsoleSettings
from services.domain.brands import brand_named
from services.domain.campaigns import AccountLookup, usable_accounts
from services.runtime.clock import boot_seconds, utc_now
from services.runtime.registry import Registry

log = structlog.get_logger("console")
Row = dict[str, Any]
W = TypeVar("W", bound=Wire)
LEARN_S: Final = 1.0


@dataclass
class Hub:
    settings: ConsoleSettings
    clickhouse: AsyncClient
    producer: AIOKafkaProducer
    desk: CommandDesk
    campaigns: Registry[CampaignRecord]
    progress: Registry[StepProgress]
    accounts: Registry[Account]
    checks: Registry[AccountCheck]
    """How the last test of each account went."""
    brands: Registry[Brand]
    templates: Registry[Template]
    operators: Registry[Operator]
    drafts: Registry[Draft]
    segments: Registry[Segment]

    def now(self) -> datetime:
        return utc_now()

    @property
    def sandboxed(self) -> bool:
        """A provider of a default account is the sandbox: nothing that it takes reaches anybody."""
        return any(self.is_sandbox(account) for account in self.settings.default_accounts().values())

    def is_sandbox(self, account: Account) -> bool:
        return account.base_url.rstrip("/") == self.settings.sandbox_url.rstrip("/")

    def brands_of(self, identity: Identity) -> list[Brand]:
        """Those for which somebody may act, by id."""
        names = sorted({DEFAULT_BRAND, *self.brands.items}) if identity.installation else [identity.brand]
        return [brand_named(self.brands.items, name) for name in names]

    def account_lookup(self, brand: str) -> AccountLookup:
        """The accounts that a brand may use: its own that are connected, and the default ones."""
        return usable_accounts(brand, self.settings.default_accounts(), self.accounts.items)

    async def campaign(self, campaign_id: str, identity: Identity) -> CampaignRecord:
        """Raises `Problem` 404, also for another brand's."""
        record = self.campaigns.items.get(campaign_id)
        if record is None:
            await self.campaigns.catch_up()
            record = self.campaigns.items.get(campaign_id)
        if record is None or record.brand != identity.brand:
            raise not_found("campaign", campaign_id)
        return record

    def campaigns_of(self, identity: Identity) -> list[CampaignRecord]:
        """The newest first, without test sends."""
        own = [
            record for record in self.campaigns.items.values()
            if record.brand == identity.brand and not is_test(record.campaign_id)
        ]  # fmt: skip
        return sorted(own, key=lambda record: (record.created_at, record.campaign_id), reverse=True)

    def drafts_of(self, identity: Identity) -> list[Draft]:
        """What is being written of the brand's; the one that was changed last comes first."""
        own = [draft for draft in self.drafts.items.values() if draft.brand == identity.brand]
        return sorted(own, key=lambda draft: (draft.updated_at, draft.draft_id), reverse=True)

    def progress_of(self, record: CampaignRecord) -> dict[int, StepProgress]:
        """By number of the step."""
        found = {}
        for number in range(1, len(record.steps) + 1):
            if progress := self.progress.items.get(f"{record.campaign_id}/{number}"):
                found[number] = progress
        return found

    async def command(self, command: Command, campaign_id: str) -> CommandResult:
        """Carry it out; what it changed is in the registries when this returns. Raises `Problem`."""
        result = accepted(await self.desk.submit(command, campaign_id))
        await self._learn(result)
        await self.progress.catch_up()
        return result

    async def _learn(self, result: CommandResult) -> None:
        """Until the campaign is as the command left it.

        Result and campaign are of one transaction, but a partition of Kafka shows it only once its own marker is
        written: a reader may see the result first.
        """
        deadline = boot_seconds() + LEARN_S
        while boot_seconds() < deadline:
            await self.campaigns.catch_up()
            record = self.campaigns.items.get(result.campaign_id)
            if record is not None and record.updated_at >= result.at:
                return
            await asyncio.sleep(0.02)

    async def rows(self, query: str, **parameters: Any) -> list[Row]:
        """Raises `Problem` 503 when ClickHouse does not answer."""
        try:
            result = await self.clickhouse.query(query, parameters=parameters)
        except (ClickHouseError, OSError) as error:
            log.error("ClickHouse failed", error=str(error)[:500])
            raise Problem(503, "clickhouse_unavailable", "ClickHouse does not answer: try again shortly") from error
        return [dict(zip(result.column_names, row, strict=True)) for row in result.result_rows]

    async def tuples(self, query: str, **parameters: Any) -> Sequence[Sequence[Any]]:
        """As `rows`, without names."""
        return await self.ask(query, parameters)

    async def ask(self, query: str, parameters: dict[str, Any]) -> Sequence[Sequence[Any]]:
        """As `tuples`, for those who know nothing of a hub."""
        return [tuple(row.values()) for row in await self.rows(query, **parameters)]

    async def publish(self, topic: str, key: str, value: bytes | None, audit: AuditEntry | None = None) -> None:
        """Acknowledged when this returns, and so is what the audit log is told of it. Raises `Problem` 503."""
        told = [(AUDIT_LOG, audit.brand, audit.write())] if audit else []
        try:
            sent = [
                await self.producer.send(where, content, key=name.encode())
                for where, name, content in (*told, (topic, key, value))
            ]
            for future in sent:
                await future
        except KafkaError as error:
            raise _silent(topic, error) from error

    async def audit(self, entry: AuditEntry) -> None:
        """Raises `Problem` 503."""
        await self.publish(AUDIT_LOG, entry.brand, entry.write())

    async def keep(self, registry: Registry[W], key: str, value: W | None, audit: AuditEntry | None = None) -> None:
        """Put it on the registry's topic, or with None take it away; it counts here as of when this returns. Raises
        `Problem` 503."""
        await self.publish(registry.topic, key, value.write() if value is not None else None, audit)
        try:
            await registry.catch_up()
        except KafkaError as error:
            raise _silent(registry.topic, error) from error


def _silent(topic: str, error: KafkaError) -> Problem:
    log.error("Kafka failed", topic=topic, error=repr(error))
    return Problem(503, "kafka_unavailable", "Kafka does not take it now: repeat the request")


def hub_of(request: Request) -> Hub:
    return cast(Hub, request.app.state.hub)


HubOf = Annotated[Hub, Depends(hub_of)]
Progress = Mapping[int, StepProgress]
