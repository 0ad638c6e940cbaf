"""A record of a send topic on its way through this process."""

from __future__ import annotations

from services.domain.content import Links, Rendered
from services.domain.messages import SendMessage
from services.runtime.kafka import Header
from services.senders.contents import StepContent


class Poison:
    """A record that cannot be read, as it was."""

    __slots__ = ("detail", "headers", "key", "value")

    def __init__(self, key: bytes | None, value: bytes | None, headers: tuple[Header, ...], detail: str) -> None:
        self.key, self.value, self.headers, self.detail = key, value, headers, detail


class Item:
    """What `services.senders.core.groups` takes groups from. Prepared when its verdict is to call."""

    __slots__ = (
        "content",
        "cost_micros",
        "links",
        "message",
        "offset",
        "poison",
        "problem",
        "reason",
        "rendered",
        "trace",
        "values",
    )

    def __init__(
        self, offset: int, message: SendMessage | None, poison: Poison | None = None, trace: tuple[Header, ...] = ()
    ) -> None:
        self.offset, self.message, self.poison, self.trace = offset, message, poison, trace
        """`trace`: the context that goes on with its event."""
        self.reason = ""
        """Why the doorstep returned it."""
        self.content: StepContent | None = None
        self.links = Links()
        self.rendered: Rendered | None = None
        """What goes out, where a call carries one message."""
        self.values: dict[str, str] | None = None
        """What stands for each token, where a call carries many."""
        self.problem = ""
        """Why it cannot be rendered: it fails without a call."""
        self.cost_micros = 0

    @property
    def batch_key(self) -> StepContent | None:
        return self.content if self.values is not None else None

    @property
    def sure(self) -> SendMessage:
        """The message of an item that is not poison."""
        assert self.message is not None, "poison is never called"
        return self.message
