"""Named places between two steps where a test may kill or freeze this very process. Off unless a folder is set.

A test arms a place by a file `<folder>/<service>/<place>` that holds the name of a signal, such as SIGKILL. The first
process of that service that comes by takes the file away and sends itself the signal; so each file strikes once, and
what the supervisor starts afterwards goes on undisturbed.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Final

PLACES: Final = frozenset(
    {
        "planner.command-decided",
        "planner.audience-frozen",
        "planner.page-reserved",
        "planner.page-emitted",
        "planner.sweep-found",
        "planner.completing",
        "router.round-judged",
        "router.states-acked",
        "router.outputs-acked",
        "sender.intent-committed",
        "sender.calls-made",
        "sender.events-acked",
        "sender.recovery-committed",
        "sender.recovery-told",
        "tracker.batch-collected",
        "tracker.batch-inserted",
        "tracker.batch-put",
        "tracker.callback-parsed",
        "tracker.callback-published",
        "tracker.erasure-noted",
        "tracker.erasure-marked",
        "tracker.erasure-ready",
        "tracker.erasure-rewritten",
        "tracker.erasure-deleted",
        "tracker.erasure-told",
    }
)
"""`<kind of service>.<what has just been done>`. A sender is a service a channel: `sender-email` and so on."""

_folder: Path | None = None


def set_fail_points(folder: Path | None, service: str) -> None:
    """Called once, as the process starts."""
    global _folder
    _folder = folder / service if folder else None


def fail_point(place: str) -> None:
    """Nothing, unless a test has armed `place`."""
    if _folder is not None:
        _strike(_folder / place)


def _strike(file: Path) -> None:
    try:
        name = file.read_text().strip()
        file.unlink()
    except FileNotFoundError:
        return  # not armed, or another process was first
    os.kill(os.getpid(), signal.Signals[name])
