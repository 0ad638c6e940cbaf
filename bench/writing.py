"""Records made beforehand, onto the topics as fast as they go."""

from __future__ import annotations

from services.runtime.kafka import Record, make_producer, send_batches
from services.runtime.settings import Settings

Written = dict[tuple[str, int], list[Record]]
"""By topic and partition."""
STRETCH = 20_000


async def write(settings: Settings, records: Written) -> None:
    """Returns when all are acked."""
    async with make_producer(settings) as producer:
        for (topic, partition), items in records.items():
            for at in range(0, len(items), STRETCH):
                await send_batches(producer, topic, partition, items[at : at + STRETCH])
