"""What becomes of a command: a new record of the campaign, or each field that is wrong with what to do."""

from __future__ import annotations

from dataclasses import dataclass

from schemas import CampaignRecord, FieldError


@dataclass(frozen=True)
class Accepted:
    record: CampaignRecord


@dataclass(frozen=True)
class Rejected:
    errors: list[FieldError]


Decision = Accepted | Rejected


def reject(field: str, problem: str, message: str) -> Rejected:
    return Rejected([FieldError(field=field, problem=problem, message=message)])
