"""What the audit log says of a command."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from schemas import Command, CommandResult, FieldError
from services.planner.core.auditing import audit_entry
from services.planner.core.decoding import Refused, decode_command

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
PAUSE = {"type": "campaign.pause", "command_id": "k-1", "brand": "north", "campaign_id": "summer", "operator": "asha"}


def entry(command: dict[str, Any], epoch: int = 4, before: int | None = 3, **result: Any) -> Any:
    decoded = decode_command(Command.model_validate(command).write())
    assert isinstance(decoded, Command)
    answer = CommandResult.model_validate(
        {"command_id": "k-1", "type": command["type"], "status": "accepted", "campaign_id": "summer", "epoch": epoch}
        | {"at": NOW, **result}
    )
    return audit_entry(decoded, answer, "north", before)


def test_an_accepted_command_says_who_did_what_to_which_campaign_and_what_epoch_it_made() -> None:
    told = entry(PAUSE)
    assert (told.operator, told.action, told.object) == ("asha", "campaign.pause", "campaign/summer")
    assert (told.brand, told.at, told.entry_id) == ("north", NOW, "k-1")
    assert (told.epoch_before, told.epoch_after, told.status) == (3, 4, "accepted")
    assert entry(PAUSE) == told, "the same command makes the same entry"


def test_whoever_is_not_named_came_from_upstream() -> None:
    assert entry({**PAUSE, "operator": ""}).operator == "upstream"


def test_a_rejected_command_says_which_fields_were_wrong_and_nothing_of_what_was_in_them() -> None:
    error = FieldError(field="audience.recipients.0.phone", problem="invalid", message="'+91 asha' is no number")
    told = entry(PAUSE, epoch=3, status="rejected", errors=[error])
    assert (told.status, told.epoch_before, told.epoch_after) == ("rejected", 3, None)
    assert told.detail == "audience.recipients.0.phone invalid"


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        ({"type": "campaign.edit", "body": {"text": "secret"}, "limits": {}}, "body, limits"),
        ({"type": "campaign.budget", "budget": {"total": "500.00"}}, "budget: 500.00 USD"),
        ({"type": "campaign.clone"}, "copy of summer"),
    ],
)
def test_a_change_is_named_and_not_told(change: dict[str, Any], detail: str) -> None:
    assert entry({**PAUSE, **change}).detail == detail


def test_what_could_not_even_be_read_as_a_command_is_told_too() -> None:
    decoded = decode_command(b'{"type": "campaign.explode", "command_id": "k-1", "brand": "north"}')
    assert isinstance(decoded, Refused)
    result = CommandResult(
        command_id="k-1", type="campaign.explode", status="rejected", campaign_id="", at=NOW, errors=decoded.errors
    )
    told = audit_entry(decoded, result, "north", None)
    assert (told.action, told.operator, told.status) == ("campaign.unknown", "upstream", "rejected")
