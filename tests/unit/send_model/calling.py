"""The senders' decisions: who may leave, in which groups, and what is told of them."""

from __future__ import annotations

from datetime import time, timedelta
from functools import cache, lru_cache
from typing import NamedTuple

from schemas import CampaignStatus
from send_model.state import Message, Rules, Told, epoch_of
from send_model.values import NOW, STATUS_OF, message_of, price, told_of
from services.domain.marks import Do
from services.domain.messages import SendMessage
from services.domain.schedule import Quiet
from services.senders.core.doorstep import Knowledge, Standing, Verdict, verdict
from services.senders.core.groups import Group, Sizes, take
from services.senders.core.outcomes import Accepted, Outcome, Refused, Retryable, Uncertain, event_of
from services.senders.core.progress import Position, priced

QUIET = Quiet(time(NOW.hour), time(NOW.hour + 1))
STALE = NOW + timedelta(seconds=61)
SIZES = Sizes(2, 2)


class Item(NamedTuple):
    """What `take` takes groups from."""

    offset: int
    message: SendMessage | None
    batch_key: None = None


class Known(NamedTuple):
    """What a sender goes by."""

    history: str
    recalled: frozenset[int]
    fresh: bool
    stale_below: int
    dear: bool
    asleep: bool
    rules: Rules


@cache
def look(message: Message, offset: int, known: Known) -> Verdict:
    """The doorstep."""
    status = CampaignStatus(STATUS_OF[known.history[-1]])
    epoch = epoch_of(known.history) if known.rules.epoch_at_the_doorstep else message.epoch
    now = STALE if offset < known.stale_below else NOW
    knowledge = Knowledge(now, 0.1 if known.fresh else 0.4, 0.3, 60.0)
    quiet = QUIET if known.asleep and known.rules.clock_at_the_doorstep else None
    return verdict(message_of(message), Standing(epoch, status, quiet), message.attempt in known.recalled, knowledge)


@lru_cache(200_000)
def group(messages: tuple[Message, ...], position: Position, known: Known) -> Group[Item]:
    def judge_one(item: Item) -> Do:
        found = look(messages[item.offset], item.offset, known)
        return priced(found, price(known.dear), item.message.reserved_micros).do if item.message else found.do

    return take(_items(messages, position.next), position.next, _seen(position, known.rules), SIZES, judge_one)


@lru_cache(200_000)
def declared(messages: tuple[Message, ...], position: Position, do: Do, through: int, rules: Rules) -> Group[Item]:
    """The group of a declared intent: what was taken for it, and what a new owner finds."""
    items = [item for item in _items(messages, position.next) if item.offset <= through]
    return take(items, position.next, _seen(position, rules), Sizes(len(items), len(items)), lambda _: do)


def _items(messages: tuple[Message, ...], first: int) -> list[Item]:
    return [Item(offset, message_of(messages[offset])) for offset in range(first, len(messages))]


def _seen(position: Position, rules: Rules) -> int:
    return position.seen if rules.high_water else -1


TAKEN, LOST = Uncertain("timeout", "taken"), Uncertain("timeout", "not taken")
ACCEPTED, RETRYABLE, REFUSED = Accepted("sm1"), Retryable("provider_error"), Refused(1.0)
AT_THE_DOOR = Refused(0)


@cache
def event_from(attempt: int, do: Do, outcome: Outcome) -> Told:
    return told_of(
        event_of(
            message_of(Message(attempt, 1, 0)),
            do,
            outcome,
            reason="",
            cost_micros=price(False),
            free_failure=True,
            provider="twilio",
            now=NOW,
        )
    )
