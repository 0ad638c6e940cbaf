"""The two clocks. Leases are measured on the one that also counts while process or machine are suspended."""

from __future__ import annotations

import time
from datetime import UTC, datetime

_BOOT = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def boot_seconds() -> float:
    """Seconds since boot, suspended time included where the system can tell (Linux: CLOCK_BOOTTIME)."""
    return time.clock_gettime(_BOOT)


def utc_now() -> datetime:
    return datetime.now(UTC)
