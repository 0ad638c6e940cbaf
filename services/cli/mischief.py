"""`peal demo --chaos`: kill parts in the middle of a campaign, one after the other, and say so."""

from __future__ import annotations

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


class Mischief:
    def __init__(self, stack: Stack) -> None:
        self.stack, self.left = stack, list(VICTIMS)

    async def look(self, settled: int, planned: int) -> None:
        """Kill whoever's turn has come, and wait until the supervisor has started it again."""
        if not planned or not self.left or settled / planned < self.left[0][0]:
            return
        _, name = self.left.pop(0)
        began = time.monotonic()
        pid = self.stack.kill(name)
        await self.stack.wait_restarted(name, pid)
        out.print(
            f"[yellow]kill -9 {name}[/] (pid {pid}) at {settled:,} of {planned:,}; "
            f"started again after {time.monotonic() - began:.1f} s"
        )
