"""The account's rate, kept in every window at departure, however many senders share it."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable
from typing import Final, NamedTuple

MARGIN_S: Final = 0.03
"""For the jitter of the way to the provider."""
EAGERNESS: Final = 0.9
"""Of the even distance between messages: a little faster than the rate, or each late wake-up would cost some of it."""
HEAD_START: Final = 0.1
"""Of a window. A message may leave so much before its turn: what was late is caught up with."""


class Rate(NamedTuple):
    """At most `messages` in any `window` of seconds."""

    messages: float
    window: float


def rate_of(per_second: float) -> Rate:
    """Whole messages a second; below one a second, one in as many seconds as it takes."""
    if per_second == math.inf or per_second < 1:
        return Rate(math.inf, 1.0) if per_second == math.inf else Rate(1, 1 / per_second)
    return Rate(math.floor(per_second), 1.0)


def quota(limit: float, own: Iterable[int], partitions: int) -> float:
    """How many of an account's messages a window the owner of partitions `own` of `partitions` may send.

    Each partition gets a whole number, all of them together the whole limit: a fraction could not be kept in every
    window.
    """
    if limit == math.inf:
        return limit
    return sum(int(limit * (p + 1) // partitions - limit * p // partitions) for p in own)


class Limiter:
    """Never more than `limit` messages leave in any window. A hold is a promise: it counts until used or released.

    They leave evenly, not all at a window's beginning: a delay on the way, or at the provider, would push the end of
    one burst and the beginning of the next into one of the provider's windows (GCRA within a sliding window).
    """

    def __init__(self, limit: float, now: float, window: float = 1.0 + MARGIN_S) -> None:
        self.limit, self.window, self.held = limit, window, 0
        self.distance = window / limit * EAGERNESS if limit > 0 else 0.0
        self.turn = now
        """When the next would leave, were all evenly apart."""
        self.count: float = 0
        self.used: deque[tuple[float, float]] = deque()
        self.spend(now)

    def spend(self, now: float) -> None:
        """Count the whole window as used now: after an assignment, and after a suspension."""
        self.count = self.limit if self.limit < math.inf else 0
        self.used = deque([(now, self.count)])

    def delay(self, since: float, now: float) -> None:
        """What was used at `since` or later may be leaving only now: count it as used now."""
        late: float = 0
        while self.used and self.used[-1][0] >= since:
            late += self.used.pop()[1]
        if late:
            self.used.append((now, late))

    def hold(self, n: int, now: float) -> float:
        """0.0: n are promised. Else: the seconds after which to ask again."""
        while self.used and self.used[0][0] <= now - self.window:
            self.count -= self.used.popleft()[1]
        if self.count + self.held + n > self.limit:
            return max(self.used[0][0] + self.window - now, 0.001) if self.used else 0.005
        if (early := self.turn - self.window * HEAD_START - now) > 0:
            return early
        self.held += n
        self.turn = max(self.turn, now) + n * self.distance
        return 0.0

    def use(self, n: int, now: float) -> None:
        """n held ones leave now."""
        self.held, self.count = self.held - n, self.count + n
        self.used.append((now, n))

    def release(self, n: int) -> None:
        """n held ones do not leave."""
        self.held -= n
        self.turn -= n * self.distance
