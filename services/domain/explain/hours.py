"""Until when a message is held because of the hour, in words."""

from __future__ import annotations

from datetime import timedelta

from schemas import CampaignStatus
from services.domain.explain.facts import StepFacts
from services.domain.explain.verdicts import Gate, Verdict
from services.domain.explain.words import moment, sentence
from services.domain.schedule import NO_HOUR, first_opening, is_quiet, next_opening, quiet_of, wall_of


def held_by_hour(step: StepFacts) -> Gate | None:
    """None: no clock holds it, as far as is recorded."""
    facts, campaign = step.facts, step.facts.campaign
    member, progress = facts.member, facts.progress.get(step.number)
    due = progress.due_at if progress and progress.due_at else campaign.launched_at if step.number == 1 else None
    if member is None or due is None or campaign.status is not CampaignStatus.ACTIVE:
        return None
    schedule, quiet = campaign.schedule, quiet_of(campaign.kind, campaign.limits)
    zone = member.zone or (schedule.zone if schedule else None) or campaign.zone
    mode = schedule.mode if schedule else "fixed"
    wall = None
    if schedule is not None and mode == "local" and _with_the_first(step):
        wall = wall_of(schedule) + timedelta(seconds=campaign.steps[0].after_s)
    if due > facts.now or (quiet is None and wall is None and mode != "best_time"):
        return None
    hour = member.best_hour if mode == "best_time" else NO_HOUR
    opens = next_opening(quiet, zone, max(first_opening(zone, due, quiet, wall=wall, hour=hour), facts.now))
    if opens <= facts.now:
        return None
    where = "" if zone == facts.zone else f" ({zone})"
    when = f"{moment(opens, facts.now, zone)}{where}"
    if quiet is not None and is_quiet(quiet, zone, facts.now):
        until = when.removeprefix("at ").removeprefix("on ")
        words = f"it is held until {until}: quiet hours are kept where {facts.name} is"
    elif wall is not None:
        words = f"it is held until the clocks where {facts.name} is show its time, which is {when}"
    else:
        words = f"it is held for the hour in which {facts.name} is likeliest to open it, which begins {when}"
    return Gate("hours", Verdict.PENDING, sentence(words), progress.updated_at if progress else None)


def _with_the_first(step: StepFacts) -> bool:
    steps = step.facts.campaign.steps
    return all(other.only_if == "always" and other.after_s == 0 for other in steps[1 : step.number])
