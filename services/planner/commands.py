"""One command at a time: decode, decide, and write state, answer and offset together."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import datetime

import structlog
from clickhouse_connect.driver.exceptions import ClickHouseError
from ulid import ULID

from schemas import Brand, CampaignId, CampaignRecord, Command, CommandResult, CommandType, FieldError, Template
from schemas.topics import load_topics
from services.domain.audience import listed_names
from services.domain.brands import brand_named, waits_for_approval, with_brand
from services.domain.campaigns import check_campaign, check_filter, template_uses, with_templates
from services.planner.accounts import AccountDirectory
from services.planner.audience import AudienceStore
from services.planner.core import lifecycle
from services.planner.core.approval import held_for_approval
from services.planner.core.decisions import Accepted, Decision, Rejected, reject
from services.planner.core.decoding import Refused, target_of
from services.planner.core.drafts import draft
from services.planner.state import PartitionState
from services.runtime.kafka import partition_of
from services.runtime.registry import Registry

log = structlog.get_logger("planner")
CLICKHOUSE_PATIENCE_S = 20.0
BY_THE_BRAND = frozenset({CommandType.APPLY, CommandType.SEND, CommandType.LAUNCH, CommandType.EDIT})
"""What takes the brand's rules, as they are now, into the campaign."""


class Elsewhere(Exception):  # noqa: N818 - not a failure: the command goes to where it belongs
    """The campaign of this command belongs to another partition."""

    def __init__(self, campaign_id: str) -> None:
        super().__init__(campaign_id)
        self.campaign_id = campaign_id


class CommandHandler:
    """Decides on the commands of one partition. Changes nothing: what it returns is to be written first."""

    def __init__(
        self,
        partition: int,
        state: PartitionState,
        accounts: AccountDirectory,
        audiences: AudienceStore,
        brands: Registry[Brand],
        templates: Registry[Template],
    ) -> None:
        self.partition, self.state, self.accounts, self.audiences = partition, state, accounts, audiences
        self.brands, self.templates = brands, templates
        self.partitions = load_topics().partitions

    async def decide(self, decoded: Command | Refused, now: datetime) -> tuple[CampaignRecord | None, CommandResult]:
        """The record to write (None: nothing changes) and the answer. Raises `Elsewhere`."""
        if isinstance(decoded, Refused):
            return None, _result(
                decoded.envelope.command_id, decoded.envelope.type, decoded.campaign_id, 0, decoded.errors, now
            )
        campaign_id = target_of(decoded) or self._make_id(decoded, now)
        if partition_of(campaign_id, self.partitions) != self.partition:
            raise Elsewhere(campaign_id)
        decision = await self._decide(decoded, campaign_id, now)
        if isinstance(decision, Rejected):
            known = self.state.campaigns.get(campaign_id)
            epoch = known.epoch if known and known.brand == brand_of(decoded) else 0
            return None, _result(decoded.command_id, decoded.type, campaign_id, epoch, decision.errors, now)
        record = decision.record
        result = _result(decoded.command_id, decoded.type, record.campaign_id, record.epoch, [], now)
        waits = decoded.type is not CommandType.CANCEL and waits_for_approval(record)
        return record, result.model_copy(update={"waiting_for": "approval"}) if waits else result

    async def _decide(self, command: Command, campaign_id: CampaignId, now: datetime) -> Decision:
        existing = self.state.campaigns.get(campaign_id)
        if command.type not in (CommandType.APPLY, CommandType.SEND):
            clone_id = command.clone_id or self._make_id(command, now) if command.type is CommandType.CLONE else None
            if clone_id and partition_of(clone_id, self.partitions) != self.partition:
                return reject("clone_id", "unusable", "leave clone_id out: the id of the copy is made for you")
            decision = lifecycle.steer(existing, command, now, clone_id)
            decision = await self._checked(await self._branded(decision, command), command)
            return await self._held_for_approval(existing, decision, command, now)
        assert command.campaign is not None, "decoding has seen to it"
        campaign = (
            command.campaign.model_copy(update={"brand": command.brand})
            if command.brand != "default"
            else command.campaign
        )
        if existing and existing.brand != campaign.brand:  # nothing else is told of another brand's campaign
            return reject("id", "taken", f"the id '{campaign_id}' is taken: choose another")
        if problem := lifecycle.wrong_epoch(existing, command):
            return problem
        if campaign.templates:
            await self.templates.catch_up()
        written, errors = with_templates(campaign, self.templates.items)
        if errors:
            return Rejected(errors)
        decision = draft(written, campaign_id, existing, command, now, template_uses(campaign, self.templates.items))
        decision = await self._checked(await self._branded(decision, command), command)
        if isinstance(decision, Accepted) and campaign.audience.recipients is not None:
            try:
                async with asyncio.timeout(CLICKHOUSE_PATIENCE_S):
                    audience = await self.audiences.store(decision.record, campaign.audience.recipients, now)
            except (ClickHouseError, OSError, TimeoutError) as error:
                return _unavailable(error)
            decision = Accepted(decision.record.model_copy(update={"audience": audience}))
        if isinstance(decision, Accepted) and command.type is CommandType.SEND:
            launch = command.model_copy(update={"type": CommandType.LAUNCH, "expected_epoch": None})
            launch = launch.model_copy(update={"brand": campaign.brand})
            launched = lifecycle.steer(decision.record, launch, now)
            return await self._held_for_approval(decision.record, launched, launch, now)
        return decision

    async def _held_for_approval(
        self, before: CampaignRecord | None, decision: Decision, command: Command, now: datetime
    ) -> Decision:
        if isinstance(decision, Rejected) or before is None or before.campaign_id != decision.record.campaign_id:
            return decision
        await self.brands.catch_up()
        brand = brand_named(self.brands.items, before.brand)
        return Accepted(held_for_approval(before, decision.record, command, brand, now))

    async def _branded(self, decision: Decision, command: Command) -> Decision:
        """By the rules that the brand has when the command is decided."""
        if isinstance(decision, Rejected) or command.type not in BY_THE_BRAND:
            return decision
        await self.brands.catch_up()
        record = decision.record
        return Accepted(with_brand(record, brand_named(self.brands.items, record.brand)))

    async def _checked(self, decision: Decision, command: Command) -> Decision:
        """What is applied, launched or edited must be sound. A pause or a cancel must not wait for anything."""
        if isinstance(decision, Rejected) or command.type not in (
            CommandType.APPLY, CommandType.SEND, CommandType.LAUNCH, CommandType.EDIT, CommandType.BUDGET,
        ):  # fmt: skip
            return decision
        record = decision.record
        if command.type is CommandType.LAUNCH and record.filter is None and record.audience is None:
            return reject("audience", "missing", "the campaign has no people: give it an audience first")
        try:
            async with asyncio.timeout(CLICKHOUSE_PATIENCE_S):
                known = await self._known_names(record, command)
                campaigns = (
                    await self.audiences.known_campaigns(record.brand, record.filter) if record.filter else set()
                )
        except (ClickHouseError, OSError, TimeoutError) as error:
            return _unavailable(error)
        await self.accounts.registry.catch_up()
        errors = check_campaign(record, self.accounts.of_brand(record.brand), known)
        errors += check_filter(record.filter, campaigns) if record.filter else []
        return Rejected(errors) if errors else decision

    async def _known_names(self, record: CampaignRecord, command: Command) -> frozenset[str]:
        if command.campaign and command.campaign.audience.recipients is not None:
            return listed_names(command.campaign.audience.recipients)
        if record.filter is None and record.audience is not None:
            return await self.audiences.listed_attribute_names(record.campaign_id, record.audience)
        return await self.audiences.attribute_names(record.brand)

    def _make_id(self, command: Command, now: datetime) -> CampaignId:
        """A ULID in this partition. The same for the same command, so that a crash in between makes no second one."""
        moment = int((command.at or now).timestamp() * 1000) if command.at else 0
        for number in range(10_000):
            digest = hashlib.sha256(f"{command.command_id}/{number}".encode()).digest()
            made = str(ULID((moment or 1).to_bytes(6, "big") + digest[:10]))
            if partition_of(made, self.partitions) == self.partition:
                return CampaignId(made)
        raise AssertionError("one in eight fits")


def brand_of(decoded: Command | Refused) -> str:
    """On whose behalf it was asked."""
    if isinstance(decoded, Refused):
        return decoded.envelope.brand
    return decoded.campaign.brand if decoded.campaign and decoded.brand == "default" else decoded.brand


def _unavailable(error: Exception) -> Rejected:
    log.warning("clickhouse does not answer a command", error=repr(error))
    return reject(
        "audience",
        "unavailable",
        "ClickHouse does not answer, so nothing was changed: send the command again with a new command_id",
    )


def _result(
    command_id: str, kind: str, campaign_id: str, epoch: int, errors: list[FieldError], now: datetime
) -> CommandResult:
    return CommandResult(
        command_id=command_id, type=kind, status="rejected" if errors else "accepted", campaign_id=campaign_id,
        epoch=epoch, at=now, errors=errors,
    )  # fmt: skip
