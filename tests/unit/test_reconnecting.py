"""A broker that is away is not stormed by those who wait for it."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import aiokafka.client
import pytest
from aiokafka.client import AIOKafkaClient
from aiokafka.structs import BrokerMetadata

from services.runtime.kafka import make_producer
from services.runtime.reconnecting import PAUSE_S, pause_between_connections
from services.runtime.settings import Settings


async def test_a_refused_connection_is_tried_again_after_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[float] = []

    async def refuse(*_: Any, **__: Any) -> None:
        tries.append(time.monotonic())
        raise ConnectionRefusedError

    monkeypatch.setattr(aiokafka.client, "create_conn", refuse)
    monkeypatch.setattr(AIOKafkaClient, "_get_conn", AIOKafkaClient._get_conn)  # put back afterwards
    pause_between_connections()
    client = make_producer(Settings()).client
    client.cluster._brokers = {1: BrokerMetadata(1, "127.0.0.1", 9, None)}
    updating = asyncio.create_task(client._md_synchronizer())
    began = time.monotonic()
    while len(tries) < 3:
        assert not await client.force_metadata_update()
    updating.cancel()
    assert time.monotonic() - began >= 2 * PAUSE_S
