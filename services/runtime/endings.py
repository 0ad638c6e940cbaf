"""A task that was told to end must end.

A library that turns a cancellation into an error of its own (aiokafka does, when it comes at the moment of a time-out)
leaves a task that goes on, and a task group that waits for it for ever: a process that neither works nor ends, and that
nobody restarts. Loops that survive errors ask `raise_if_cancelled`; whatever is left over is found by `watch_endings`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import NoReturn

from services.runtime.clock import boot_seconds
from services.runtime.errors import exit_fatally

LOOK_S = 5.0
PATIENCE_S = 30.0


def raise_if_cancelled() -> None:
    """To be called where a loop goes on after an error: the error may have been its cancellation."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


async def watch_endings(
    patience_s: float = PATIENCE_S, look_s: float = LOOK_S, end: Callable[[str], NoReturn] = exit_fatally
) -> None:
    """Ends the process once a task has outlived its cancellation by `patience_s`."""
    told: dict[asyncio.Task[object], float] = {}
    while True:
        now = boot_seconds()
        ending = {task for task in asyncio.all_tasks() if task.cancelling()}
        told = {task: told.get(task, now) for task in ending}
        for task, since in told.items():
            if now - since > patience_s:
                end(f"a part of this process was told to end and did not within {patience_s:g} s: {task!r}")
        await asyncio.sleep(look_s)
