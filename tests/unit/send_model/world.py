"""What happens around: operators, people, the provider's callbacks, time, the tracker, and what was on its way."""

from __future__ import annotations

from collections.abc import Iterator

from send_model import parts
from send_model.router import write
from send_model.state import ACTIVE, PAUSED, Rules, State, Step, Told


def steps(state: State, rules: Rules) -> Iterator[Step]:
    yield from _operator(state)
    yield from _time(state)
    yield from _tracker(state, rules)
    if state.left.opt_outs:
        yield "the person opts out", state.spend("opt_outs", consents=state.consents + 1)
    if state.left.dearer and not state.dear:
        yield "a message becomes dearer than its reserve", state.spend("dearer", dear=True)
    if state.dear:
        yield "a message costs what it did", state._replace(dear=False)
    for number, output in enumerate(state.late):
        left = (*state.late[:number], *state.late[number + 1 :])
        yield f"what was on its way arrives: {output}", write(state, (output,))._replace(late=left)
    if state.left.rewrites:
        for message in dict.fromkeys(state.messages):
            if message.attempt:
                yield f"message {message.attempt} is written again", write(state, (message,)).spend("rewrites")
        for request in dict.fromkeys(state.requests):
            yield f"the request for {request.attempt} is written again", write(state, (request,)).spend("rewrites")


def _operator(state: State) -> Iterator[Step]:
    if state.completed:
        return
    changed = {"known_for_long": False, "pending": None}
    if not state.active:
        yield "the campaign is resumed", state._replace(history=state.history + ACTIVE, **changed)
    elif state.left.steers:
        yield "the campaign is paused", state.spend("steers", history=state.history + PAUSED, **changed)
        yield "the campaign is edited", state.spend("steers", history=state.history + ACTIVE, **changed)


def _time(state: State) -> Iterator[Step]:
    if not state.known_for_long:
        old = state._replace(known_for_long=True)
        news = (len(state.history), len(state.recalls))
        if (old.owner.version, old.owner.recalls) != news:
            old = old._replace(owner=old.owner._replace(fresh=False))
        if old.zombie is not None and (old.zombie.version, old.zombie.recalls) != news:
            old = old._replace(zombie=old.zombie._replace(fresh=False))
        yield "0.3 s pass", old
    if state.asleep:
        yield "the quiet hours end", state._replace(asleep=False)
    elif state.left.nights:
        yield "quiet hours begin", state.spend("nights", asleep=True)
    if state.left.delays and state.stale_below < len(state.messages):
        yield "a minute passes", state.spend("delays", stale_below=len(state.messages))


def _tracker(state: State, rules: Rules) -> Iterator[Step]:
    if state.ingested_events < len(state.events):
        yield "tracker stores an event", state._replace(ingested_events=state.ingested_events + 1)
    if state.ingested_messages < len(state.messages):
        yield "tracker stores what is queued", state._replace(ingested_messages=len(state.messages))
    told = frozenset(state.events[: state.ingested_events])
    queued = frozenset(message.attempt for message in state.messages[: state.ingested_messages])
    stands = parts.standing(told, queued, rules)
    if stands is not None and stands.status == "uncertain":
        policy = "resend" if state.left.policy == "resend" else "assume_sent"
        ended = parts.doubt_ended(stands.attempt, policy)
        if ended not in state.events:
            excused = state.excused + (policy == "resend" and stands.attempt in state.accepted)
            yield (
                f"the doubt about {stands.attempt} is ended: {ended.status}",
                state._replace(events=(*state.events, ended), excused=excused),
            )
    if state.left.callbacks and state.accepted:
        delivered = Told(state.accepted[-1], "delivered", "", "twilio")
        if delivered not in state.events:
            yield (
                f"the provider says: delivered/{delivered.attempt}",
                state.spend("callbacks", events=(*state.events, delivered)),
            )
