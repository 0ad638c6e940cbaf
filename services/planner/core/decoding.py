"""What a record on campaign-commands is: a command, one that must be refused, or nothing that could be answered."""

from __future__ import annotations

from dataclasses import dataclass

from pydantic import ValidationError

from schemas import Command, CommandEnvelope, CommandType, FieldError
from schemas.base import CampaignId
from services.domain.field_errors import field_errors

LARGEST_COMMAND = 900_000
"""Bytes: what is larger does not fit where it would have to go next (broker default: 1 MB a batch)."""


@dataclass(frozen=True)
class Unanswerable:
    """Not even a command_id can be read: for the dead-letter topic."""

    reason: str
    detail: str


@dataclass(frozen=True)
class Refused:
    envelope: CommandEnvelope
    campaign_id: str
    errors: list[FieldError]


def decode_command(value: bytes | None) -> Command | Refused | Unanswerable:
    if value is None:
        return Unanswerable("empty", "the record has no value")
    try:
        envelope = CommandEnvelope.read(value)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        reason = "not_json" if first["type"] == "json_invalid" else "no_command_id"
        return Unanswerable(reason, f"{'.'.join(map(str, first['loc']))}: {first['msg']}")
    campaign_id = envelope.campaign_id or str((envelope.campaign or {}).get("id") or "")
    try:
        command = Command.read(value)
    except ValidationError as error:
        return Refused(envelope, campaign_id, field_errors(error))
    if problem := missing_part(command):
        return Refused(envelope, campaign_id, [problem])
    return command


def missing_part(command: Command) -> FieldError | None:
    """What this type of command cannot do without."""
    needed: dict[CommandType, tuple[str, ...]] = {
        CommandType.APPLY: ("campaign",),
        CommandType.SEND: ("campaign",),
        CommandType.BUDGET: ("campaign_id", "budget"),
    }
    for name in needed.get(command.type, ("campaign_id",)):
        if getattr(command, name) is None:
            message = f"{command.type.value} needs '{name}': add it"
            return FieldError(field=name, problem="missing", message=message)
    if command.type is CommandType.EDIT and not (command.body or command.content or command.limits or command.budget):
        message = "campaign.edit needs body, content, limits or budget: give at least one"
        return FieldError(field="content", problem="missing", message=message)
    return None


def target_of(command: Command) -> CampaignId | None:
    """The campaign that a command is about; None where it leaves the id to us."""
    return command.campaign.id if command.campaign else command.campaign_id
