"""Reads one partition in order, without a gap; what cannot be understood is kept as poison."""

from __future__ import annotations

from typing import Any

import msgspec
from aiokafka import TopicPartition

from services.domain.messages import SendMessage
from services.domain.tracing import trace_headers
from services.runtime.errors import StopProcessError
from services.senders.items import Item, Poison

MOST_AT_ONCE = 2_000
_decoder = msgspec.json.Decoder(SendMessage)


class Reader:
    def __init__(self, consumer: Any, tp: TopicPartition) -> None:
        self.consumer, self.tp = consumer, tp

    async def fetch(self, expected: int) -> list[Item]:
        """What has arrived, the first at offset `expected`. Never waits: a `getmany` that waits when a rebalance begins
        goes on waiting for the next assignment, which waits for our revocation, which waits for this lane.

        Raises `StopProcessError` for a gap.
        """
        fetched = await self.consumer.getmany(self.tp, timeout_ms=0, max_records=MOST_AT_ONCE)
        items: list[Item] = []
        for record in fetched.get(self.tp, ()):
            if record.offset != expected:
                raise StopProcessError(
                    f"{self.tp.topic}-{self.tp.partition}: offset {record.offset} follows where {expected} should: "
                    "run `peal repair`"
                )
            expected += 1
            items.append(self._item(record))
        return items

    def _item(self, record: Any) -> Item:
        try:
            message = _decoder.decode(record.value if record.value is not None else b"")
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:  # the last: a thousand brackets
            return Item(record.offset, None, Poison(record.key, record.value, tuple(record.headers), str(error)))
        return Item(record.offset, message, trace=trace_headers(record.headers) if record.headers else ())
