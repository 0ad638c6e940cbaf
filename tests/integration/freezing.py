"""Processes that stand still for a while."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

PATIENCE_S = 30


@contextmanager
def frozen(*processes: psutil.Process) -> Iterator[None]:
    """From when all of them stand still. A signal to stop is obeyed once one thread of its receiver has been given the
    processor: on a busy machine the others answer for some time longer."""
    deadline = time.monotonic() + PATIENCE_S
    try:
        for process in processes:
            process.suspend()
        while any(process.status() != psutil.STATUS_STOPPED for process in processes):
            assert time.monotonic() < deadline, "a process does not stop"
            time.sleep(0.005)
        yield
    finally:
        for process in processes:
            process.resume()
