"""What keeps a consumer group from going on. Looking changes nothing."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from schemas import DEFAULT_ACCOUNT
from schemas.topics import ROUTER_GROUP, SEND_REQUESTED, SEND_TOPIC_PATTERN, TRACKER_GROUP, sender_group
from services.domain.repair.places import Place, Trouble, sentence, trouble_of
from services.domain.repair.queues import queue_trouble
from services.runtime.places import existing_topics, places_of, unwritten_partitions
from services.runtime.settings import Settings
from services.runtime.topics import planned_offsets


class Finding(NamedTuple):
    place: Place
    trouble: Trouble

    @property
    def words(self) -> str:
        return sentence(*self)


def account_of(topic: str) -> tuple[str, str]:
    """Channel and account of a send topic."""
    _, channel, *account = topic.split("-", 2)
    return channel, account[0] if account else DEFAULT_ACCOUNT


def is_send_topic(topic: str) -> bool:
    return topic != SEND_REQUESTED and re.match(SEND_TOPIC_PATTERN, topic) is not None


async def look(settings: Settings, *, people: bool = False) -> list[Finding]:
    """Over all groups, those of connected accounts too. Raises `KafkaError`.

    `people`: where the router remembers nobody it is to remember, whether or not it has read anything yet.
    """
    topics = await existing_topics(settings)
    groups = {group: [name for name in names if name in topics] for group, names in planned_offsets().items()}
    for topic in sorted(filter(is_send_topic, topics)):
        groups.setdefault(sender_group(*account_of(topic)), [topic])
        if topic not in groups[TRACKER_GROUP]:
            groups[TRACKER_GROUP].append(topic)
    places = [place for group, names in groups.items() for place in await places_of(settings, group, names)]
    requests_end = {p.partition: p.high for p in places if (p.group, p.topic) == (ROUTER_GROUP, SEND_REQUESTED)}
    found = [Finding(place, trouble) for place in places if (trouble := _trouble(place, requests_end))]
    return found + _empty_state(places, await unwritten_partitions(settings), people)


def _trouble(place: Place, requests_end: dict[int, int]) -> Trouble | None:
    if not is_send_topic(place.topic):
        return trouble_of(place)
    if place.group != TRACKER_GROUP:
        return queue_trouble(place, requests_end[place.partition])
    if place.committed < 0 and not place.low:
        return None  # the tracker reads a new account's topic from its first record
    return trouble_of(place)


def _empty_state(places: Iterable[Place], unwritten: set[int], people: bool) -> list[Finding]:
    """Partitions of which the router has read something, and remembers nothing."""
    first: dict[int, Place] = {}
    for place in places:
        read = people or place.committed > 0 or (place.committed < 0 and place.high > 0)
        if place.group == ROUTER_GROUP and place.partition in unwritten and read:
            first.setdefault(place.partition, place)
    return [Finding(first[number], Trouble.EMPTY_STATE) for number in sorted(first)]
