"""How long a router that starts anew needs until it knows a million people again, from the changelog of its table."""

from __future__ import annotations

from bench.figure import Figure, Scale
from bench.stage import Bare
from bench.usage import Meter
from bench.writing import Written, write
from schemas.topics import load_topics
from services.domain.eligibility import Said, Send, encode_record, new_record
from services.runtime.kafka import partition_of

TARGET_S = 8
PEOPLE = 1_000_000
CHANGELOG = "peal-router-people-changelog"
SAID_MS = 1_790_000_000_000
STRETCH = 100_000


async def measure(stage: Bare, scale: Scale) -> list[Figure]:
    for first in range(0, scale.recovered, STRETCH):
        await write(stage.settings, _records(first, min(first + STRETCH, scale.recovered)))
    async with stage.service("router") as router, Meter(router.pids) as meter:
        await router.wait_ready()
        meter.stop()
        seconds = await router.metric("peal_router_restore_seconds")
    label = "1m" if scale.recovered == PEOPLE else str(scale.recovered)
    more = {"router_recovery_people": scale.recovered, "router_recovery_cpu_s": sum(meter.cpu_s.values())}
    key = f"router_recovery_{label}_s"
    target = TARGET_S * scale.recovered / PEOPLE
    return [Figure(key, seconds, target=target, lower_is_better=True, peak_mb=meter.peak_mb, more=more)]


def _records(first: int, last: int) -> Written:
    """Each person with three sends and a consent."""
    written = Written()
    for person in range(first, last):
        record = new_record()
        record.applied = [person, person, person, -1]
        record.consent = {"sms": Said(SAID_MS, "")}
        for step, channel in enumerate(("email", "sms", "whatsapp"), 1):
            record.sends[f"bench-0/{step}/c-{person}"] = Send(1, 40, "", -1, SAID_MS, channel)
        key = f"default/c-{person}"
        place = CHANGELOG, partition_of(key, load_topics().partitions)
        written.setdefault(place, []).append((key.encode(), encode_record(record), []))
    return written
