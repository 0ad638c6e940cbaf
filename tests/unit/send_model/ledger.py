"""What the ledger says of the send, and what ends a doubt."""

from __future__ import annotations

from datetime import timedelta
from functools import cache

from schemas import Status, rank_key
from send_model.state import Rules, Told
from send_model.values import CHANNEL, MUCH_LATER, NOW, PERSON, told_of
from services.planner.core.sweep import RetryableSend, StepFindings
from services.tracker.core.uncertain import Policy, UncertainSend, settle


def key_of(told: Told, rules: Rules) -> tuple[tuple[int, int], bool]:
    """The ledger's order: see STANDING in services/planner/queries.py."""
    attempt, rank = rank_key(Status(told.status), told.attempt)
    if told.status == Status.RECALLED and not rules.recalled_outranks_uncertain:
        rank = rank_key(Status.SUPPRESSED, told.attempt)[1] + 1
    return (attempt, rank), told.reason != "assumed"


@cache
def standing(events: frozenset[Told], queued: frozenset[int], rules: Rules) -> Told | None:
    """Where the ledger says that the send stands."""
    known = [*events, *(Told(attempt, "queued", "", "router") for attempt in queued if attempt)]
    return max(known, key=lambda told: key_of(told, rules), default=None)


@cache
def findings(stands: Told | None, events: frozenset[Told]) -> StepFindings:
    """As services/planner/findings.py makes them from the ledger's answers."""
    status = stands.status if stands else ""
    retries = {told for told in events if told.status == "failed_retryable"}
    retryable = RetryableSend(0, stands.attempt, len(retries), NOW) if stands and retries else None
    return StepFindings(
        silent=() if stands else (0,),
        recalled=((0, stands.attempt),) if stands and status == "recalled" else (),
        retryable=(retryable,) if retryable and status == "failed_retryable" else (),
        over_budget=(),
        open_count=int(stands is None or status in ("queued", "recalled", "failed_retryable", "uncertain")),
        queued_count=int(status == "queued"),
    )


@cache
def doubt_ended(attempt: int, policy: Policy) -> Told:
    send = UncertainSend("c", 1, PERSON, CHANNEL, 0, attempt, "default", NOW)
    event = settle(send, policy, MUCH_LATER, timedelta(minutes=15))
    assert event is not None, "the deadline is over"
    return told_of(event)
