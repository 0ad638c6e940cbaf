"""What all partitions of one planner use together."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from aiokafka import AIOKafkaProducer
from clickhouse_connect.driver.asyncclient import AsyncClient

from schemas import Account, Brand, CommandResult
from schemas.topics import send_topic, sender_group
from services.planner.accounts import AccountDirectory
from services.planner.audience import AudienceStore
from services.planner.offsets import OffsetReader
from services.planner.settings import PlannerSettings
from services.planner.tracing import CampaignTracer
from services.runtime.registry import Registry


@dataclass
class Shared:
    settings: PlannerSettings
    clickhouse: AsyncClient
    audiences: AudienceStore
    accounts: AccountDirectory
    brands: Registry[Brand]
    results: Registry[CommandResult]
    """Every answer of the last days, by command: a repeat gets the first one."""
    offsets: OffsetReader
    producer: AIOKafkaProducer
    """Idempotent; for requests, which are not part of transactions."""
    tracer: CampaignTracer
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when there may be something to do."""

    def send_topics(self) -> dict[str, Account]:
        """Topic -> the account that it belongs to."""
        return {send_topic(account.channel, account.account_id): account for account in self.accounts.all()}

    @staticmethod
    def group_of(account: Account) -> str:
        return sender_group(account.channel, account.account_id)
