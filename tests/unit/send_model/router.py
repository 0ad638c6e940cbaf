"""The router's steps: a round, in its three parts, and what comes of it when it dies or sleeps between them."""

from __future__ import annotations

from collections.abc import Iterator

from send_model import parts
from send_model.state import (
    Message,
    Output,
    Read,
    Recalled,
    Request,
    Round,
    Rules,
    State,
    Step,
    Told,
    ViolationError,
    epoch_of,
)


def steps(state: State, rules: Rules) -> Iterator[Step]:
    if state.router_version < len(state.history):
        yield "router reads campaigns", state._replace(router_version=len(state.history))
    if state.round is not None:
        yield from _finish(state, state.round)
        return
    if state.read.requests < len(state.requests) and state.gate is None:
        ends = Read(0, state.consents, len(state.events)) if rules.opt_outs_first else Read()
        yield (
            "router has a request in hand, asks for the ends of the rest",
            state._replace(gate=ends, opted_out_in_hand=state.consents > 0),
        )
    ends = Read(len(state.requests), state.consents, len(state.events))
    yield from _judge(state, ends, rules)
    if (gate := state.gate) is not None and (gate.consents, gate.events) != (ends.consents, ends.events):
        # What came since is not fetched yet.
        held = Read(ends.requests, max(gate.consents, state.read.consents), max(gate.events, state.read.events))
        yield from _judge(state, held, rules)


def _judge(state: State, ends: Read, rules: Rules) -> Iterator[Step]:
    share, read = parts.share(state.read, ends, state.gate)
    if not share.first and not share.then:
        return
    told = tuple((n, state.events[n]) for n in range(state.read.events, read.events))
    consents = tuple(range(state.read.consents, read.consents))
    request = (state.read.requests, state.requests[state.read.requests]) if share.then else None
    version = state.router_version
    if request is not None and request[1].epoch > epoch_of(state.history[:version]):
        version = len(state.history)  # Judge._learn
    judged = parts.judge(state.record, told, consents, request, state.history[:version])
    _check(state, judged, request, version)
    words = "router judges " + ", ".join(
        [f"{event.status}/{event.attempt}" for _, event in told] + ["the opt-out"] * len(consents)
        + ([f"the request for attempt {request[1].attempt}"] if request else [])
    )  # fmt: skip
    gate = None if request else state.gate
    in_hand = state.opted_out_in_hand and request is None
    now = state._replace(gate=gate, router_version=version, opted_out_in_hand=in_hand)
    if not judged.outputs:
        done = _taken(now._replace(record=judged.record), read)
        yield words, done
        if state.may_kill("router") and judged.record != state.record:
            yield f"{words}, KILLED before the commit", now._replace(record=judged.record, gate=None).spend("crashes")
        return
    if rules.state_before_output:
        yield f"{words}: its state is acked", now._replace(record=judged.record, round=Round(judged.outputs, read))
    else:
        yield f"{words}: nothing is acked", now._replace(round=Round(judged.outputs, read, judged.record))


def _check(state: State, judged: parts.Judged, request: tuple[int, Request] | None, version: int) -> None:
    routed = any(isinstance(output, Message) for output in judged.outputs)
    if routed and state.opted_out_in_hand and request and parts.is_new(state.record, request[0]):
        raise ViolationError("routed over an opt-out that was there when the request was in hand")
    if request and not state.may_ask_twice and parts.asked_twice(state.record, *request, state.history[:version]):
        raise ViolationError("ASKED TWICE: the planner asks for an attempt that has its verdict")


def _finish(state: State, round_: Round) -> Iterator[Step]:
    if round_.outputs:
        written = write(state, round_.outputs)
        record = state.record if round_.record is None else round_.record
        yield "router writes " + _words(round_.outputs), written._replace(round=Round((), round_.read), record=record)
        if state.may_kill("router"):
            for count in range(len(round_.outputs) + 1):
                some = round_.outputs[:count]
                yield (
                    f"router writes {_words(some) or 'nothing'}, KILLED",
                    write(state, some)._replace(round=None, gate=None).spend("crashes"),
                )
        if state.left.freezes:
            yield (
                "router FROZEN: what it had to write is on its way",
                state.spend("freezes", round=None, gate=None, late=(*state.late, *round_.outputs)),
            )
        return
    yield "router commits", _taken(state._replace(round=None), round_.read)
    if state.may_kill("router"):
        yield "router KILLED before the commit", state.spend("crashes", round=None, gate=None)


def _taken(state: State, read: Read) -> State:
    """Committed; from now on an opt-out that is in it counts as known."""
    news = read.consents > state.read.consents
    return state._replace(read=read, known_for_long=state.known_for_long and not news)


def write(state: State, outputs: tuple[Output | Request, ...]) -> State:
    for output in outputs:
        match output:
            case Message():
                behind = (output, *_neighbour(state, output))
                state = state._replace(messages=(*state.messages, *behind))
                if len(behind) > 1:
                    state = state.spend("neighbours")
            case Told():
                state = state._replace(events=(*state.events, output))
            case Recalled():
                news = output not in state.recalls
                state = state._replace(
                    recalls=(*state.recalls, output) if news else state.recalls,
                    known_for_long=state.known_for_long and not news,
                )
            case Request():
                state = state._replace(requests=(*state.requests, output), may_ask_twice=True)
    return state


def _neighbour(state: State, message: Message) -> tuple[Message, ...]:
    return (message._replace(attempt=0, request_offset=message.request_offset + 1),) if state.left.neighbours else ()


def _words(outputs: tuple[Output, ...]) -> str:
    return ", ".join(
        f"message {o.attempt}" if isinstance(o, Message)
        else f"{o.status}/{o.attempt}" if isinstance(o, Told) else f"the recall of {o.attempt}"
        for o in outputs
    )  # fmt: skip
