"""Every kind of fault: what it does to whom, and for how long, as chance has it."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any, Final, NamedTuple

from services.runtime.fail_points import PLACES

SENDERS: Final = ("sender-email", "sender-sms", "sender-whatsapp")
SERVICES: Final = ("planner", "router", "tracker", *SENDERS)
SESSION_S: Final = {"router": 15.0, "tracker": 10.0, "planner": 10.0}
SENDER_SESSION_S: Final = 8.0
SCALABLE: Final = ("sender-email", "router")
"""Services that a run may have more instances of: the further ones are named `NAME-1` and so on."""
MOST_INSTANCES: Final = 3
TWIN: Final = "sender-sms"
"""Runs a second instance in the drill that kills one of two: its messages leave one by one, so that a gap is a gap."""

CALM_WORLD: Final[dict[str, Any]] = {
    "name": "sample", "callbacks": True, "unreachable_rate": 0, "close_rate": 0, "too_many_rate": 0, "slow_rate": 0,
}  # fmt: skip
"""As the sample, but nothing that goes wrong on its own, and nothing that is worth trying again minutes later."""
WORLDS: Final[dict[str, dict[str, Any]]] = {
    "provider-slow": {"slow_rate": 0.3, "slow_ms": (1_000, 30_000)},
    "provider-storm": {"too_many_rate": 0.6, "retry_after_s": 1},
    "provider-full": {"queue_full_rate": 0.3, "limit_per_s": 20},
    "provider-errors": {"error_before_rate": 0.05, "error_after_rate": 0.1},
    "provider-drops": {"close_rate": 0.1, "hang_rate": 0.05, "hang_ms": 6_000},
    "callbacks-wild": {"repeat_rate": 0.8, "reorder_rate": 0.8, "sending_rate": 0.8, "sent_ms": (0, 1)},
    "callbacks-late": {"delivered_ms": (3_000, 15_000), "processed_ms": (1_000, 8_000)},
}  # fmt: skip
"""Knobs of the sandbox that are turned for a while."""


class Fault(NamedTuple):
    at_s: float
    kind: str
    target: str = ""
    seconds: float = 0.0
    detail: str = ""

    def __str__(self) -> str:
        return " ".join(
            filter(None, (self.kind, self.target, self.detail, f"{self.seconds:.0f}s" if self.seconds else ""))
        )


def _kill(chance: random.Random, at: float) -> Fault:
    return Fault(at, "kill", chance.choice((*SERVICES, "console")))


def _fail_point(chance: random.Random, at: float) -> Fault:
    place = chance.choice(sorted(place for place in PLACES if ".erasure-" not in place))  # nobody is erased here
    kind = place.partition(".")[0]
    service = chance.choice(SENDERS) if kind == "sender" else kind
    action = "SIGSTOP" if kind == "sender" and chance.random() < 0.25 else "SIGKILL"
    return Fault(at, "fail-point", service, _freeze_s(chance, service) if action == "SIGSTOP" else 0.0, place)


def _freeze_s(chance: random.Random, service: str) -> float:
    """Half, once and twice the session."""
    return chance.choice((0.5, 1.1, 2.0)) * SESSION_S.get(service, SENDER_SESSION_S)


def _freeze(chance: random.Random, at: float) -> Fault:
    service = chance.choice(SERVICES)
    return Fault(at, "freeze", service, _freeze_s(chance, service))


def _terminate(chance: random.Random, at: float) -> Fault:
    return Fault(at, "terminate", chance.choice(SERVICES))


def _scale(chance: random.Random, at: float) -> Fault:
    return Fault(at, "scale", chance.choice(SCALABLE), chance.uniform(3, 8))


def _clock(chance: random.Random, at: float) -> Fault:
    return Fault(at, "clock", chance.choice(SERVICES), chance.uniform(3, 10), chance.choice(("+600s", "-600s")))


def _timed(kind: str, target: str, least: float, most: float) -> Callable[[random.Random, float], Fault]:
    return lambda chance, at: Fault(at, kind, target, round(chance.uniform(least, most), 1))


def _at_once(kind: str, target: str) -> Callable[[random.Random, float], Fault]:
    return lambda chance, at: Fault(at, kind, target)


MAKERS: Final[dict[str, Callable[[random.Random, float], Fault]]] = {
    "kill": _kill,
    "fail-point": _fail_point,
    "freeze": _freeze,
    "terminate": _terminate,
    "clock": _clock,
    "scale": _scale,
    "broker-kill": _at_once("kill", "kafka"),
    "broker-restart": _at_once("terminate", "kafka"),
    "broker-freeze": _timed("freeze", "kafka", 3, 20),
    "clickhouse-kill": _at_once("kill", "clickhouse"),
    "clickhouse-freeze": _timed("freeze", "clickhouse", 3, 15),
    "provider-gone": _timed("gone", "sandbox", 2, 6),
    "provider-freeze": _timed("freeze", "sandbox", 3, 9),
    "poison": _at_once("poison", ""),
    **{name: _timed("world", name, 3, 10) for name in WORLDS},
}
"""Kinds of fault, by the name that `--only` takes."""

DELIBERATE: Final[dict[str, Callable[[random.Random, float], Fault]]] = {
    "sender-kill": _at_once("kill-of-two", TWIN),
    "router-kill": _at_once("kill", "router"),
    "planner-kill": _at_once("kill", "planner"),
    "broker-freeze-long": _timed("freeze", "kafka", 60, 60),
    "clickhouse-freeze-long": _timed("freeze", "clickhouse", 60, 60),
    "clickhouse-gone": _timed("gone", "clickhouse", 60, 60),
    "broker-disk-full": _timed("disk-full", "kafka", 20, 20),
    "clickhouse-disk-full": _timed("disk-full", "clickhouse", 20, 20),
}
"""Too long, or asking too much of the machine, for every mix: only where they are named."""
ALL_MAKERS: Final = MAKERS | DELIBERATE
ON_DISKS: Final = {"broker-disk-full": "kafka", "clickhouse-disk-full": "clickhouse"}
"""Whose data must be on a file system of its own for that."""
PROMISED_S: Final = {"sender-kill": SENDER_SESSION_S + 5.0, "broker-kill": 30.0, "broker-restart": 30.0}
"""Until work goes on, beyond what the fault itself lasts."""
