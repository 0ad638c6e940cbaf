"""`peal demo --chaos`: kill parts in the middle of a campaign, one after the other, and say so."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from deploy.local.stack import Stack
from services.cli.output import out

VICTIMS: Sequence[tuple[float, str]] = (
    (0.10, "sender-email"),
    (0.20, "router"),
    (0.35, "sender-sms"),
    (0.45, "planner"),
    (0.55, "tracker"),
    (0.70, "kafka"),
)
"""The share of the campaign that is settled, and who is killed then."""
UNCERTAIN_DEADLINE_S = 30
"""Instead of 15 minutes: what a kill leaves in doubt is settled by the account's policy before one's eyes."""
PATIENCE_S = 300.0
"""For a part to come back: a broker that was killed on a busy machine has been seen to take two minutes."""
CAMPAIGN_S = 30
"""How long the campaign takes at least: there must be a middle in which to kill."""


def slowed(people: int) -> dict[str, str]:
    """Settings for an installation that is to be disturbed."""
    rate = str(max(1, people // CAMPAIGN_S))
    return {
        "PEAL_UNCERTAIN_DEADLINE_S": str(UNCERTAIN_DEADLINE_S),
        "PEAL_RATE_EMAIL": rate, "PEAL_RATE_SMS": rate, "PEAL_RATE_WHATSAPP": rate,
    }  # fmt: skip


class Mischief:
    def __init__(self, stack: Stack) -> None:
        self.stack, self.left = stack, list(VICTIMS)
        self._returns: list[asyncio.Task[None]] = []

    def look(self, settled: int, planned: int) -> None:
        """Kill whoever's turn has come, at most one a time. Does not wait: the others go on as well as they can."""
        if not planned or not self.left or settled / planned < self.left[0][0]:
            return
        _, name = self.left[0]
        try:
            pid = self.stack.kill(name)
        except (LookupError, ProcessLookupError):
            return  # it is just being started again: next time
        self.left.pop(0)
        out.print(f"[yellow]kill -9 {name}[/] (pid {pid}) at {settled:,} of {planned:,}")
        self._returns.append(asyncio.create_task(self._returned(name, pid, time.monotonic())))

    async def finish(self) -> None:
        """Until all are back. Raises StackError for one that does not come."""
        await asyncio.gather(*self._returns)

    async def _returned(self, name: str, pid: int, killed_at: float) -> None:
        await self.stack.wait_restarted(name, pid, PATIENCE_S)
        out.print(f"{name} works again after {time.monotonic() - killed_at:.1f} s", highlight=False)
