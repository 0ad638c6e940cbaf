"""The router's state, written again: its changelog from the ledger, the consents and what of the changelog is left."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from aiokafka import AIOKafkaProducer, TopicPartition
from clickhouse_connect.driver.asyncclient import AsyncClient

from services.domain.eligibility import CampaignRules, Record, decode_record, encode_record, new_record
from services.domain.repair.people import fold, forget_offsets
from services.runtime.places import changelog, log_bounds
from services.runtime.repair.cluster import read, write
from services.runtime.repair.ledger import erasures, known_events
from services.runtime.settings import Settings

WRITTEN = b""
"""As the router's mark in a changelog that knows nobody."""


async def rebuild(
    settings: Settings, client: AsyncClient, producer: AIOKafkaProducer, partition: int,
    campaigns: Mapping[str, CampaignRules], anew: Collection[str],
) -> int:  # fmt: skip
    """Returns how many people are in it then. `anew`: sources whose offsets began at 0 again."""
    people = await _standing(settings, partition)
    for recipient, events in await known_events(client, partition):
        fold(people.setdefault(recipient.encode(), new_record()), events, campaigns)
    for event in await erasures(client):
        fold(people.setdefault(event.recipient.encode(), new_record()), [event], campaigns)
    for record in people.values():
        forget_offsets(record, anew)
    people.setdefault(WRITTEN, new_record())
    await write(producer, changelog(), partition, [(key, encode_record(record)) for key, record in people.items()])
    return len(people) - 1


async def _standing(settings: Settings, partition: int) -> dict[bytes, Record]:
    tp = TopicPartition(changelog(), partition)
    low, _ = await log_bounds(settings, [tp])
    people: dict[bytes, Record] = {}
    for _offset, key, value in await read(settings, tp, low[tp]):
        if key is None:
            continue
        if value is None:
            people.pop(key, None)
        else:
            people[key] = decode_record(value)
    return people
