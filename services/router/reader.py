"""A share of fetched records, read: the good ones in order, the bad ones on their way to the dead letters."""

from __future__ import annotations

from itertools import chain
from typing import Any, Final, NamedTuple

import structlog

from schemas.topics import CONSENTS, DELIVERY_EVENTS, ENGAGEMENTS, SEND_REQUESTED
from services.domain.eligibility import SOURCES, Event
from services.domain.messages import SendRequest
from services.router.buffers import Share
from services.router.inputs import TOO_LARGE, WRONG_PARTITION, Bad, misplaced, oversized_request, read
from services.router.outputs import OWN, Outputs
from services.router.restore import People
from services.runtime.dead_letters import PoisonWatch
from services.runtime.errors import StopProcessError

log = structlog.get_logger("router")
SET_RIGHT: Final = frozenset({CONSENTS, ENGAGEMENTS})
"""Topics that others write: the tracker sends what is in a wrong partition to the right one, where it is read again."""


class Input(NamedTuple):
    source: Any
    """aiokafka's consumer record."""
    event: SendRequest | Event


class Reader:
    """`stop` is set when so much is bad that a producer must be broken: after this round the process is to end."""

    def __init__(self, people: People, partitions: int) -> None:
        self.people, self.partitions = people, partitions
        self.stop: StopProcessError | None = None
        self._watches = {topic: PoisonWatch(topic) for topic in SOURCES}

    def read(self, share: Share, said: Outputs) -> list[Input]:
        people, inputs = self.people[share.partition], list[Input]()
        buried: dict[tuple[str, str], tuple[int, str]] = {}
        for source in chain(share.first, share.then):
            if source.topic == DELIVERY_EVENTS and OWN in source.headers:
                continue
            event = read(source, said.now)
            if not isinstance(event, Bad) and source.key not in people:
                event = misplaced(source.key, share.partition, self.partitions) or event
            if isinstance(event, Bad) and event.reason == WRONG_PARTITION and source.topic in SET_RIGHT:
                continue
            if isinstance(event, Bad):
                self._bury(source, event, said)
                buried.setdefault((source.topic, event.reason), (source.offset, event.detail))
            else:
                self._watches[source.topic].good()
                inputs.append(Input(source, event))
        for (topic, reason), (offset, detail) in buried.items():
            log.warning(
                "bad input", topic=topic, partition=share.partition, offset=offset, reason=reason, detail=detail[:200]
            )
        return inputs

    def _bury(self, source: Any, bad: Bad, said: Outputs) -> None:
        said.dead_letter(source, bad)
        if source.topic == SEND_REQUESTED and bad.reason == TOO_LARGE and (request := oversized_request(source)):
            said.fail_oversized(source, request, bad)
        try:
            self._watches[source.topic].poisoned(bad.reason)
        except StopProcessError as error:
            self.stop = error
