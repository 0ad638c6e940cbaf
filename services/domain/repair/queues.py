"""Where a sender may go on in a partition whose place was lost, and what becomes of the messages that are gone.

Nobody may be messaged twice by it: what may have been called before is never called again, it is *uncertain*. Nobody
may be lost by it: what is gone and certainly was not called goes back, and is routed anew.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from services.domain.marks import Do, Mark, decode_mark
from services.domain.messages import DeliveryEvent, event_id
from services.domain.repair.places import Place, Trouble, trouble_of

SOURCE = "repair"
REASON = "repair"
GONE = "its message was no longer on the topic when the sender could go on"


_PLACELESS = (Trouble.MISSING, Trouble.FOREIGN)


class OpenSend(NamedTuple):
    """A send that stands at `queued`: for all that the ledger knows, nobody has dealt with its message."""

    offset: int
    """Of its message, as the ledger has it."""
    send_id: str
    attempt: int
    recipient: str
    ord: int
    channel: str
    account: str


class Held(NamedTuple):
    """A message that is on the topic."""

    offset: int
    request_offset: int
    send_id: str
    attempt: int


class QueuePlan(NamedTuple):
    start: int
    """The offset to commit."""
    mark: Mark
    """To commit with it. An intent to call makes the sender's own recovery call those messages uncertain."""
    returned: list[OpenSend]
    """Gone, and certainly not called."""
    doubted: list[OpenSend]
    """Gone, and perhaps called."""


class Limits(NamedTuple):
    group_most: int
    """Messages that the account's sender puts under one intent at most."""
    requests_committed: int
    """How far the router has come in this partition of send-requested: all below is routed."""
    requests_end: int
    """Where this partition of send-requested ends."""


def largest_group(rate_per_s: float) -> int:
    """Messages under one intent: at most one call of a second's rate, and no call carries more than a thousand."""
    return int(min(1000.0, max(1.0, rate_per_s)))


def queue_trouble(place: Place, requests_end: int = sys.maxsize) -> Trouble | None:
    """As `trouble_of`, and what only a sender's commit can have. `requests_end`: see `Limits`; as it is: not known."""
    if trouble := trouble_of(place):
        return trouble
    mark = _mark_of(place)
    if mark is None:
        return Trouble.FOREIGN
    return Trouble.REPEATS if mark.seen >= requests_end else None


def first_to_read(place: Place, trouble: Trouble, waiting: Sequence[OpenSend]) -> int:
    """From where on the topic must be looked through before `plan`."""
    if trouble in _PLACELESS:
        return min((send.offset for send in waiting if send.offset >= place.low), default=place.high)
    return place.committed if trouble is Trouble.REPEATS else place.low


def plan(
    place: Place, trouble: Trouble, waiting: Sequence[OpenSend], held: Sequence[Held], limits: Limits
) -> QueuePlan:
    """`waiting`: all open sends of the partition. `held`: what the topic holds from `first_to_read` on."""
    on_topic = {(message.send_id, message.attempt) for message in held}
    gone = sorted(send for send in waiting if (send.send_id, send.attempt) not in on_topic)
    mark = _mark_of(place)
    if mark is None or trouble in _PLACELESS:
        return _from_the_ledger(place, waiting, held, gone, limits)
    seen = -1 if mark.seen >= limits.requests_end else mark.seen
    if trouble is Trouble.REPEATS:
        return QueuePlan(place.committed, Mark(seen, mark.do, mark.through), [], [])
    same_log = trouble is Trouble.OUTRUN  # else its offsets were those of another log
    left = Mark(seen, mark.do, mark.through) if same_log and mark.through >= place.low else Mark(seen)
    called = mark.through if mark.do is Do.CALL else place.committed - 1
    doubted = [send for send in gone if send.offset <= called]  # below the commit it is over, and nobody was told how
    return QueuePlan(place.low, left, [send for send in gone if send.offset > called], doubted)


def _from_the_ledger(
    place: Place, waiting: Sequence[OpenSend], held: Sequence[Held], gone: list[OpenSend], limits: Limits
) -> QueuePlan:
    """Nothing tells whether an intent was standing. One group may have been under way, and it was the oldest."""
    known = {(send.send_id, send.attempt) for send in waiting}
    left = [message for message in held if (message.send_id, message.attempt) in known]
    doubted, returned = gone[: limits.group_most], gone[limits.group_most :]
    suspects = left[: limits.group_most - len(doubted)]
    if not left:
        return QueuePlan(place.high, Mark(limits.requests_committed - 1), returned, doubted)
    seen = min(message.request_offset for message in left) - 1
    mark = Mark(seen, Do.CALL, suspects[-1].offset) if suspects else Mark(seen)
    return QueuePlan(left[0].offset, mark, returned, doubted)


def _mark_of(place: Place) -> Mark | None:
    """None: the offset was committed by another program, and says nothing."""
    try:
        return decode_mark(place.metadata)
    except msgspec.MsgspecError:
        return None


def event_of(send: OpenSend, status: str, now: datetime) -> DeliveryEvent:
    """`recalled`: it is routed anew. `uncertain`: it may have gone out."""
    campaign_id, step, _ = send.send_id.split("/", 2)
    return DeliveryEvent(
        event_id=event_id(send.send_id, send.attempt, status, SOURCE), send_id=send.send_id, campaign_id=campaign_id,
        step=int(step), recipient=send.recipient, ord=send.ord, attempt=send.attempt, channel=send.channel,
        account=send.account, status=status, reason=REASON, detail=GONE, occurred_at=now, source=SOURCE,
    )  # fmt: skip
