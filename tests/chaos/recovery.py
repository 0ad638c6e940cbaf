"""How long a fault held messages up, from the times at which the providers took them. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise
from typing import Any, Final

from schemas.topics import load_topics
from services.runtime.kafka import partition_of

STEADY: Final = 0.9
"""Of what a partition still sends after the blow, so much counts: its last messages are those that were given back and
asked for again, which waits for a sweep and not for a recovery."""
FEWEST: Final = 10
"""Messages after the blow, without which a partition had no work that could have been held up."""


@dataclass(frozen=True)
class Blow:
    """A fault at the moment of its effect (seconds since the epoch), and how long it lasted by design."""

    at: float
    held_s: float = 0.0


@dataclass(frozen=True)
class Recovery:
    kind: str
    held_s: float
    longest_gap_s: float
    """From the blow, or a message after it, to the next message of the same partition of a channel's topic."""
    late_s: float
    """Of that, what the fault itself did not last."""
    within_s: float = 0.0
    """What is promised of `late_s`; 0: nothing."""

    @property
    def too_late(self) -> bool:
        return bool(self.within_s) and self.late_s > self.within_s

    def __str__(self) -> str:
        promise = f", promised {self.within_s:.0f}" if self.within_s else ""
        return f"{self.kind}: longest gap {self.longest_gap_s:.1f} s, {self.late_s:.1f} beyond the fault's own{promise}"


def measure(
    kind: str, blow: Blow, received: Iterable[Mapping[str, Any]], people: Mapping[str, str], within_s: float
) -> Recovery:
    """`people`: channel topics' keys by contact, as the router writes them."""
    partitions = load_topics().partitions
    times: dict[tuple[str, int], list[float]] = defaultdict(list)
    for message in received:
        contact = message["send_id"].rpartition("/")[2]
        moment = datetime.fromisoformat(message["received_at"]).timestamp()
        times[message["channel"], partition_of(people[contact], partitions)].append(moment)
    gap = max((longest_gap(sorted(found), blow.at) for found in times.values()), default=0.0)
    return Recovery(kind, blow.held_s, round(gap, 2), round(max(0.0, gap - blow.held_s), 2), within_s)


def longest_gap(times: list[float], since: float) -> float:
    """Seconds, from `since` on; 0 where too little came after it."""
    after = [at for at in times if at > since]
    if len(after) < FEWEST:
        return 0.0
    return max(later - earlier for earlier, later in pairwise([since, *after[: int(len(after) * STEADY)]]))
