"""A broker that is away is asked a few times a second, not as fast as the processor allows.

aiokafka 0.14 answers a refused connection by asking for the metadata, and that by the next connection, without a pause.
A dozen processes that do so for all their clients leave a broker on the same machine hardly a core to start with: one
that needs four seconds took over a minute.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from aiokafka.client import AIOKafkaClient

from services.runtime.patching import patch

PAUSE_S: Final = 0.25
_stock = AIOKafkaClient._get_conn


async def _get_conn(client: Any, node_id: Any, **options: Any) -> Any:
    """None after a pause where there is no connection; every way to a broker leads through here."""
    connection = await _stock(client, node_id, **options)
    if connection is None:
        await asyncio.sleep(PAUSE_S)
    return connection


def pause_between_connections() -> None:
    """For all of aiokafka's clients in this process, Faust's among them."""
    patch(AIOKafkaClient, _get_conn)
