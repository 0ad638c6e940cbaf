"""How the API answers one request: at once, late, with an error, or not at all."""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from services.sandbox.core.chance import draws, within
from services.sandbox.core.worlds import World


class Answer(NamedTuple):
    """`refusal` is decided before anything is accepted, `afterwards` comes after acceptance."""

    refusal: str = ""
    """`too_many`, `queue_full`, `error` or nothing."""
    afterwards: str = ""
    """`error`, `close`, `hang` or nothing: then a normal answer."""
    delay_ms: int = 0
    """Wait this long, after acceptance, before the answer (or before closing)."""


def answer_to(world: World, key: str, tries: int, now: float, since: float, address: str = "") -> Answer:
    """The answer to a request; the same request tried again (`tries` counts from 0) has another chance.

    `now` and `since` (when this world began) are seconds of one clock; storms are counted from `since`. `address`: of
    the one person whom it is for, whose traits decide before chance does.
    """
    traits = world.people.get(address.lower(), ()) if address else ()
    if "errors" in traits:
        return Answer(refusal="error", delay_ms=world.latency_ms)
    if "unanswered" in traits:
        return Answer(afterwards="close", delay_ms=world.latency_ms)
    if world.storm_every_s and (now - since) % world.storm_every_s >= world.storm_every_s - world.storm_for_s:
        return Answer(refusal="too_many")
    if not _has_faults(world):
        return Answer(delay_ms=world.latency_ms)
    chance = draws(world.seed, "answer", key, str(tries))
    for refusal, draw, rate in (
        ("too_many", chance[0], world.too_many_rate),
        ("queue_full", chance[1], world.queue_full_rate),
        ("error", chance[2], world.error_before_rate),
    ):
        if draw < rate:
            return Answer(refusal=refusal, delay_ms=world.latency_ms)
    if chance[3] < world.error_after_rate:
        return Answer(afterwards="error", delay_ms=world.latency_ms)
    if chance[4] < world.close_rate:
        return Answer(afterwards="close", delay_ms=world.latency_ms)
    if chance[5] < world.hang_rate:
        return Answer(afterwards="hang", delay_ms=world.hang_ms)
    if chance[6] < world.slow_rate:
        return Answer(delay_ms=world.latency_ms + within(world.slow_ms, chance[7]))
    return Answer(delay_ms=world.latency_ms)


def _has_faults(world: World) -> bool:
    return bool(
        world.too_many_rate or world.queue_full_rate or world.error_before_rate or world.error_after_rate
        or world.close_rate or world.hang_rate or world.slow_rate
    )  # fmt: skip


class Allowance:
    """Counts an account's messages in a sliding window of one second. Give a monotonic `now` in seconds."""

    def __init__(self) -> None:
        self._taken: deque[tuple[float, int]] = deque()
        self._sum = 0

    def take(self, count: int, limit: int, now: float) -> bool:
        """Whether `count` more fit within the limit; they are counted only if so. A limit of 0 allows all."""
        if not limit:
            return True
        while self._taken and self._taken[0][0] <= now - 1.0:
            self._sum -= self._taken.popleft()[1]
        if self._sum + count > limit:
            return False
        self._taken.append((now, count))
        self._sum += count
        return True

    def remaining(self, limit: int) -> int:
        """What is left of the limit in the window as it was at the last `take`."""
        return max(0, limit - self._sum)
