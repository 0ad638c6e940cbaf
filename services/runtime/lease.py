"""Ownership of partitions as the broker sees it: it evicts nobody within a session of a heartbeat that it answered.

Asked before every produce request, retries included, on the last line before the socket. A process that was frozen, or
cut off while another took over, writes nothing any more; one whose broker was slow waits for its next heartbeat.
"""

from __future__ import annotations

import asyncio
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.consumer.group_coordinator import GroupCoordinator
from aiokafka.protocol.produce import ProduceRequest

from services.runtime.clock import boot_seconds
from services.runtime.errors import exit_fatally
from services.runtime.patching import patch


class Lease:
    """Valid for `session` seconds after each answered heartbeat was sent.

    Neither static members nor rounds longer than the rebalance time-out may be used beside it: those can be fenced
    within a session.
    """

    def __init__(self, session: float, last_words: str) -> None:
        """`last_words`: what another may own by now, and what becomes of what was begun."""
        self.session, self.last_words = session, last_words
        self.until = 0.0
        self.evicted = False

    def install(self, producer: AIOKafkaProducer) -> None:
        """Watch this process's heartbeats, and hold this producer's requests to them. Before `producer.start()`."""
        heartbeat, stock = GroupCoordinator._do_heartbeat, producer.client.send

        async def _do_heartbeat(coordinator: Any) -> bool:
            asked = boot_seconds()
            answered: bool = await heartbeat(coordinator)
            if answered:
                self.until = asked + self.session
            self.evicted = not answered and coordinator.member_id == ""
            return answered

        async def send(node: int, request: Any, **options: Any) -> Any:
            if isinstance(request, ProduceRequest):
                await producer.client.ready(node)  # connect first: it may take long
                await self.held()
            return await stock(node, request, **options)

        patch(GroupCoordinator, _do_heartbeat)
        patch(producer.client, send)

    async def held(self) -> None:
        """Wait until the lease is valid; end the process when it will not be again."""
        asked = boot_seconds()
        while boot_seconds() > self.until:
            if self.evicted or boot_seconds() - asked > self.session:
                exit_fatally(f"the broker has not answered a heartbeat for a session, so {self.last_words}")
            await asyncio.sleep(0.02)
