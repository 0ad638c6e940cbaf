"""A command as the audit log tells it: who asked for what, and what became of it."""

from __future__ import annotations

from schemas import AuditEntry, BrandId, Command, CommandResult, CommandType
from schemas.audit import UPSTREAM
from services.planner.core.decoding import Refused

_LONGEST = 500


def audit_entry(decoded: Command | Refused, result: CommandResult, brand: str, epoch_before: int | None) -> AuditEntry:
    """`epoch_before`: of the brand's campaign that the result names; None where there was none."""
    command = decoded if isinstance(decoded, Command) else None
    return AuditEntry(
        entry_id=result.command_id,
        at=result.at,
        brand=BrandId(brand),
        operator=(command.operator[:200] if command else "") or UPSTREAM,
        source="planner",
        action=_action(result.type),
        object=f"campaign/{result.campaign_id}"[:300],
        status=result.status,
        epoch_before=epoch_before,
        epoch_after=result.epoch if result.status == "accepted" else None,
        detail=_detail(command, result)[:_LONGEST],
    )


def _action(kind: str) -> str:
    known = {each.value for each in CommandType}
    return kind if kind in known else "campaign.unknown"


def _detail(command: Command | None, result: CommandResult) -> str:
    """Never a value: those may hold what a person is called."""
    if result.status == "rejected":
        return "; ".join(dict.fromkeys(f"{error.field[:80]} {error.problem}" for error in result.errors))
    if command is None:
        return ""
    if command.type is CommandType.CLONE:
        return f"copy of {command.campaign_id}"
    parts = [name for name in ("body", "content", "limits", "budget") if getattr(command, name) is not None]
    money = f": {command.budget.total:f} {command.budget.currency}" if command.budget else ""
    return ", ".join(parts) + money
