"""Settings of the official Kafka image, as variables: those of the embedded broker, but for where it listens."""

from __future__ import annotations

from pathlib import Path

from deploy.local.kafka import server_properties

INSIDE_PORT, CONTROLLER_PORT, OUTSIDE_PORT = 9092, 9093, 9094
"""Ports in the container. What comes from outside comes to the last one, whatever it is published as."""


def broker_environment(inside: str, outside: str) -> dict[str, str]:
    """`inside`, `outside`: host:port by which clients beside the container and those on its host reach the broker."""
    properties = server_properties(Path("/var/lib/kafka"), INSIDE_PORT, CONTROLLER_PORT) | {
        "controller.quorum.voters": f"1@localhost:{CONTROLLER_PORT}",
        "listeners": f"PLAINTEXT://:{INSIDE_PORT},CONTROLLER://:{CONTROLLER_PORT},OUTSIDE://:{OUTSIDE_PORT}",
        "advertised.listeners": f"PLAINTEXT://{inside},OUTSIDE://{outside}",
        "inter.broker.listener.name": "PLAINTEXT",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,OUTSIDE:PLAINTEXT",
    }
    return {f"KAFKA_{name.upper().replace('.', '_')}": value for name, value in properties.items()}
