"""A world is sent to in every way that is compared. People are independent of each other, so they are shared out."""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from services.domain.eligibility import Record, decode_record, encode_record
from simulation.accounts import Accounts
from simulation.blind import Tools
from simulation.books import Page
from simulation.figures import Tally
from simulation.hub import Hub
from simulation.network import Network
from simulation.people import Person, person
from simulation.plans import CHANNELS, Plan
from simulation.society import Society

BLIND: Final = "blind"
"""One message a person, by one tool."""
ALL_AT_ONCE: Final = "all_blind"
PEAL: Final = "peal"
REMINDER: Final = "peal_reminder"
FORGETFUL: Final = "peal_without_memory"
"""Peal's fallback, had it learnt nothing from an earlier campaign."""
OURS: Final = (PEAL, REMINDER, FORGETFUL)
SHARE: Final = 500
"""People whom a process takes at a time."""


@dataclass
class Outcome:
    ways: dict[str, Tally] = field(default_factory=dict)
    within_reach: int = 0
    """People who have an address that works on a channel that they allow: more than that nobody can reach lawfully."""

    def tally(self, way: str) -> Tally:
        return self.ways.setdefault(way, Tally())

    def __iadd__(self, other: Outcome) -> Outcome:
        for way, tally in other.ways.items():
            mine = self.tally(way)
            mine += tally
        self.within_reach += other.within_reach
        return self


class Share(NamedTuple):
    """People `first` to before `end`, for one process."""

    society: Society
    channels: tuple[str, ...]
    short: bool
    first: int
    end: int


def alone(channel: str) -> str:
    return f"{channel}_alone"


class Comparison:
    """All ways in one world, over some channels; `short`: without the reminder, and without the one that forgets."""

    def __init__(self, society: Society, channels: tuple[str, ...] = CHANNELS, short: bool = False) -> None:
        self.channels, self.short = channels, short
        self.summer = Plan("summer", channels, "not_delivered", earlier=True)
        self.fallback = Plan("autumn", channels, "not_delivered")
        self.reminder = Plan("autumn", channels, "not_engaged")
        records = {plan.campaign_id: plan.record for plan in (self.summer, self.fallback)}
        self.network, accounts = Network(society), Accounts(society)
        self.tools = Tools(self.network, accounts, records.get)
        self.hub = Hub(self.network, accounts, records.get)

    def send(self, outcome: Outcome, one: Person) -> None:
        """To one person, in every way."""
        self._blindly(outcome, one)
        before = self.hub.record(one, self.summer.starts)
        taught = _copy(before)
        self.hub.send(one, self.summer, taught)
        ways = [(PEAL, self.fallback, _copy(taught))]
        if not self.short:
            ways += [(REMINDER, self.reminder, taught), (FORGETFUL, self.fallback, before)]
        for way, plan, record in ways:
            page = self.hub.send(one, plan, record)
            outcome.tally(way).add(one, [page], self._planned(plan, one))
        outcome.within_reach += any(
            one.address(channel) and one.allows(channel) and not self.network.dead(one, channel, False)
            for channel in self.channels
        )

    def _blindly(self, outcome: Outcome, one: Person) -> None:
        pages, plan = list[Page](), self.fallback
        for number, channel in enumerate(self.channels, start=1):
            pages.append(self.tools.send(one, plan, number))
            outcome.tally(alone(channel)).add(one, pages[-1:], list(pages[-1].standing))
        on_lists = [page for page in pages if page.calls]
        chosen = [on_lists[int(one.lot * len(on_lists))]] if on_lists else []
        outcome.tally(BLIND).add(one, chosen, [send_id for page in chosen for send_id in page.standing])
        outcome.tally(ALL_AT_ONCE).add(one, pages, [send_id for page in pages for send_id in page.standing])

    def _planned(self, plan: Plan, one: Person) -> list[str]:
        return [f"{plan.campaign_id}/{number}/{one.contact}" for number in range(1, len(self.channels) + 1)]


def run(
    society: Society,
    people: int,
    channels: tuple[str, ...] = CHANNELS,
    workers: int = 1,
    short: bool = False,
    done: Callable[[int], None] = lambda _: None,
) -> Outcome:
    """The same result for the same world, however many processes share the work. `done`: is told how many people more
    have been sent to."""
    outcome = Outcome()
    shares = [Share(society, channels, short, first, min(first + SHARE, people)) for first in range(0, people, SHARE)]
    for share, part in zip(shares, _spread(shares, workers), strict=True):
        outcome += part
        done(share.end - share.first)
    return outcome


def _spread(shares: list[Share], workers: int) -> Iterable[Outcome]:
    if workers == 1:
        yield from map(_run_share, shares)
        return
    with ProcessPoolExecutor(workers) as pool:
        yield from pool.map(_run_share, shares)


def _run_share(share: Share) -> Outcome:
    comparison, outcome = Comparison(share.society, share.channels, share.short), Outcome()
    gc.freeze()  # what the libraries hold is not looked through again and again
    for number in range(share.first, share.end):
        comparison.send(outcome, person(share.society, number))
    return outcome


def _copy(record: Record) -> Record:
    return decode_record(encode_record(record))
