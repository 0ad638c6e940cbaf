"""What a producer is worth after the broker was away for longer than a record may wait."""

from __future__ import annotations

import pytest
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError
from ulid import ULID

from services.runtime.kafka import make_lasting_producer
from services.runtime.settings import Settings


async def test_a_process_that_lives_on_can_produce_again_after_a_long_absence_of_the_broker(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One record is acked, one expires while the partition has no leader, and then one more is sent: an idempotent
    producer would have all that follows refused, and would not even end."""
    topic = f"t-{ULID()}"
    admin = AIOKafkaAdminClient(bootstrap_servers=settings.kafka_bootstrap)
    await admin.start()
    await admin.create_topics([NewTopic(topic, 1, 1)])
    await admin.close()
    async with make_lasting_producer(settings, request_timeout_ms=500) as producer:
        await producer.send_and_wait(topic, b"before")
        with monkeypatch.context() as away:
            away.setattr(producer.client.cluster, "leader_for_partition", lambda _: -1)
            with pytest.raises(KafkaError):
                await producer.send_and_wait(topic, b"during")
        await producer.send_and_wait(topic, b"after")
