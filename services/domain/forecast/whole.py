"""Reach, prices and rates put together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from schemas import CampaignRecord, Channel, Forecast, StepForecast, StepRecord
from services.domain.campaigns.accounts import AccountLookup
from services.domain.campaigns.money import Caps, caps_of
from services.domain.forecast.prices import Price
from services.domain.reach import Reach
from services.domain.schedule import Quiet, begins_at, next_opening, quiet_of, window

CLOCKS = timedelta(hours=26)
"""From the first clock on Earth to show a time to the last."""
A_DAY = timedelta(days=1)


def forecast(
    record: CampaignRecord, people: int, reach: Mapping[Channel, Reach], prices: Mapping[int, Price],
    accounts: AccountLookup, looked_at: int, now: datetime,
) -> Forecast:  # fmt: skip
    """`prices`: by step, without those whose account or content is not usable. Pure."""
    steps = list(_timed(record, list(_counted(record, reach, prices)), accounts, now))
    caps = caps_of(record)
    steps = _afforded(steps, caps) if caps else steps
    most = sum(step.most_micros for step in steps)
    account = next((found for step in record.steps if (found := accounts(step.channel, step.account))), None)
    currency = record.budget.currency if record.budget else account.rate_card.currency if account else "USD"
    reached = [step.ends_at for step in steps if step.reachable]
    return Forecast(
        at=now,
        people=people,
        currency=currency,
        most_micros=min(most, caps.total) if caps else most,
        likely_micros=sum(step.likely_micros for step in steps),
        budget_micros=caps.total if caps else None,
        looked_at=looked_at,
        finish_at=max(reached, default=None),
        doubtful=list(_doubts(record, people, steps, now)),
        steps=steps,
    )


def _counted(
    record: CampaignRecord, reach: Mapping[Channel, Reach], prices: Mapping[int, Price]
) -> Iterator[dict[str, object]]:
    for number, step in enumerate(record.steps, start=1):
        found, price = reach.get(step.channel, Reach()), prices.get(number, Price(1, 0, 0.0))
        yield {
            "step": number, "channel": step.channel, "account": step.account, "only_if": step.only_if,
            "reachable": found.reachable, "dropped": dict(found.dropped.most_common()), "units": price.units,
            "dearest_micros": price.dearest_micros, "most_micros": found.reachable * price.dearest_micros,
            "likely_micros": round(found.reachable * price.mean_micros),
        }  # fmt: skip


def _timed(
    record: CampaignRecord, steps: list[dict[str, object]], accounts: AccountLookup, now: datetime
) -> Iterator[StepForecast]:
    """As the planner lets steps begin, each account one message after another at its rate."""
    quiet, free = quiet_of(record.kind, record.limits), dict[tuple[str, str], datetime]()
    due = ends = max(now, begins_at(record.schedule)) if record.schedule else now
    for counted, step in zip(steps, record.steps, strict=True):
        if not _together(step) or counted["step"] == 1:
            due = (due if counted["step"] == 1 else ends) + timedelta(seconds=step.after_s)
        ref, account = (step.channel.value, step.account), accounts(step.channel, step.account)
        begins = next_opening(quiet, record.zone, max(due, free.get(ref, due)))
        sent = timedelta(seconds=int(str(counted["reachable"])) / account.rate_per_s) if account else timedelta(0)
        free[ref] = _behind(begins, sent, quiet, record.zone)
        ends = max(free[ref], ends) if _together(step) and counted["step"] != 1 else free[ref]
        last = free[ref] + _spread(record)
        yield StepForecast.model_validate(counted | {"begins_at": begins, "ends_at": last})


def _together(step: StepRecord) -> bool:
    return step.only_if == "always" and step.after_s == 0


def _spread(record: CampaignRecord) -> timedelta:
    """How much later the last person's own clock may be."""
    modes = {"local": CLOCKS, "best_time": A_DAY}
    return modes.get(record.schedule.mode, timedelta(0)) if record.schedule else timedelta(0)


def _behind(at: datetime, work: timedelta, quiet: Quiet | None, zone: str) -> datetime:
    """When so much work is done that begins then and rests in quiet hours."""
    for _ in range(1000):
        until = window(quiet, zone, at).until
        if until is None or at + work <= until:
            return at + work
        work -= until - at
        at = next_opening(quiet, zone, until)
    return at + work


def _afforded(steps: list[StepForecast], caps: Caps) -> list[StepForecast]:
    """Step after step takes what it may need; who does not fit any more may be left out."""
    left, by_channel, found = caps.total, dict(caps.by_channel), []
    for step in steps:
        channel = step.channel.value
        may = max(0, min(left, by_channel.get(channel, left)))
        fits = step.reachable if not step.dearest_micros else min(step.reachable, may // step.dearest_micros)
        taken = fits * step.dearest_micros
        left -= taken
        if channel in by_channel:
            by_channel[channel] -= taken
        found.append(step.model_copy(update={"unaffordable": step.reachable - fits}))
    return found


def _doubts(record: CampaignRecord, people: int, steps: list[StepForecast], now: datetime) -> Iterator[str]:
    if not people:
        yield "the audience means nobody: look at its conditions"
    elif not any(step.reachable for step in steps):
        yield "no channel reaches anybody of the audience"
    if short := sum(step.unaffordable for step in steps):
        total = record.budget.total if record.budget else 0
        yield f"the budget of {total} may leave {short:,} messages out: at most, were each as dear as the dearest"
    if record.budget is None:
        yield "there is no budget: nothing bounds what it costs"
    for step in steps:
        if step.ends_at - step.begins_at > record.limits.expires_after:
            yield f"step {step.step} takes longer than {record.limits.expires_after}: who is not reached by then is not"
    if record.schedule and begins_at(record.schedule) < now:
        yield "its time is over: it would be sent at once"
