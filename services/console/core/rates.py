"""How fast a campaign goes now."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from datetime import datetime, timedelta

WINDOW_S = 15.0
SHORTEST_S = 3.0


class RateMeter:
    """Samples of a growing count; the rate over the last seconds of them."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, int]] = deque()

    def add(self, at_s: float, count: int) -> None:
        self._samples.append((at_s, count))
        while self._samples[0][0] < at_s - WINDOW_S:
            self._samples.popleft()

    def per_second(self, at_s: float) -> float | None:
        """As of then. None: watched for too short a time to say, or not lately."""
        recent = [sample for sample in self._samples if sample[0] >= at_s - WINDOW_S]
        if len(recent) < 2:
            return None
        (first_at, first), (last_at, last) = recent[0], recent[-1]
        return max(0.0, (last - first) / (last_at - first_at)) if last_at - first_at >= SHORTEST_S else None


def from_minutes(minutes: Mapping[datetime, int], launched_at: datetime | None, now: datetime) -> float:
    """A second's share of what this minute and the one before brought, for a campaign that nobody has watched."""
    start = now.replace(second=0, microsecond=0) - timedelta(minutes=1)
    if launched_at is not None:
        start = max(start, launched_at)
    seconds = max(1.0, (now - start).total_seconds())
    return sum(minutes.values()) / seconds
