"""Commands to the planner, and its answers."""

from __future__ import annotations

import asyncio
from typing import Final

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError
from pydantic import ValidationError

from schemas import Command, CommandResult
from schemas.topics import CAMPAIGN_COMMANDS, COMMAND_RESULTS, load_topics
from services.console.problems import Problem, not_found, rejected_fields
from services.runtime.kafka import make_consumer
from services.runtime.settings import Settings

log = structlog.get_logger("console")
CONFLICTS: Final = frozenset({"wrong_epoch", "wrong_status", "taken", "nothing_to_approve", "same_person"})
LARGEST_COMMAND: Final = 900_000
"""Bytes; the planner refuses more."""


class CommandDesk:
    """Publishes a command and waits for its result. One reader of `command-results` serves all requests."""

    def __init__(self, settings: Settings, producer: AIOKafkaProducer, patience_s: float) -> None:
        self.settings, self.producer, self.patience_s = settings, producer, patience_s
        self._waiting: dict[str, list[asyncio.Future[CommandResult]]] = {}
        self._consumer: AIOKafkaConsumer | None = None

    async def start(self) -> None:
        """Read from where the topic ends now: a result of a command yet to be published cannot be missed."""
        self._consumer = make_consumer(self.settings, auto_offset_reset="latest", fetch_max_wait_ms=50)
        await self._consumer.start()
        partitions = [TopicPartition(COMMAND_RESULTS, number) for number in range(load_topics().partitions)]
        self._consumer.assign(partitions)
        await self._consumer.seek_to_end(*partitions)
        for partition in partitions:
            await self._consumer.position(partition)

    async def stop(self) -> None:
        if self._consumer:
            await self._consumer.stop()

    async def follow(self) -> None:
        """Hand results to those who wait, until cancelled."""
        assert self._consumer is not None, "start() comes first"
        async for record in self._consumer:
            self._deliver(record.value or b"")

    async def submit(self, command: Command, campaign_id: str) -> CommandResult:
        """The planner's answer, accepted or rejected. Raises `Problem`: 503: no answer in time, 413: too large."""
        value = command.write()
        if len(value) > LARGEST_COMMAND:
            raise Problem(
                413, "too_large",
                f"the campaign takes {len(value):,} bytes, and a command at most {LARGEST_COMMAND:,}: "
                "import the people as contacts and use a filter",
            )  # fmt: skip
        future: asyncio.Future[CommandResult] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(command.command_id, []).append(future)
        try:
            await self._publish(command, campaign_id, value)
            return await asyncio.wait_for(future, self.patience_s)
        except TimeoutError:
            raise Problem(
                503, "no_answer",
                f"the planner has not answered within {self.patience_s:g} s; the command is kept and will still be "
                "carried out. Ask again with the same Idempotency-Key, or look at the campaign later",
                command_id=command.command_id,
            ) from None  # fmt: skip
        finally:
            waiting = self._waiting[command.command_id]
            waiting.remove(future)
            if not waiting:
                del self._waiting[command.command_id]

    async def _publish(self, command: Command, campaign_id: str, value: bytes) -> None:
        try:
            await self.producer.send_and_wait(CAMPAIGN_COMMANDS, value, key=campaign_id.encode())
        except KafkaError as error:
            log.error("cannot publish a command", command_id=command.command_id, error=repr(error))
            raise Problem(
                503, "kafka_unavailable",
                "Kafka did not take the command: whether it will be carried out is not known. "
                "Repeat it with the same Idempotency-Key",
                command_id=command.command_id,
            ) from error  # fmt: skip

    def _deliver(self, value: bytes) -> None:
        try:
            result = CommandResult.read(value)
        except ValidationError as error:
            log.error("unreadable command result", error=str(error))
            return
        for future in self._waiting.get(result.command_id, []):
            if not future.done():
                future.set_result(result)


def accepted(result: CommandResult) -> CommandResult:
    """The result, or the problem that a rejection is."""
    if result.status == "accepted":
        return result
    problems = {error.problem for error in result.errors}
    if "unknown_campaign" in problems:
        raise not_found("campaign", result.campaign_id)
    if problems & CONFLICTS:
        error = next(error for error in result.errors if error.problem in CONFLICTS)
        raise Problem(
            409, error.problem, error.message, result.errors, command_id=result.command_id, epoch=result.epoch
        )
    raise rejected_fields(result.errors, command_id=result.command_id)
