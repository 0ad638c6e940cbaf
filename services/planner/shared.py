"""What all partitions of one planner use together."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from aiokafka import AIOKafkaProducer
from clickhouse_connect.driver.asyncclient import AsyncClient

from schemas import Account, Brand, CampaignRecord, CommandResult, Template
from schemas.topics import send_topic, sender_group
from services.planner.accounts import AccountDirectory
from services.planner.audience import AudienceStore
from services.planner.core.credit import time_ahead
from services.planner.core.hours import StepHours
from services.planner.hours import HoursBook
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
    templates: Registry[Template]
    results: Registry[CommandResult]
    """Every answer of the last days, by command: a repeat gets the first one."""
    offsets: OffsetReader
    producer: AIOKafkaProducer
    """Idempotent; for requests, which are not part of transactions."""
    tracer: CampaignTracer
    hours: HoursBook
    wake: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when there may be something to do."""

    def step_hours(self, record: CampaignRecord, number: int, due: datetime, now: datetime) -> StepHours | None:
        """Who of a step may be asked for now; None: everybody."""
        step, horizon = record.steps[number - 1], self.settings.credit_horizon_s
        account = self.accounts.find(step.channel, step.account)
        ahead = time_ahead(account.rate_per_s, self.offsets.partitions, horizon) if account else timedelta(0)
        return self.hours.of(record, number, due, ahead, now)

    def send_topics(self) -> dict[str, Account]:
        """Topic -> the account that it belongs to."""
        return {send_topic(account.channel, account.account_id): account for account in self.accounts.all()}

    @staticmethod
    def group_of(account: Account) -> str:
        return sender_group(account.channel, account.account_id)
