"""Messages that the router called back, remembered as long as one of them can still be on its way."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta

KEEP = timedelta(hours=1)


class RecallBook:
    def __init__(self) -> None:
        self._known: set[tuple[str, int]] = set()
        self._by_age: deque[tuple[datetime, tuple[str, int]]] = deque()

    def add(self, send_id: str, attempt: int, at: datetime, now: datetime) -> None:
        """`at`: when it was called back."""
        while self._by_age and self._by_age[0][0] < now - KEEP:
            self._known.discard(self._by_age.popleft()[1])
        key = (send_id, attempt)
        if at >= now - KEEP and key not in self._known:
            self._known.add(key)
            self._by_age.append((at, key))

    def __contains__(self, key: tuple[str, int]) -> bool:
        return key in self._known

    def __len__(self) -> int:
        return len(self._known)
