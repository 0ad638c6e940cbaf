"""What is wrong with a sheet, each finding with the step and the field: as its shape says, and as the planner would."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable
from copy import deepcopy
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from schemas import Brand, Campaign, FieldError
from schemas.base import CampaignId
from services.console.core.drafts import STEPS, Sheet, channels_of, step_of, value_at
from services.domain.audience import filter_problems, listed_names
from services.domain.brands import with_brand
from services.domain.campaigns import AccountLookup, Library, check_campaign, record_of, unique, with_templates
from services.domain.field_errors import field_errors

LACKING: Final = frozenset({"missing", "no_content", "no_channels", "no_audience"})
"""What is not written yet, rather than wrong."""
NO_NUMBER: Final = {
    "decimal_parsing": "such as 250.00", "float_parsing": "such as 2.5", "int_parsing": "such as 30",
    "int_from_float": "without a fraction",
}  # fmt: skip
ROUNDS: Final = 60
"""Each takes away at least one part that cannot be read; a campaign has fewer."""
CENT: Final = Decimal("0.01")
_STANDS_IN: Final[dict[str, Any]] = {"name": "-", "audience": {"filter": {}}}
"""For what a campaign must have and the sheet lacks, so that all the rest can be looked at."""
_NO_CHANNELS = FieldError(field="channels", problem="no_channels", message="no channel is chosen: choose at least one")
_NO_AUDIENCE = FieldError(
    field="audience.filter.role", problem="no_audience", message="nobody is chosen yet: say whom it goes to"
)
_NO_CONTENT = FieldError(field="body.text", problem="no_content", message="nothing is written yet: write the message")
_NO_NAME = FieldError(field="name", problem="missing", message="the campaign has no name yet: give it one")


class Finding(BaseModel):
    step: str
    field: str
    problem: str
    message: str


@dataclass(frozen=True)
class Surroundings:
    """What a sheet is judged by."""

    brand: Brand
    accounts: AccountLookup
    library: Library
    attributes: Collection[str] | None
    """Of the brand's people; None: not known now, so that no placeholder is called unknown."""
    now: datetime


def findings(sheet: Sheet, around: Surroundings) -> list[Finding]:
    """Everything that keeps the sheet from being sent, step by step."""
    errors = _found(sheet, around)
    order = {step: number for number, step in enumerate(STEPS)}
    made = [Finding(step=step_of(error.field), **_plain(error, sheet).model_dump()) for error in unique(errors)]
    return sorted(made, key=lambda finding: order[finding.step])


def _plain(error: FieldError, sheet: Sheet) -> FieldError:
    """A number that is none, in words of those who write it."""
    if error.problem not in NO_NUMBER:
        return error
    given = str(value_at(sheet, error.field) or "")[:40]
    message = f"'{given}' is no number: write it in digits, {NO_NUMBER[error.problem]}"
    return error.model_copy(update={"message": message})


def marks(found: Iterable[Finding]) -> dict[str, str]:
    """How each step but the last stands: `done`; `open`, where something is not written yet; `wrong`."""
    found = list(found)
    return {step: _mark([each for each in found if each.step == step]) for step in STEPS[:-1]}


def _mark(found: list[Finding]) -> str:
    if any(each.problem not in LACKING for each in found):
        return "wrong"
    return "open" if found else "done"


def _found(sheet: Sheet, around: Surroundings) -> list[FieldError]:
    campaign, errors, cut = _read(sheet, around.brand.brand_id)
    if not channels_of(sheet) and not any(sheet.get(name) for name in ("body", "content", "templates")):
        errors.append(_NO_CONTENT)
    if campaign is None or not channels_of(sheet):
        return errors
    written, wrong = with_templates(campaign, around.library)
    record = with_brand(record_of(written, CampaignId("draft"), around.now), around.brand)
    if campaign.audience.filter is not None:
        errors += filter_problems(campaign.audience.filter)
    readable = [step for step in record.steps if f"content.{step.channel.value}" not in cut]
    record = record.model_copy(update={"steps": readable})
    known, people = around.attributes, campaign.audience.recipients
    if people is not None and known is not None:
        known = listed_names(people)
    found = check_campaign(record, around.accounts, known or ()) + _shares_left(campaign)
    return errors + wrong + [each for each in found if known is not None or each.problem != "unknown_placeholder"]


def _shares_left(campaign: Campaign) -> list[FieldError]:
    """Where every channel has a part of the total, the parts must be all of it: the rest could not be spent."""
    budget = campaign.budget
    if budget is None or {step.channel for step in campaign.resolved_steps} - set(budget.allocation):
        return []
    parts = (_part(share, budget.total) for share in budget.allocation.values())
    left = budget.total - sum(parts, Decimal(0))
    if left < CENT:
        return []
    message = f"{left:.2f} {budget.currency} of the total is allotted to no channel: share the rest"
    return [FieldError(field="budget.allocation", problem="under_total", message=message)]


def _part(share: str, total: Decimal) -> Decimal:
    return Decimal(share[:-1]) * total / 100 if share.endswith("%") else Decimal(share)


def _read(sheet: Sheet, brand: str) -> tuple[Campaign | None, list[FieldError], set[str]]:
    """As much of the campaign as can be read, what is wrong with the rest, and which channels' contents that is."""
    left: dict[str, Any] = json.loads(json.dumps(sheet)) | {"brand": brand}
    errors = _lacking(left)
    cut: set[str] = set()
    taken: set[str] = set()
    for _ in range(ROUNDS):
        try:
            return Campaign.model_validate_json(json.dumps(left)), errors, cut
        except ValidationError as error:
            found = field_errors(error)
            errors += [each for each in found if each.field not in taken]
            taken |= {each.field for each in found}
            paths = {_innermost(left, details["loc"]) for details in error.errors(include_url=False)}
            for names in (each for each in paths if not any(each[:length] in paths for length in range(len(each)))):
                _cut(left, names, sheet)
                cut.add(".".join(names[:2]) or "channels")
    return None, errors, cut


def _lacking(left: dict[str, Any]) -> list[FieldError]:
    """What is not there at all gets a stand-in, and is said in words of its own."""
    errors = []
    if not left.get("name"):
        errors.append(_NO_NAME)
    audience = left.get("audience")
    if not audience or audience == {"recipients": []}:
        errors.append(_NO_AUDIENCE)
    if not left.get("channels") and not left.get("steps"):
        errors.append(_NO_CHANNELS)
        left["channels"] = ["email"]
    for name, value in _STANDS_IN.items():
        if not left.get(name):
            left[name] = deepcopy(value)
    return errors


def _innermost(left: dict[str, Any], path: tuple[int | str, ...]) -> tuple[str, ...]:
    """Where the part stands that cannot be read, as far as names lead; a list is one part."""
    names: list[str] = []
    place: Any = left
    for part in path:
        if part == "[key]" or not isinstance(place, dict) or part not in place:
            break
        names.append(str(part))
        place = place[part]
    return tuple(names)


def _cut(left: dict[str, Any], names: tuple[str, ...], sheet: Sheet) -> None:
    """Take a part away, and put in its place what a campaign cannot be without."""
    if not names or names[0] in ("channels", "steps"):
        for name in ("channels", "steps"):
            left.pop(name, None)
        left["channels"] = [channel.value for channel in channels_of(sheet)] or ["email"]
        return
    place = left
    for name in names[:-1]:
        place = place[name]
    del place[names[-1]]
    if len(names) == 1 and names[0] in _STANDS_IN:
        left[names[0]] = deepcopy(_STANDS_IN[names[0]])


def campaign_of(sheet: Sheet, brand: str) -> Campaign | None:
    """As much of the campaign as can be read; None: nothing can."""
    return _read(sheet, brand)[0]
