"""Callbacks without a time of their own: a repeat must not look like something that happened later."""

from __future__ import annotations

from collections import OrderedDict
from datetime import datetime


class FirstSeen:
    """When each id was first seen, of the latest `size` ids."""

    def __init__(self, size: int = 200_000) -> None:
        self._size, self._known = size, OrderedDict[str, datetime]()

    def moment(self, name: str, now: datetime) -> datetime:
        known = self._known.get(name)
        if known is not None:
            return known
        self._known[name] = now
        if len(self._known) > self._size:
            self._known.popitem(last=False)
        return now
