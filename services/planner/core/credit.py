"""How much may be asked for now: what each account can send in the next seconds, shared by priority and in turn."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta

AccountRef = tuple[str, str]
"""Channel and account."""
StepRef = tuple[str, int]
"""Campaign and step."""
LEAST_PER_PARTITION = 10
MOST_CREDIT = 200_000
"""Messages: keeps a very fast account's topic, and with it a pause, within bounds."""


def account_credit(rate_per_s: float, partitions: int, horizon_s: float) -> int:
    """Messages that may be outstanding for an account: `horizon_s` of its rate, at least 10 a partition."""
    return int(min(max(rate_per_s * horizon_s, LEAST_PER_PARTITION * partitions), MOST_CREDIT))


def time_ahead(rate_per_s: float, partitions: int, horizon_s: float) -> timedelta:
    """How long the last message may wait that an account's credit lets be asked for."""
    return timedelta(seconds=account_credit(rate_per_s, partitions, horizon_s) / rate_per_s)


@dataclass(frozen=True)
class Want:
    """A step that has something to expand."""

    step: StepRef
    account: AccountRef
    priority: int
    count: int


@dataclass
class Outstanding:
    """Requests that the router has not passed yet, by account, with the ends of send-requested after each page."""

    pages: deque[tuple[AccountRef, int, dict[int, int]]] = field(default_factory=deque)

    def emitted(self, account: AccountRef, count: int, ends: dict[int, int]) -> None:
        """`ends`: partition -> offset behind the page's last record."""
        self.pages.append((account, count, ends))

    def passed(self, committed: Mapping[int, int]) -> None:
        """The router has committed these offsets of send-requested."""
        while self.pages and all(committed.get(p, 0) >= end for p, end in self.pages[0][2].items()):
            self.pages.popleft()

    def by_account(self) -> dict[AccountRef, int]:
        counts: dict[AccountRef, int] = defaultdict(int)
        for account, count, _ in self.pages:
            counts[account] += count
        return counts


def share(wants: Sequence[Want], credit: Mapping[AccountRef, int], page: int, turn: int) -> list[tuple[StepRef, int]]:
    """Pages to expand now, highest priority first, campaigns of one priority in turn. `turn` rises with each call.

    Never more than an account's credit, `page` a step, or what the step still wants.
    """
    left = dict(credit)
    grants = []
    for priority in sorted({want.priority for want in wants}, reverse=True):
        equals = [want for want in wants if want.priority == priority]
        start = turn % len(equals)
        for want in equals[start:] + equals[:start]:
            count = min(want.count, page, left.get(want.account, 0))
            if count > 0:
                left[want.account] -= count
                grants.append((want.step, count))
    return grants
