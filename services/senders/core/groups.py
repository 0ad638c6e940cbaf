"""Which messages are dealt with together: one verdict, one declared intent."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import Generic, NamedTuple, Protocol, TypeVar

from services.domain.messages import SendMessage
from services.senders.core.doorstep import Do

LARGEST_RETURN = 1_000


class Takeable(Protocol):
    """A record of a send topic, read and not over."""

    @property
    def offset(self) -> int: ...

    @property
    def message(self) -> SendMessage | None:
        """None: it cannot be read, and goes back as a dead letter."""

    @property
    def batch_key(self) -> Hashable | None:
        """Messages of one key may ride in one call. None: this one goes alone. Known once its verdict is `CALL`."""


T = TypeVar("T", bound=Takeable)


class Sizes(NamedTuple):
    """How many messages a group holds at most."""

    alone: int
    """Of calls of one message each."""
    together: int
    """Of one call of many."""


def group_sizes(quota: float, per_call: int, most: int) -> Sizes:
    """At most 0.2 s of the rate, or one call of at most 1 s of it. `quota`: messages a second, not infinite or 0."""
    return Sizes(int(min(most, max(1.0, quota * 0.2))), int(min(per_call, max(1.0, quota))))


class Group(Generic[T]):
    """Offsets up to `through`, under one verdict. `work` is without replays: those ride along in silence."""

    def __init__(self, first: int) -> None:
        self.do: Do | None = None
        self.through = first - 1
        self.work: list[T] = []
        self._addresses: set[str] = set()

    def fits(self, item: T, do: Do, sizes: Sizes) -> bool:
        if do is Do.WAIT or self.do not in (None, do):
            return False
        if do is Do.RETURN:
            return len(self.work) < LARGEST_RETURN
        if not self.work:
            return True
        key = self.work[0].batch_key
        if key is None or item.batch_key is None:
            return key is item.batch_key and len(self.work) < sizes.alone
        # A provider takes an address once a call.
        return (
            key == item.batch_key
            and len(self.work) < sizes.together
            and item.message is not None
            and item.message.address.lower() not in self._addresses
        )

    def add(self, item: T, do: Do) -> None:
        self.do = do
        self.work.append(item)
        if item.message is not None:
            self._addresses.add(item.message.address.lower())


def take(items: Iterable[T], first: int, seen: int, sizes: Sizes, judge: Callable[[T], Do]) -> Group[T]:
    """The next group from `items`, the first at offset `first`; `seen`: the high-water mark of request offsets."""
    group = Group[T](first)
    for item in items:
        message = item.message
        if message is None or message.request_offset > seen:
            do = Do.RETURN if message is None else judge(item)
            if not group.fits(item, do, sizes):
                break
            group.add(item, do)
            if message is not None:
                seen = message.request_offset
        group.through = item.offset
    return group
