"""A hard cap on money: what is spent, what may still be spent by messages under way, and what is left (rule 22).

All amounts are whole millionths of the campaign's currency. Nothing here is exact to the moment, but every error is on
the safe side: a message counts in full from before it is asked for until ClickHouse knows that it cost less.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from services.domain.campaigns import Caps


@dataclass(frozen=True)
class PageMoney:
    """Reserves of a page's requests: their sum, and the highest of them."""

    reserved: int = 0
    highest: int = 0


@dataclass
class Books:
    """Money of one campaign, by step, as the last barrier saw it, and what was asked for since it began.

    Behind a barrier every earlier request is either in ClickHouse (queued, or with its cost) or was never routed.
    """

    spent: Counter[int] = field(default_factory=Counter)
    """Costs that ClickHouse knows, those of uncertain sends included."""
    queued: Counter[int] = field(default_factory=Counter)
    """Reserves of sends that are routed and not yet at their end."""
    asked: Counter[int] = field(default_factory=Counter)
    """Reserves of requests emitted since the last barrier began."""
    asked_next: Counter[int] | None = None
    """The same for the barrier that is under way."""

    def ask(self, step: int, micros: int) -> None:
        """To be called before the requests are emitted."""
        self.asked[step] += micros
        if self.asked_next is not None:
            self.asked_next[step] += micros

    def begin_barrier(self) -> None:
        self.asked_next = Counter()

    def end_barrier(self, spent: Counter[int], queued: Counter[int]) -> None:
        self.spent, self.queued = spent, queued
        self.asked, self.asked_next = self.asked_next or Counter(), None

    def reserved(self, step: int) -> int:
        return self.queued[step] + self.asked[step]

    @property
    def outstanding(self) -> bool:
        """Whether anything may still turn out to cost less than is set aside for it."""
        return any(self.queued.values()) or any(self.asked.values())

    def left(self, caps: Caps, step: int) -> int:
        """What may still be set aside for this step; negative where a cap was lowered below what is spent."""
        used: Counter[str] = Counter()
        for number, channel in enumerate(caps.channels, start=1):
            used[channel] += self.spent[number] + self.reserved(number)
        channel = caps.channels[step - 1]
        left = caps.total - sum(used.values())
        return min(left, caps.by_channel[channel] - used[channel]) if channel in caps.by_channel else left


def fitting(reserves: Sequence[int], left: int, *, decide: bool) -> tuple[int, int]:
    """Of the next messages, with what each may cost: how many leading ones are over budget, how many then fit.

    `decide`: nothing is outstanding that could leave more, so what does not fit now never will.
    """
    over = 0
    while decide and over < len(reserves) and reserves[over] > left:
        over += 1
    fit = 0
    while over + fit < len(reserves) and reserves[over + fit] <= left:
        left -= reserves[over + fit]
        fit += 1
    return over, fit
