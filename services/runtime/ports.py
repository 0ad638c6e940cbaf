"""Where each part listens. One base moves the whole installation, so that several can run side by side."""

from __future__ import annotations

import os
from dataclasses import dataclass

METRICS_ORDER = (
    "planner", "router", "sender-email", "sender-sms", "sender-whatsapp", "sender-push", "sender-social",
    "tracker", "console", "sandbox",
)  # fmt: skip
INSTANCE_STRIDE = 20
"""Distance between the metrics ports of two instances of one service on one machine."""


@dataclass(frozen=True)
class Ports:
    console: int = 8080
    webhooks: int = 8081
    sandbox: int = 8082
    kafka: int = 9092
    kafka_controller: int = 9093
    clickhouse: int = 8123
    metrics_base: int = 9100

    @classmethod
    def from_base(cls, base: int) -> Ports:
        """Ports `base`, `base`+1, ... in the order of the fields; metrics from `base`+100."""
        return cls(base, base + 1, base + 2, base + 3, base + 4, base + 5, base + 100)

    @classmethod
    def from_environment(cls) -> Ports:
        """The well-known ports, or those of `PEAL_PORT_BASE` where it is set."""
        base = os.environ.get("PEAL_PORT_BASE", "")
        return cls.from_base(int(base)) if base else cls()

    def metrics(self, service: str, instance: int = 0) -> int:
        """Port of `/metrics`, `/livez`, `/readyz` of instance 0, 1, ... of a service, such as `sender-email`."""
        return self.metrics_base + 1 + METRICS_ORDER.index(service) + instance * INSTANCE_STRIDE

    def all(self, services: tuple[str, ...] = METRICS_ORDER) -> dict[str, int]:
        """Every port that a default installation takes, by the name of what listens there."""
        fixed = {
            "console": self.console, "webhooks": self.webhooks, "sandbox": self.sandbox, "kafka": self.kafka,
            "kafka controller": self.kafka_controller, "clickhouse": self.clickhouse,
        }  # fmt: skip
        return fixed | {f"metrics of {service}": self.metrics(service) for service in services}
