"""Which processes an installation on one machine consists of, and in which order they come and go."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from deploy.local.jars import jars_dir
from services.runtime.ports import Ports

Stage = Literal["infrastructure", "edge", "pipeline"]
STAGES: tuple[Stage, ...] = ("infrastructure", "edge", "pipeline")
"""Order of the start; the stop is the reverse. What talks to providers ends before that which answers it."""

EDGE = ("sandbox", "tracker", "console")
PIPELINE = ("planner", "router", "sender-email", "sender-sms", "sender-whatsapp")
SCALABLE = (*PIPELINE, "tracker")
KAFKA, CLICKHOUSE = "kafka", "clickhouse"


@dataclass(frozen=True)
class ServiceSpec:
    """One process: its command, what it adds to the environment of all, and the URL that answers 200 when it is ready.

    The infrastructure has no such URL: the stack asks Kafka and ClickHouse in their own protocols.
    """

    name: str
    command: tuple[str, ...]
    stage: Stage
    ready_url: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)


def parse_scale(text: str) -> dict[str, int]:
    """`sender-email=2,tracker=2` as a mapping. Raises ValueError with what is wrong and what is allowed."""
    scale: dict[str, int] = {}
    for part in text.replace(",", " ").split():
        name, _, count = part.partition("=")
        if name not in SCALABLE:
            raise ValueError(f"SCALE: {name!r} cannot be scaled here; these can: {', '.join(SCALABLE)}")
        if not count.isdecimal() or not 1 <= int(count) <= 8:
            raise ValueError(f"SCALE: {part!r} must be NAME=COUNT with a count of 1 to 8, such as sender-email=2")
        scale[name] = int(count)
    return scale


def default_services(ports: Ports, scale: Mapping[str, int] | None = None) -> list[ServiceSpec]:
    """All services; of those in `scale` that many instances, the second named `NAME-1` and so on."""
    specs = [_spec(name, "edge", ports, instance) for name in EDGE for instance in _instances(name, scale)]
    return specs + [
        _spec(name, "pipeline", ports, instance) for name in PIPELINE for instance in _instances(name, scale)
    ]


def _instances(name: str, scale: Mapping[str, int] | None) -> range:
    return range((scale or {}).get(name, 1))


def module_of(name: str) -> tuple[str, ...]:
    """What follows `python -m` to run the service."""
    channel = name.removeprefix("sender-")
    return ("services.senders", "--channel", channel) if channel != name else (f"services.{name}",)


def _spec(name: str, stage: Stage, ports: Ports, instance: int) -> ServiceSpec:
    return ServiceSpec(
        name=f"{name}-{instance}" if instance else name,
        command=(sys.executable, "-m", *module_of(name)),
        stage=stage,
        ready_url=f"http://127.0.0.1:{ports.metrics(name, instance)}/readyz",
        environment={"PEAL_INSTANCE": str(instance)},
    )


def infrastructure(ports: Ports, data_dir: Path, external: Mapping[str, bool]) -> list[ServiceSpec]:
    """Kafka and ClickHouse, without those that are `external`."""
    kafka: tuple[str, ...] = ("deploy.local.kafka", "--data-dir", str(data_dir / "kafka"), "--port", str(ports.kafka))
    kafka += ("--controller-port", str(ports.kafka_controller))
    clickhouse = ("deploy.local.clickhouse", "--path", str(data_dir / "clickhouse"), "--port", str(ports.clickhouse))
    commands = {KAFKA: kafka, CLICKHOUSE: clickhouse}
    jars = {"PEAL_JARS_DIR": str(jars_dir())}
    return [
        ServiceSpec(name, (sys.executable, "-m", *command), "infrastructure", environment=jars | _password(name))
        for name, command in commands.items()
        if not external.get(name)
    ]


def _password(name: str) -> dict[str, str]:
    """An inherited password would lock the services out of the embedded ClickHouse, which listens on the loopback."""
    return {"CLICKHOUSE_PASSWORD": ""} if name == CLICKHOUSE and "CLICKHOUSE_PASSWORD" in os.environ else {}
