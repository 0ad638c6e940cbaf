"""A budget holds in every order of asking, routing, calling, sweeping and crashing: two sends, too little for both.

The second small model beside `send_model`: `Books`, `fitting` and `again` are the planner's own.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

import pytest

from services.domain.campaigns import Caps
from services.planner.core.budget import Books, fitting
from services.planner.core.sweep import RetryableSend, StepFindings, again

PRICE = 10
MOST_REQUESTS = 2
NOW = datetime(2026, 11, 21, tzinfo=UTC)
MUCH_LATER = datetime(2026, 11, 22, tzinfo=UTC)
OPEN = ("silent", "recalled", "retryable")


class Send(NamedTuple):
    stands: str = "silent"
    """silent, queued, recalled, retryable, uncertain, accepted, failed, over_budget"""
    attempt: int = 0
    cost: int = 0
    """What all its calls may have cost."""


class Request(NamedTuple):
    ord: int
    attempt: int


class Account(NamedTuple):
    """`Books` as a value."""

    spent: int = 0
    queued: int = 0
    asked: int = 0
    asked_next: int | None = None

    def books(self) -> Books:
        one = None if self.asked_next is None else Counter({1: self.asked_next})
        return Books(Counter({1: self.spent}), Counter({1: self.queued}), Counter({1: self.asked}), one)


def account_of(books: Books) -> Account:
    following = None if books.asked_next is None else books.asked_next[1]
    return Account(books.spent[1], books.queued[1], books.asked[1], following)


class Barrier(NamedTuple):
    requests: int
    """That the router still has to pass."""
    unread: frozenset[int] | None = None
    """Sends of which the ledger still has to learn; None: not noted yet."""


class State(NamedTuple):
    sends: tuple[Send, ...] = (Send(), Send())
    ledger: tuple[Send, ...] = (Send(), Send())
    requests: tuple[Request, ...] = ()
    """The router takes the first."""
    wanted: tuple[Request, ...] = (Request(0, 1), Request(1, 1))
    """What the planner has to ask for."""
    account: Account | None = Account()
    """None: the planner has just begun, and does not know."""
    barrier: Barrier | None = None
    late: tuple[Request, ...] = ()
    """Requests on their way from a planner that is no more."""
    crashes: int = 0
    freezes: int = 0
    resends: int = 1


class Rules(NamedTuple):
    cap: int
    barrier: bool = True
    keeps_meanwhile: bool = True
    """What was asked for since a barrier began stays set aside when it ends."""
    allowed: int = 0
    """Above the cap."""
    attempts: int = 2
    """Of a send, at most."""


Step = tuple[str, State]


def with_send(state: State, number: int, stands: str, cost: int = 0) -> tuple[Send, ...]:
    old = state.sends[number]
    made = Send(stands, old.attempt + (stands == "queued"), old.cost + cost)
    return (*state.sends[:number], made, *state.sends[number + 1 :])


def steps(state: State, rules: Rules) -> Iterator[Step]:
    yield from _planner(state, rules)
    yield from _barrier(state, rules)
    yield from _others(state)
    if state.crashes:
        # A page that was begun is emitted again in any case; what a sweep had found is found anew.
        reborn = state._replace(account=None, barrier=None, wanted=(), crashes=state.crashes - 1)
        yield "planner KILLED", reborn


def _planner(state: State, rules: Rules) -> Iterator[Step]:
    if not state.wanted or state.account is None:
        return
    books = state.account.books()
    caps = Caps(rules.cap, {}, ("sms",))
    over, fit = fitting([PRICE], books.left(caps, 1), decide=not books.outstanding)
    request, left = state.wanted[0], state.wanted[1:]
    number = request.ord
    if over:
        yield (
            f"planner: {number} is over budget",
            state._replace(sends=with_send(state, number, "over_budget"), wanted=left),
        )
    elif fit:
        books.ask(1, PRICE)
        asked = state._replace(account=account_of(books), requests=(*state.requests, request), wanted=left)
        yield f"planner asks for {number}", asked
        if state.freezes:
            asleep = state._replace(account=None, barrier=None, wanted=(), freezes=state.freezes - 1)
            yield f"planner asks for {number}, FROZEN: it is on its way", asleep._replace(late=(*state.late, request))


def _barrier(state: State, rules: Rules) -> Iterator[Step]:
    if state.barrier is None:
        books = (state.account or Account()).books()
        books.begin_barrier()
        yield (
            "a barrier begins",
            state._replace(account=account_of(books) if state.account else None, barrier=Barrier(len(state.requests))),
        )
        return
    requests, unread = state.barrier
    if unread is None:
        if not requests or not rules.barrier:
            news = frozenset(n for n, send in enumerate(state.sends) if send != state.ledger[n])
            yield "the other ends are noted", state._replace(barrier=Barrier(0, news))
    elif not unread or not rules.barrier:
        books = (state.account or Account(asked_next=0)).books()
        if not rules.keeps_meanwhile:
            books.asked_next = Counter()
        queued = sum(send.stands == "queued" for send in state.ledger)
        books.end_barrier(Counter({1: sum(send.cost for send in state.ledger)}), Counter({1: queued * PRICE}))
        found, _ = again(findings(state.ledger), MUCH_LATER)
        wanted = state.wanted or tuple(
            Request(send.ord, send.attempt) for send in found if send.attempt <= rules.attempts
        )
        yield (
            f"the barrier ends, found {wanted}",
            state._replace(account=account_of(books), barrier=None, wanted=wanted),
        )


def findings(ledger: tuple[Send, ...]) -> StepFindings:
    def standing(word: str) -> list[tuple[int, int]]:
        return [(number, send.attempt) for number, send in enumerate(ledger) if send.stands == word]

    return StepFindings(
        silent=tuple(number for number, _ in standing("silent")), recalled=tuple(standing("recalled")),
        retryable=tuple(RetryableSend(*one, 1, NOW) for one in standing("retryable")), over_budget=(), open_count=0,
    )  # fmt: skip


def _others(state: State) -> Iterator[Step]:
    for place, request in enumerate(state.late):
        left = (*state.late[:place], *state.late[place + 1 :])
        yield f"the request for {request} arrives", state._replace(requests=(*state.requests, request), late=left)
    if state.requests:
        (number, attempt), left = state.requests[0], state.requests[1:]
        barrier = state.barrier
        if barrier is not None and barrier.requests:
            barrier = barrier._replace(requests=barrier.requests - 1)
        passed = state._replace(requests=left, barrier=barrier)
        yield f"router drops the request for {number}", passed
        if state.sends[number].stands in OPEN and attempt == state.sends[number].attempt + 1:
            yield f"router routes {number}", passed._replace(sends=with_send(state, number, "queued"))
    for number, send in enumerate(state.sends):
        if send != state.ledger[number]:
            ledger = (*state.ledger[:number], send, *state.ledger[number + 1 :])
            barrier = state.barrier
            if barrier is not None and barrier.unread:
                barrier = barrier._replace(unread=barrier.unread - {number})
            yield f"the ledger learns of {number}: {send.stands}", state._replace(ledger=ledger, barrier=barrier)
        if send.stands == "queued":
            for word, cost in (
                ("accepted", PRICE),
                ("uncertain", PRICE),
                ("failed", 0),
                ("recalled", 0),
            ):
                yield f"{number} is {word}", state._replace(sends=with_send(state, number, word, cost))
        if send.stands == "uncertain" and state.resends:
            resent = with_send(state, number, "retryable")
            yield f"{number} is to be resent", state._replace(sends=resent, resends=state.resends - 1)


def search(rules: Rules, first: State) -> tuple[int, list[str]]:
    """How many states there are, and the shortest way to spending more than the cap; empty where there is none."""
    before: dict[State, tuple[State, str] | None] = {first: None}
    queue = deque([first])
    while queue:
        state = queue.popleft()
        if sum(send.cost for send in state.sends) > rules.cap + rules.allowed:
            way = []
            while (step := before[state]) is not None:
                state, words = step
                way.append(words)
            return len(before), way[::-1]
        for words, after in steps(state, rules):
            if after not in before and len(after.requests) <= MOST_REQUESTS:
                before[after] = (state, words)
                queue.append(after)
    return len(before), []


def test_no_order_of_things_spends_more_than_the_cap() -> None:
    """Reserve, cost, release, doubt, resend, a lagging ledger, and a planner that forgets everything."""
    states, way = search(Rules(PRICE), State(crashes=1))
    assert not way, way
    assert states > 1_000


def test_a_planner_that_wakes_up_overruns_the_cap_by_no_more_than_it_was_writing() -> None:
    """What a frozen process had handed to its socket arrives when it wakes, behind the barrier of its successor. It is
    no page that the successor knows of, so it can come on top; nothing else can."""
    _, way = search(Rules(PRICE, allowed=PRICE, attempts=1), State(freezes=1, resends=0))
    assert not way, way
    _, way = search(Rules(PRICE), State(freezes=1, resends=0))
    assert any("FROZEN" in step for step in way)


@pytest.mark.parametrize(
    "rules", [Rules(PRICE, barrier=False), Rules(PRICE, keeps_meanwhile=False)], ids=["no barrier", "forgets meanwhile"]
)
def test_without_its_rule_the_cap_is_broken(rules: Rules) -> None:
    """The model can fail."""
    assert search(rules, State())[1]
