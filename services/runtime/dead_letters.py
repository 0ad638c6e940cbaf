"""Where bad input goes, with all that is needed to understand and replay it; and when to stop instead."""

from __future__ import annotations

from collections import deque

from services.runtime import metrics
from services.runtime.errors import StopProcessError
from services.runtime.kafka import Header

REASON = "peal_reason"
DETAIL = "peal_detail"
SOURCE_TOPIC = "peal_source_topic"
SOURCE_PARTITION = "peal_source_partition"
SOURCE_OFFSET = "peal_source_offset"
CUT = "peal_cut"
"""Bytes of the whole value, where only its beginning could be kept."""
OURS = frozenset({REASON, DETAIL, SOURCE_TOPIC, SOURCE_PARTITION, SOURCE_OFFSET, CUT})
LARGEST_DETAIL = 500


def dead_letter_headers(
    topic: str, partition: int, offset: int, reason: str, detail: str, headers: tuple[Header, ...] = (), whole: int = 0
) -> list[Header]:
    """The record's own headers, and ours. `reason` is one word; `detail` says what is wrong. `whole`: bytes of the
    value where only its beginning is kept."""
    return [
        *headers,
        (REASON, reason.encode()),
        (DETAIL, detail.encode()[:LARGEST_DETAIL]),
        (SOURCE_TOPIC, topic.encode()),
        (SOURCE_PARTITION, str(partition).encode()),
        (SOURCE_OFFSET, str(offset).encode()),
        *([(CUT, str(whole).encode())] if whole else ()),
    ]


class PoisonWatch:
    """A consumer stops rather than dead-letter everything: over 100 in a row, or 10% of the last 10,000."""

    IN_A_ROW = 100
    WINDOW = 10_000
    SHARE = 0.10

    def __init__(self, topic: str) -> None:
        self.topic, self.row, self.bad, self.seen = topic, 0, deque[int](), 0

    def good(self, count: int = 1) -> None:
        self.row, self.seen = 0, self.seen + count

    def poisoned(self, reason: str) -> None:
        """Count one. Raises `StopProcessError` when it is too many."""
        self.row, self.seen = self.row + 1, self.seen + 1
        self.bad.append(self.seen)
        while self.bad and self.bad[0] <= self.seen - self.WINDOW:
            self.bad.popleft()
        metrics.dead_letters.labels(self.topic, reason).inc()
        if self.row > self.IN_A_ROW or (self.seen >= self.WINDOW and len(self.bad) > self.SHARE * self.WINDOW):
            raise StopProcessError(
                f"{self.row} bad records in a row, {len(self.bad)} of the last {self.WINDOW} on {self.topic}: "
                "is a producer broken? Look at `peal dlq list`, mend the producer, start again"
            )
