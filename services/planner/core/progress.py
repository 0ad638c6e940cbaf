"""How far a step has come, page by page."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from schemas import CampaignRecord, PageRange, StepProgress
from services.planner.core.budget import PageMoney
from services.planner.core.hours import StepHours

NOBODY_HELD: Final[dict[str, object]] = {"held": 0, "opens_at": None, "held_until": None}


def page_reserved(
    progress: StepProgress, record: CampaignRecord, count: int, money: PageMoney, now: datetime
) -> StepProgress | None:
    """The next `count` ordinals are to be asked for; no page where none is left. Written before any of them is. None:
    there is a page already."""
    assert record.audience is not None, "only frozen audiences are expanded"
    if progress.page is not None:
        return None
    last = min(progress.cursor + count, record.audience.count) - 1
    page = PageRange(first=progress.cursor, last=last, reserved_micros=money.reserved)
    changes = {
        "page": page if last >= progress.cursor else None,
        "highest_reserve_micros": max(progress.highest_reserve_micros, money.highest),
        "epoch": record.epoch,
        "due_at": progress.due_at or now,
        "updated_at": now,
    }
    return progress.model_copy(update=changes)


def page_finished(progress: StepProgress, record: CampaignRecord, now: datetime, held: bool = False) -> StepProgress:
    """All of its page has been asked for; at the end of the audience the step is expanded. `held`: unless people may
    have been passed over, whose hour is still to come."""
    cursor = progress.page.last + 1 if progress.page else progress.cursor
    at_end = record.audience is not None and cursor >= record.audience.count
    changes: dict[str, object] = {"cursor": cursor, "page": None, "updated_at": now}
    if not held:
        changes |= NOBODY_HELD | {"expanded_at": now if at_end else None}
    return progress.model_copy(update=changes)


def with_held(progress: StepProgress, held: int, hours: StepHours, now: datetime) -> StepProgress | None:
    """How many wait for their hour, and when they have it. None: that is known."""
    if not held and not progress.held:
        return None
    opens_at, until = (hours.opens_at, hours.held_until) if held else (None, None)
    if (progress.held, progress.opens_at, progress.held_until) == (held, opens_at, until):
        return None
    return progress.model_copy(
        update={
            "due_at": progress.due_at or hours.timing.due, "held": held, "opens_at": opens_at, "held_until": until,
            "updated_at": now,
        }
    )  # fmt: skip


def step_expanded(progress: StepProgress, now: datetime) -> StepProgress:
    """Nobody is held any more, and everybody has been asked for."""
    return progress.model_copy(update={"expanded_at": now, "updated_at": now, **NOBODY_HELD})
