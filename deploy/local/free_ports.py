"""Ports for an installation beside others on the same machine: for tests, benches and demos."""

from __future__ import annotations

import random
import socket
from contextlib import closing

from services.runtime.ports import INSTANCE_STRIDE, Ports

LOWEST, HIGHEST = 20_000, 31_000
"""Below the range from which systems take the local ports of outgoing connections."""
TRIES = 200


def is_free(port: int, host: str = "127.0.0.1") -> bool:
    """Whether a server could listen there now."""
    with closing(socket.socket(socket.AF_INET, socket.SOCK_STREAM)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


def free_ports(instances: int = 2) -> Ports:
    """Ports of which none is taken now, with room for so many instances of each service."""
    for _ in range(TRIES):
        ports = Ports.from_base(random.randrange(LOWEST, HIGHEST, 10))
        metrics = range(ports.metrics_base, ports.metrics_base + instances * INSTANCE_STRIDE)
        if all(is_free(port) for port in [*ports.all().values(), *metrics]):
            return ports
    raise OSError(f"no free block of ports between {LOWEST} and {HIGHEST}")
