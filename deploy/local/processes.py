"""Ties the life of a process to its parent's, so that a killed parent leaves nothing behind."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time

PR_SET_PDEATHSIG = 1
"""From Linux's <sys/prctl.h>. The signal comes when the thread dies that made this process; it survives exec."""
POLL_SECONDS = 0.5


def die_with_parent(parent: int, number: int = signal.SIGTERM) -> None:
    """Have `number` sent to this process when its parent, of pid `parent`, dies; at once if it has died already.

    Linux does it by itself; elsewhere a thread watches, which does not outlive an exec.
    """
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG) failed")
    else:
        threading.Thread(target=_watch, args=(parent, number), daemon=True).start()
    if os.getppid() != parent:
        os.kill(os.getpid(), number)


def _watch(parent: int, number: int) -> None:
    while os.getppid() == parent:
        time.sleep(POLL_SECONDS)
    os.kill(os.getpid(), number)
