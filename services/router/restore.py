"""The people of newly assigned partitions, read from the changelog in bulk: 1,000,000 in seconds (Faust: minutes)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final

from aiokafka import AIOKafkaConsumer, TopicPartition

from services.runtime import metrics
from services.runtime.clock import boot_seconds

People = dict[int, dict[bytes, bytes]]
"""Partition -> recipient -> stored record. Faust's own store stays empty: one dict a partition is cheap."""

Restore = Callable[[Any, Any, set[int]], Coroutine[Any, Any, set[int]]]
"""(Faust's recovery, changelog partitions, those without any state here) -> partitions never written to."""

WRITTEN: Final = b""
"""Key of the mark in a changelog that rounds have been finished there, though none changed a person."""


def make_restore(people: People, make_consumer: Callable[..., AIOKafkaConsumer]) -> Restore:
    """Faust then finds nothing left to recover. Ends on the consumer's position: no transaction marker can hang it."""

    async def restore(recovery: Any, tps: Any, fresh: set[int]) -> set[int]:
        started = boot_seconds()
        offsets, ends = recovery.active_offsets, recovery.active_highwaters  # an offset here is the last one applied
        owned = {tp.partition for tp in tps}
        for partition in [p for p in people if p not in owned or p in fresh]:
            del people[partition]
        people.update({p: {} for p in owned - people.keys()})
        behind = {TopicPartition(*tp): tp for tp in tps if offsets[tp] < ends[tp]}
        if behind:
            await _read(people, make_consumer, behind, offsets, ends)
        metrics.router_restore_seconds.set(boot_seconds() - started)
        return {tp.partition for tp in tps if ends[tp] < 0}

    return restore


async def _read(
    people: People, make_consumer: Callable[..., AIOKafkaConsumer], behind: dict[Any, Any], offsets: Any, ends: Any
) -> None:
    consumer = make_consumer(max_partition_fetch_bytes=4 << 20, fetch_max_bytes=32 << 20)
    await consumer.start()
    try:
        consumer.assign(list(behind))
        for ktp, tp in behind.items():
            consumer.seek(ktp, offsets[tp] + 1)
        while behind:
            for ktp, records in (await consumer.getmany(timeout_ms=200, max_records=20_000)).items():
                _apply(people[ktp.partition], {record.key: record.value for record in records})
            await asyncio.sleep(0)
            for ktp, tp in list(behind.items()):
                if await consumer.position(ktp) > ends[tp]:
                    offsets[tp] = ends[tp]  # only ever whole partitions
                    del behind[ktp]
    finally:
        await consumer.stop()


def _apply(part: dict[bytes, bytes], last: dict[bytes, bytes | None]) -> None:
    part.update(last)  # type: ignore[arg-type]  # the erased ones go in the next lines
    for key in [key for key, value in last.items() if value is None]:
        del part[key]
