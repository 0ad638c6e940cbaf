"""Which topics there are, so that a message for an account without one is told from a broker that is slow."""

from __future__ import annotations

from collections.abc import Iterable

from aiokafka import AIOKafkaProducer

from schemas.topics import (
    CAMPAIGNS,
    DELIVERY_EVENTS,
    SEND_RECALLS,
    SEND_REQUESTED,
    dead_letter_topic,
    load_topics,
    send_topic,
)
from services.domain.eligibility import SOURCES
from services.domain.messages import SendRequest
from services.runtime.errors import StopProcessError


class Destinations:
    def __init__(self, producer: AIOKafkaProducer) -> None:
        self.producer = producer
        self.wanted = load_topics().partitions
        self._partitions: dict[str, int] = {}

    async def refresh(self) -> None:
        """Ask the cluster which topics it has."""
        cluster = await self.producer.client.fetch_all_metadata()
        self._partitions = {
            topic: len(cluster.partitions_for_topic(topic) or ())
            for topic in cluster.topics(exclude_internal_topics=False)
        }

    async def look_up(self, requests: Iterable[SendRequest]) -> None:
        """Know the topics of these requests, if there are any."""
        if not all(self.known(topic) for topic in {send_topic(r.channel, r.account) for r in requests}):
            await self.refresh()

    def known(self, topic: str) -> bool:
        """Is there such a topic, with the right number of partitions?"""
        return self._partitions.get(topic) == self.wanted

    async def require(self, changelog: str) -> None:
        """Raises `StopProcessError` unless all that the router reads and writes is there, evenly partitioned."""
        await self.refresh()
        channels = [topic for topic in load_topics().topics if topic.startswith("send-") and topic != SEND_REQUESTED]
        needed = [*SOURCES, *map(dead_letter_topic, SOURCES), *channels, DELIVERY_EVENTS, SEND_RECALLS, changelog]
        for topic in [*dict.fromkeys(needed), CAMPAIGNS]:
            found = self._partitions.get(topic, 0)
            if not found:
                raise StopProcessError(f"topic {topic} is missing: run `peal topics apply`")
            if found != self.wanted and topic != CAMPAIGNS:
                raise StopProcessError(
                    f"topic {topic} has {found} partitions instead of {self.wanted}, so that one router would not see "
                    "all of a person: topics are never resized in place; use an empty cluster or move the data"
                )
