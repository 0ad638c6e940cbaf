"""The planner's steps: a page, and the sweep behind its barrier."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from send_model import parts
from send_model.state import COMPLETED, Prepared, Request, Rules, State, Step, Sweep, ViolationError
from services.planner.core.sweep import again, finished, passed


def steps(state: State, rules: Rules) -> Iterator[Step]:
    if state.prepared is not None:
        yield from _emit(state, state.prepared)
    elif state.active and state.asleep:
        if state.pending is not None:
            yield "planner leaves what the sweep found for the morning", state._replace(pending=None)
        elif not state.page_done:
            yield "planner passes over whoever sleeps", state._replace(page_done=True)
    elif state.active:
        if state.pending is not None:
            request = Request(state.pending.attempt, state.epoch, state.dear)
            prepared = Prepared(request, state.pending)
            yield f"planner prepares attempt {request.attempt} again", state._replace(prepared=prepared)
        elif not state.page_done:
            prepared = Prepared(Request(1, state.epoch, state.dear), None)
            yield "planner prepares the page", state._replace(prepared=prepared)
    if state.sweep is None:
        if state.active and state.pending is None and (state.requests or state.page_done):
            sweep = Sweep(state.epoch, state.page_done, len(state.requests))
            if not rules.ends_in_order:
                sweep = sweep._replace(events=len(state.events), messages=len(state.messages))
            yield "sweep: notes the end of the requests", state._replace(sweep=sweep)
    else:
        yield from _sweep(state, state.sweep, rules)
    if state.may_kill("planner") and (state.prepared or state.pending or state.sweep):
        yield "planner KILLED", _forgotten(state).spend("crashes")


def _forgotten(state: State) -> State:
    """What a planner keeps in memory alone."""
    return state._replace(prepared=None, pending=None, sweep=None, may_ask_twice=True)


def _emit(state: State, prepared: Prepared) -> Iterator[Step]:
    """PageWriter: the range of a page is noted before and after, what a sweep found is not."""
    request = prepared.request
    out = state._replace(
        requests=(*state.requests, request),
        prepared=None,
        may_ask_twice=state.may_ask_twice or request.epoch < state.epoch,
    )
    words = f"planner asks for attempt {request.attempt} in epoch {request.epoch}"
    if prepared.again is None:
        yield words, out._replace(page_done=True)
    else:
        same = state.pending == prepared.again and state.epoch == request.epoch
        yield words, out._replace(pending=None if same else state.pending)
    if state.may_kill("planner"):
        yield f"{words}, KILLED before that is noted", _forgotten(out).spend("crashes")
    if state.left.freezes:
        gone = _forgotten(state).spend("freezes")
        yield f"{words}, FROZEN: it is on its way", gone._replace(late=(*state.late, request))


def _sweep(state: State, sweep: Sweep, rules: Rules) -> Iterator[Step]:
    """The order of Sweeper._wait_for_barrier."""
    router = {("requests", 0): state.read.requests, ("events", 0): state.read.events}
    tracker = {("events", 0): state.ingested_events, ("messages", 0): state.ingested_messages}
    if sweep.events < 0:
        if not rules.barrier or passed(router, {("requests", 0): sweep.requests}):
            noted = sweep._replace(events=len(state.events), messages=len(state.messages))
            yield "sweep: the router has passed the requests; notes the other ends", state._replace(sweep=noted)
        return
    events, messages = {("events", 0): sweep.events}, {("messages", 0): sweep.messages}
    if not passed(router, {("requests", 0): sweep.requests}) and rules.barrier:
        return
    if rules.barrier and not (passed(router, events) and passed(tracker, {**events, **messages})):
        return
    over = state._replace(sweep=None)
    if sweep.epoch != state.epoch or not state.active:
        yield "sweep: dropped, for the campaign has changed", over
        return
    told = frozenset(state.events[: state.ingested_events])
    queued = frozenset(message.attempt for message in state.messages[: state.ingested_messages])
    stands = parts.standing(told, queued, rules)
    found = parts.findings(stands, told)
    if not sweep.at_end:
        found = replace(found, silent=())  # the cursor is not behind it
    awake = replace(found, silent=(), recalled=(), retryable=()) if state.asleep else found
    expand, give_up = again(awake, parts.MUCH_LATER)
    if give_up:
        raise ViolationError("given up before five failures")
    where = f"stands at {stands.status}/{stands.attempt}" if stands else "nothing is known"
    if expand:
        yield f"sweep: {where}: again as attempt {expand[0].attempt}", over._replace(pending=expand[0])
    elif sweep.at_end and finished([(1, 1)], [found]):
        _check_books(state, rules)
        done = over._replace(history=state.history + COMPLETED, known_for_long=False)
        yield f"sweep: {where}: the campaign is completed", done
    else:
        yield f"sweep: {where}: nothing to do", over


def _check_books(state: State, rules: Rules) -> None:
    """What the ledger says at the end is what happened, as far as anybody can know."""
    final = parts.standing(frozenset(state.events), frozenset(), rules)
    if final is None:
        raise ViolationError("LOST: completed, and nothing is known of the send")
    assumed = final.reason == "assumed"
    given_back = {told.attempt for told in state.events if told.status == "recalled"}
    if assumed and final.attempt in given_back and final.attempt not in state.accepted:
        raise ViolationError("LOST: given back without a call, and assumed to be sent")
    if state.accepted and not state.excused and final.status not in ("accepted", "delivered"):
        raise ViolationError(f"UNTRUE: the provider took it, and the ledger says {final.status}")
    if final.status in ("accepted", "delivered") and not assumed and final.attempt not in state.accepted:
        raise ViolationError("UNTRUE: accepted by the provider, says the ledger, and there was no call")
