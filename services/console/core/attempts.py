"""How often somebody may try to sign in: failures are counted by name and by address, over the last minutes."""

from __future__ import annotations

import math
from collections import OrderedDict, deque
from typing import Final, TypeVar

WINDOW_S: Final = 300.0
OF_NAME: Final = 5
"""Failures in the window after which a name has to wait."""
OF_ADDRESS: Final = 20
MOST_KEPT: Final = 20_000
"""Names and addresses that are remembered, the latest: memory stays bounded whoever tries what."""
T = TypeVar("T")


class Attempts:
    """Times are seconds of a clock that never goes back."""

    def __init__(self) -> None:
        self._names: OrderedDict[str, deque[float]] = OrderedDict()
        self._addresses: OrderedDict[str, deque[tuple[float, str]]] = OrderedDict()

    def wait(self, name: str, address: str, now: float) -> int:
        """Whole seconds until another try is taken; 0: now."""
        own = [at for at in self._names.get(name, ()) if at > now - WINDOW_S]
        here = [at for at, _ in self._addresses.get(address, ()) if at > now - WINDOW_S]
        until = [
            times[-most] + WINDOW_S for times, most in ((own, OF_NAME), (here, OF_ADDRESS)) if len(times) >= most
        ]  # fmt: skip
        return math.ceil(max(until) - now) if until else 0

    def begin(self, name: str, address: str, now: float) -> None:
        """Counts as a failure until it is known to be none: so tries side by side are counted too. `name`: "" for none,
        which only counts by address."""
        if name:
            _of(self._names, name, OF_NAME).append(now)
        _of(self._addresses, address, OF_ADDRESS).append((now, name))

    def succeed(self, name: str, address: str) -> None:
        """What failed for this name is forgiven."""
        self._names.pop(name, None)
        if address in self._addresses:
            kept = [each for each in self._addresses[address] if each[1] != name]
            self._addresses[address] = deque(kept, maxlen=OF_ADDRESS)


def _of(kept: OrderedDict[str, deque[T]], key: str, most: int) -> deque[T]:
    if key not in kept:
        kept[key] = deque(maxlen=most)
    kept.move_to_end(key)
    if len(kept) > MOST_KEPT:
        kept.popitem(last=False)
    return kept[key]
