"""All that lasts or is under way, as one value that can be a key."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from services.planner.core.sweep import Again
from services.senders.core.outcomes import Outcome
from services.senders.core.progress import Position

ACTIVE, PAUSED, COMPLETED = "a", "p", "c"


class Scenario(NamedTuple):
    """How often what is not of the system's own making may happen in one life."""

    crashes: int = 0
    """kill -9 at any point of one of `mortal`."""
    mortal: tuple[str, ...] = ("planner", "router", "sender")
    freezes: int = 0
    """A process stops for longer than its session, is replaced, and wakes up."""
    rewrites: int = 0
    """Something that was written before is written again, much later: a producer's retry, a zombie."""
    steers: int = 0
    """Pauses and edits; a resume is always possible."""
    opt_outs: int = 0
    doubts: int = 0
    """Calls that nobody answers, taken or not."""
    retries: int = 0
    """Calls that the provider failed, and that may be tried again later."""
    refusals: int = 0
    """Calls that were not processed: 429, connection refused."""
    delays: int = 0
    """What is on its way lies there for over a minute."""
    dearer: int = 0
    """The price of a message rises above its reserve, and falls again."""
    callbacks: int = 0
    neighbours: int = 0
    """Messages to somebody else right behind this one."""
    nights: int = 0
    """Quiet hours that begin; they always end."""
    policy: str = "assume_sent"


class Rules(NamedTuple):
    """Of section 5 of the design; each can be left out, to see what it is for."""

    high_water: bool = True
    return_intent: bool = True
    recalled_outranks_uncertain: bool = True
    epoch_at_the_doorstep: bool = True
    lease: bool = True
    state_before_output: bool = True
    barrier: bool = True
    ends_in_order: bool = True
    """Of the barrier: first the router's way through the requests, then the other ends."""
    opt_outs_first: bool = True
    clock_at_the_doorstep: bool = True


RULES = Rules()


class Request(NamedTuple):
    attempt: int
    epoch: int
    dear: bool = False
    """What is reserved: the higher of two prices."""


class Message(NamedTuple):
    """On the send topic. Attempt 0: the neighbour's."""

    attempt: int
    epoch: int
    request_offset: int
    dear: bool = False


class Told(NamedTuple):
    """On delivery-events."""

    attempt: int
    status: str
    reason: str
    source: str


class Recalled(NamedTuple):
    """On send-recalls."""

    attempt: int


Output = Message | Told | Recalled


class Read(NamedTuple):
    """How far a group has come, in records."""

    requests: int = 0
    consents: int = 0
    events: int = 0


class Round(NamedTuple):
    """Of the router: its state is in the changelog. What is still to be written, and then to be committed."""

    outputs: tuple[Output, ...]
    read: Read
    record: bytes | None = None
    """Where the rule "state before output" is left out: the state that is to be written last."""


class Prepared(NamedTuple):
    """A request of the planner that is not written yet. `again`: what the sweep found; None: the page."""

    request: Request
    again: Again | None


class Sweep(NamedTuple):
    """A barrier under way: the ends to wait for."""

    epoch: int
    at_end: bool
    requests: int
    events: int = -1
    messages: int = -1


class Sender(NamedTuple):
    """A process with its assignment."""

    phase: str = "recover"
    """recover, recovered, idle, declared, called"""
    position: Position = Position()
    uncommitted: bool = False
    do: str = ""
    through: int = -1
    outcomes: tuple[Outcome, ...] = ()
    version: int = 0
    """What it knows: how much of the campaign's history, how many recalls; whether all there was 0.3 s ago."""
    recalls: int = 0
    fresh: bool = True
    leased: bool = True


def epoch_of(history: str) -> int:
    return len(history) - history.count(COMPLETED)


class State(msgspec.Struct, frozen=True, cache_hash=True, gc=False):
    left: Scenario
    history: str = ACTIVE
    """The campaign's statuses: each begins an epoch, the first being 1, but for completion, which ends it."""
    known_for_long: bool = True
    """0.3 s have passed since the last change of the campaign, recall or opt-out that the router has taken."""
    dear: bool = False
    asleep: bool = False
    """Quiet hours."""
    stale_below: int = 0
    """Messages below this offset have lain there for over a minute."""
    # topics
    requests: tuple[Request, ...] = ()
    consents: int = 0
    messages: tuple[Message, ...] = ()
    events: tuple[Told, ...] = ()
    recalls: tuple[Recalled, ...] = ()
    late: tuple[Output | Request, ...] = ()
    """Under way from a process that is no more."""
    # planner
    page_done: bool = False
    prepared: Prepared | None = None
    pending: Again | None = None
    sweep: Sweep | None = None
    # router
    record: bytes = b""
    read: Read = Read()
    gate: Read | None = None
    opted_out_in_hand: bool = False
    """The opt-out was on its topic when the router had the request in hand."""
    round: Round | None = None
    router_version: int = 1
    # tracker
    ingested_events: int = 0
    ingested_messages: int = 0
    # sender
    committed: int = 0
    mark: str = ""
    owner: Sender = Sender(version=1)
    zombie: Sender | None = None
    # what really happened
    accepted: tuple[int, ...] = ()
    """Attempts that the provider took."""
    excused: int = 0
    """Of these, the ones after which an operator's policy asked for another."""
    may_ask_twice: bool = False
    """The planner has forgotten something, or something it wrote came again."""

    @property
    def epoch(self) -> int:
        return epoch_of(self.history)

    @property
    def completed(self) -> bool:
        return self.history[-1] == COMPLETED

    @property
    def active(self) -> bool:
        return self.history[-1] == ACTIVE

    def _replace(self, **changes: object) -> State:
        """As a NamedTuple's, three times as fast."""
        return msgspec.structs.replace(self, **changes)

    def may_kill(self, part: str) -> bool:
        return self.left.crashes > 0 and part in self.left.mortal

    def spend(self, kind: str, **changes: object) -> State:
        """One of what was left is used up."""
        left = self.left._replace(**{kind: getattr(self.left, kind) - 1})
        return self._replace(left=left, **changes)


Step = tuple[str, State]
"""What happens, in words; and what is then."""


class ViolationError(Exception):
    """A step that must not be possible."""
