"""When the next messages of an account may leave: its rate, and what the provider asked us to wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from services.runtime.clock import boot_seconds
from services.senders.core.limiter import MARGIN_S, Limiter, Rate, quota

STALL_S = 0.05
"""A loop that stood still for longer may have calls in it that were stamped before and leave only now."""
STAMPED_S = 0.1
"""Before a stall; a call that was stamped earlier has left, for its bytes follow in the loop's next round."""
SUSPENSION_S = 1.0
"""Not a busy loop any more: process or machine were stopped."""
TICK_S = 0.02
LONGEST_NAP_S = 0.1


class Pace:
    """Of all lanes of one account in one process."""

    def __init__(self, rate: Rate) -> None:
        self.rate = rate
        self.limiter = Limiter(0, boot_seconds())
        self.closed_until = 0.0
        """Boot seconds. A 429 closes the account for all lanes."""
        self.awake_at = boot_seconds()
        self._turn = asyncio.Lock()

    def assign(self, own: list[int], partitions: int) -> float:
        """Begin with an empty bucket. Returns how many messages a window these partitions give."""
        share = quota(self.rate.messages, own, partitions)
        self.limiter = Limiter(share, boot_seconds(), self.rate.window + MARGIN_S)
        return share

    async def watch(self) -> None:
        """Notices suspensions. Run it as long as anything is sent."""
        while True:
            self._notice()
            await asyncio.sleep(TICK_S)

    def _notice(self) -> float:
        now = boot_seconds()
        if now - self.awake_at > SUSPENSION_S:
            self.limiter.spend(now)
        elif now - self.awake_at > STALL_S:
            self.limiter.delay(self.awake_at - STAMPED_S, now)
        self.awake_at = now
        return now

    def try_hold(self, n: int) -> bool:
        return not self._turn.locked() and not self.limiter.hold(n, self._notice())

    async def hold(self, n: int, still: Callable[[], bool]) -> bool:
        """Wait until n may leave; first come, first served, over all lanes. False: no longer wanted."""
        async with self._turn:
            while wait := self.limiter.hold(n, self._notice()):
                if not still():
                    return False
                await asyncio.sleep(min(wait, LONGEST_NAP_S))
            return True

    def use(self, n: int) -> None:
        """n leave now, not when they were held: or a delay would bunch calls."""
        self.limiter.use(n, boot_seconds())

    def release(self, n: int) -> None:
        self.limiter.release(n)

    def close_for(self, seconds: float) -> None:
        self.closed_until = max(self.closed_until, boot_seconds() + seconds)

    @property
    def closed(self) -> bool:
        return boot_seconds() < self.closed_until
