"""What is left before a campaign is sent: what must be mended, what somebody should have seen, what it comes to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from pydantic import BaseModel

from schemas import CampaignRecord, Draft, Forecast
from services.console.core.accounts import AccountProblem
from services.console.core.drafts import step_of
from services.console.core.findings import Finding
from services.console.core.placeholders import Placeholder

_BUDGET_WORDS = ("budget", "time is over", "takes longer")


class Point(Finding):
    path: str = ""
    """The page on which it is mended, where that is no step of the campaign."""


class Review(BaseModel):
    draft_id: str
    revision: int
    ready: bool
    """Nothing is blocking."""
    blocking: list[Point]
    """What keeps it from being sent, each with its step, its field and the remedy."""
    doubtful: list[Point]
    """What is not wrong, and perhaps not meant."""
    needs_approval: bool
    """A second person of the brand would have to approve it."""
    forecast: Forecast | None
    """What it would come to, sent now; None: too little is written."""


def review_of(
    draft: Draft,
    found: Iterable[Finding],
    accounts: Sequence[AccountProblem],
    forecast: Forecast | None,
    needs_approval: bool,
    record: CampaignRecord | None,
    placeholders: Iterable[Placeholder] = (),
) -> Review:
    """`record`: of the campaign that the draft goes on with. `placeholders`: of its content, with who lacks them."""
    shown = {f"accounts.{each.channel}" for each in accounts if each.blocking}
    blocking = [Point(**each.model_dump()) for each in found if each.field not in shown]
    blocking += [_of_account(each) for each in accounts if each.blocking]
    doubtful = [_of_account(each) for each in accounts if not each.blocking]
    unreadable = {each.field.partition(".")[0] for each in blocking}
    doubts = [_doubt(text) for text in (forecast.doubtful if forecast else [])]
    doubtful += [each for each in doubts if each.field.partition(".")[0] not in unreadable]
    doubtful += [_lacked(each) for each in placeholders if each.required and each.lacking and not each.send_without]
    if record is not None and draft.campaign_at is not None and record.updated_at > draft.campaign_at:
        doubtful.append(_changed_elsewhere(record.updated_at))
    return Review(
        draft_id=draft.draft_id, revision=draft.revision, ready=not blocking, blocking=blocking, doubtful=doubtful,
        needs_approval=needs_approval, forecast=forecast,
    )  # fmt: skip


def _of_account(problem: AccountProblem) -> Point:
    field = f"accounts.{problem.channel}"
    return Point(step=step_of(field), field=field, problem=problem.problem, message=problem.message, path=problem.path)


def _doubt(text: str) -> Point:
    """The forecast says its doubts in sentences."""
    money = any(word in text for word in _BUDGET_WORDS)
    field = "budget.total" if "budget" in text else "schedule.at" if money else "audience.filter.role"
    return Point(step="budget" if money else "audience", field=field, problem="doubtful", message=text)


def _lacked(placeholder: Placeholder) -> Point:
    name, people = placeholder.name, f"{placeholder.lacking:,}"
    who = "one of the people has" if placeholder.lacking == 1 else f"{people} of the people have"
    message = (
        f"{who} no '{name}', and gets no message that uses it: give it a default, such as "
        f"{{{{ {name} | default: '...' }}}}, or tick “send without” beside it"
    )
    if placeholder.lacking != 1:
        message = message.replace("and gets no", "and get no")
    channel = placeholder.channels[0]
    return Point(step="content", field=f"content.{channel}", problem="missing_data", message=message)


def _changed_elsewhere(at: datetime) -> Point:
    message = (
        f"the campaign was changed elsewhere at {at:%Y-%m-%d %H:%M} UTC, after it was taken over into these steps: "
        "what is written here takes the place of that"
    )
    return Point(step="review", field="name", problem="changed_elsewhere", message=message)
