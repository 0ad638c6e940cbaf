"""First answers to requests with an `Idempotency-Key` that no planner remembers; in memory, the newest."""

from __future__ import annotations

from collections import OrderedDict
from typing import Any

Key = tuple[str, str, str]
"""Brand, act, the caller's key."""


class FirstAnswers:
    KEPT = 1_000

    def __init__(self) -> None:
        self._answers: OrderedDict[Key, dict[str, Any]] = OrderedDict()

    def get(self, key: Key) -> dict[str, Any] | None:
        return self._answers.get(key)

    def put(self, key: Key, answer: dict[str, Any]) -> None:
        self._answers[key] = answer
        if len(self._answers) > self.KEPT:
            self._answers.popitem(last=False)
