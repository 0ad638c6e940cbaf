"""Where the sources are to be read from, or why the router refuses to start there. Nothing is skipped or guessed."""

from __future__ import annotations

from collections.abc import Sequence

from aiokafka import AIOKafkaConsumer, TopicPartition

from schemas.topics import ROUTER_GROUP
from services.domain.eligibility import SOURCES
from services.runtime.errors import StopProcessError
from services.runtime.places import places_of, unwritten_partitions
from services.runtime.settings import Settings


async def require_places(settings: Settings) -> None:
    """Before the group is joined: while a member is in it, neither `peal topics apply` nor `peal repair` can commit for
    it, and one that comes and goes is in it most of the time.

    Raises `StopProcessError` where it would, once it had joined.
    """
    unwritten = await unwritten_partitions(settings)
    for place in await places_of(settings, ROUTER_GROUP, SOURCES):
        tp = TopicPartition(place.topic, place.partition)
        require_sound(tp, place.committed, place.low, place.high, place.partition in unwritten)


def _uncommitted(tp: TopicPartition) -> str:
    return (
        f"{tp.topic}/{tp.partition}: no offset is committed for the router's group. On a new cluster run "
        "`peal topics apply`; on one that has sent before run `peal repair`"
    )


async def committed_offsets(
    kafka: AIOKafkaConsumer, tps: Sequence[TopicPartition], unwritten: set[int]
) -> dict[TopicPartition, int]:
    """In the consumer's thread. `unwritten`: partitions to whose changelog nothing was ever written.

    Raises `StopProcessError` naming the repair.
    """
    if not tps:
        return {}
    found = await kafka._coordinator.fetch_committed_offsets(tps)
    low, high = await kafka.beginning_offsets(tps), await kafka.end_offsets(tps)
    committed = {tp: found[tp].offset if tp in found else -1 for tp in tps}
    for tp, offset in committed.items():
        require_sound(tp, offset, low[tp], high[tp], tp.partition in unwritten)
    return committed


def require_sound(tp: TopicPartition, offset: int, low: int, high: int, unwritten: bool) -> None:
    """Raises `StopProcessError` where reading on at `offset` would skip, repeat or forget something.

    `offset`: the committed one, -1 for none. `low`..`high`: what the log holds.
    """
    name = f"{tp.topic}/{tp.partition}"
    if offset < 0:
        raise StopProcessError(_uncommitted(tp))
    if offset < low:
        raise StopProcessError(
            f"{name}: offset {offset} was committed, but retention has removed everything below {low}: "
            "run `peal repair`, which reopens from the ledger what was queued there"
        )
    if offset > high:
        raise StopProcessError(
            f"{name}: offset {offset} was committed, but the topic ends at {high}: somebody made it anew. "
            "Run `peal repair`"
        )
    if offset and unwritten:
        raise StopProcessError(
            f"{name} is read up to {offset}, but the changelog of the people is empty: who opted out and what was sent "
            "would be forgotten. Run `peal repair`, which rebuilds it from the ledger"
        )
