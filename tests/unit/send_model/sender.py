"""A sender's steps: the owner of the partition, and one that was frozen, replaced, and wakes up."""

from __future__ import annotations

from collections.abc import Iterator

from send_model import parts
from send_model.state import PAUSED, Message, Rules, Sender, State, Step, Told, ViolationError
from services.domain.marks import Do, decode_mark, encode_mark
from services.senders.core.groups import Group
from services.senders.core.outcomes import Outcome
from services.senders.core.progress import Position, behind, over, recovered


def steps(state: State, rules: Rules) -> Iterator[Step]:
    owner = state.owner
    if news := _news(state, owner):
        yield "sender reads the news", state._replace(owner=news)
    match owner.phase:
        case "recover":
            yield from _recover(state, rules)
        case "idle":
            yield from _idle(state, rules)
        case "recovered":
            yield from _rest(state, owner)
        case _:
            yield from _work(state, owner, "sender", rules)
    if state.may_kill("sender") and (owner.phase not in ("idle", "recover") or owner.uncommitted):
        yield f"sender KILLED ({owner.phase})", _replaced(state).spend("crashes")
    if state.left.freezes and state.zombie is None and owner.phase in ("declared", "called"):
        asleep = owner._replace(fresh=False, leased=not rules.lease)
        yield f"sender FROZEN ({owner.phase}), and replaced", _replaced(state).spend("freezes", zombie=asleep)
    if state.zombie is not None:
        if news := _news(state, state.zombie):
            yield "the sleeper reads the news", state._replace(zombie=news)
        yield from _work(state, state.zombie, "the sleeper", rules)


def _replaced(state: State) -> State:
    """A new process begins with reading everything."""
    return state._replace(owner=Sender(version=len(state.history), recalls=len(state.recalls)))


def _news(state: State, sender: Sender) -> Sender | None:
    news = sender._replace(version=len(state.history), recalls=len(state.recalls), fresh=True)
    return news if news != sender else None


def _known(state: State, sender: Sender, rules: Rules) -> parts.Known:
    recalled = frozenset(recall.attempt for recall in state.recalls[: sender.recalls])
    return parts.Known(
        state.history[: sender.version], recalled, sender.fresh, state.stale_below, state.dear, state.asleep, rules
    )


def _recover(state: State, rules: Rules) -> Iterator[Step]:
    """Lane._recover: the same mark is committed again, then told of, then all is at rest."""
    mark = decode_mark(state.mark)
    sender = state.owner._replace(position=Position(state.committed, mark.seen), phase="idle")
    if mark.do is None:
        yield "sender begins", state._replace(owner=sender)
        return
    group = parts.declared(state.messages, sender.position, mark.do, mark.through, rules)
    outcomes = recovered(group)
    told = _told(group, outcomes, len(group.work))
    position = behind(sender.position, group, len(group.work))
    after = sender._replace(position=position, phase="recovered", uncommitted=True)
    yield f"new owner tells of what was declared: {_words(told)}", _tell(state, told)._replace(owner=after)


def _idle(state: State, rules: Rules) -> Iterator[Step]:
    """Lane._step, as far as the declared intent."""
    owner = state.owner
    known = _known(state, owner, rules)
    group = parts.group(state.messages, owner.position, known)
    if group.through < owner.position.next:
        if owner.uncommitted:
            yield from _rest(state, owner)
        return
    if group.do is None:
        position = behind(owner.position, group, 0)
        skipped = owner._replace(position=position, uncommitted=True)
        yield f"sender skips replays to {group.through}", state._replace(owner=skipped)
        return
    mark = owner.position.intent(group)
    declaring = owner._replace(phase="declared", do=str(group.do), through=group.through, uncommitted=True)
    if group.do is Do.RETURN and not rules.return_intent:
        yield f"sender will return to {group.through}", state._replace(owner=declaring)
        return
    declared = state._replace(committed=owner.position.next, mark=encode_mark(mark), owner=declaring)
    yield f"sender declares {group.do} through {group.through}", declared
    # The commit lands, and nobody hears of it.
    if state.left.freezes and state.zombie is None:
        yield f"sender declares {group.do} and FREEZES", _replaced(declared).spend("freezes")


def _rest(state: State, sender: Sender) -> Iterator[Step]:
    mark = encode_mark(sender.position.rest())
    rested = sender._replace(phase="idle", uncommitted=False)
    yield "sender commits what is over", state._replace(committed=sender.position.next, mark=mark, owner=rested)


def _group(state: State, sender: Sender, rules: Rules) -> Group[parts.Item]:
    return parts.declared(state.messages, sender.position, Do(sender.do), sender.through, rules)


def _put(state: State, sender: Sender, who: str) -> State:
    return state._replace(owner=sender) if who == "sender" else state._replace(zombie=sender)


def _work(state: State, sender: Sender, who: str, rules: Rules) -> Iterator[Step]:
    """The deed under a declared intent, then its events. A sleeper's next commit is refused: then it is over."""
    group = _group(state, sender, rules)
    if sender.phase == "declared" and sender.do == Do.CALL and len(sender.outcomes) < len(group.work):
        yield from _call(state, sender, group, who, rules)
        return
    count = over(group, sender.outcomes)
    told = _told(group, sender.outcomes, count)
    after = _tell(state, told)
    words = f"{who} tells {_words(told) or 'nothing'}"
    if who == "sender":
        position = behind(sender.position, group, count)
        idle = sender._replace(phase="idle", position=position, uncommitted=True, do="", through=-1, outcomes=())
        yield words, after._replace(owner=idle)
    else:
        yield f"{words}, and is over", after._replace(zombie=None)


def _call(state: State, sender: Sender, group: Group[parts.Item], who: str, rules: Rules) -> Iterator[Step]:
    """Calls.call: the last look, and what the provider may answer."""
    number = len(sender.outcomes)
    item = group.work[number]
    message = state.messages[item.offset]

    def answered(outcome: Outcome) -> Sender:
        outcomes = (*sender.outcomes, outcome)
        return sender._replace(outcomes=outcomes, phase="called" if len(outcomes) == len(group.work) else "declared")

    found = parts.look(message, item.offset, _known(state, sender, rules))
    if not sender.leased or found.do is not Do.CALL:
        yield f"{who} does not call attempt {message.attempt}", _put(state, answered(parts.AT_THE_DOOR), who)
        return
    if not message.attempt:
        yield f"{who} calls the neighbour", _put(state, answered(parts.ACCEPTED), who)
        return
    _check_call(state, message, rules)
    call = f"{who} CALLS attempt {message.attempt}"
    yield f"{call}: accepted", _accept(_put(state, answered(parts.ACCEPTED), who), message)
    if state.left.retries:
        yield f"{call}: failed, may be tried again", _put(state, answered(parts.RETRYABLE), who).spend("retries")
    if state.left.refusals:
        yield f"{call}: not processed", _put(state, answered(parts.REFUSED), who).spend("refusals")
    if state.left.doubts:
        taken = _accept(_put(state, answered(parts.TAKEN), who), message)
        yield f"{call}: taken, no answer", taken.spend("doubts")
        yield f"{call}: lost, no answer", _put(state, answered(parts.LOST), who).spend("doubts")


def _accept(state: State, message: Message) -> State:
    accepted = (*state.accepted, message.attempt)
    if len(accepted) > 1 + state.excused:
        raise ViolationError(f"DOUBLED: the provider has taken attempts {accepted}")
    return state._replace(accepted=accepted)


def _check_call(state: State, message: Message, rules: Rules) -> None:
    if state.completed and (state.known_for_long or not state.excused):
        raise ViolationError("called after the campaign was completed")
    if state.asleep:
        raise ViolationError("called in quiet hours")
    if not state.known_for_long:
        return
    if state.history[-1] == PAUSED:
        raise ViolationError("called 0.3 s after a pause")
    if message.epoch < state.epoch:
        raise ViolationError("called in an epoch that has been over for 0.3 s")
    if state.read.consents:
        raise ViolationError("called 0.3 s after the router had taken the opt-out")


def _told(group: Group[parts.Item], outcomes: tuple[Outcome, ...] | list[Outcome], count: int) -> list[Told]:
    told = []
    for number, item in enumerate(group.work[:count]):
        assert item.message is not None
        if item.message.send_id == parts.SEND and group.do is not None:
            outcome = outcomes[number] if number < len(outcomes) else None
            told.append(parts.event_from(item.message.attempt, group.do, outcome))
    return told


def _tell(state: State, told: list[Told]) -> State:
    return state._replace(events=(*state.events, *told))


def _words(told: list[Told]) -> str:
    return ", ".join(f"{one.status}/{one.attempt}" for one in told)
