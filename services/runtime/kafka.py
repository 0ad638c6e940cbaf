"""Kafka clients, set up once: security, murmur2, no auto-commit, no silent offset reset."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Iterable, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaConnectionError, KafkaError

from schemas.topics import load_topics
from services.runtime.errors import StopProcessError
from services.runtime.murmur import partition_for
from services.runtime.settings import Settings

Header = tuple[str, bytes]
Record = tuple[bytes, bytes | None, list[Header]]
"""Key, value (None: the key is deleted), headers."""


def client_options(settings: Settings) -> dict[str, Any]:
    """What every client of aiokafka needs to reach the cluster."""
    options: dict[str, Any] = {
        "bootstrap_servers": settings.kafka_bootstrap,
        "security_protocol": settings.kafka_security,
    }
    if "SSL" in settings.kafka_security:
        options["ssl_context"] = ssl.create_default_context(cafile=settings.kafka_tls_ca_file or None)
    if settings.kafka_security.startswith("SASL"):
        options |= {
            "sasl_mechanism": settings.kafka_sasl_mechanism,
            "sasl_plain_username": settings.kafka_sasl_username,
            "sasl_plain_password": settings.kafka_sasl_password.get_secret_value(),
        }
    return options


def make_producer(settings: Settings, **options: Any) -> AIOKafkaProducer:
    """Idempotent, all acks. Partitions by murmur2 of the key, as every producer of Peal must.

    For a process that ends at the first failure to produce: one batch that expired while its partition had no leader
    leaves a hole in the sequence, and all that follows is refused (`OutOfOrderSequenceNumber`) until a new producer.
    """
    defaults: dict[str, Any] = {"acks": "all", "enable_idempotence": True, "linger_ms": 5, "max_batch_size": 1 << 20}
    return AIOKafkaProducer(**client_options(settings), **(defaults | options))


def make_lasting_producer(settings: Settings, **options: Any) -> AIOKafkaProducer:
    """All acks, for a process that outlives failures and repeats what was not acknowledged, however long the broker is
    away. A record may be written twice: its readers know a repeat by its id."""
    return make_producer(settings, enable_idempotence=False, **options)


def make_consumer(settings: Settings, *topics: str, **options: Any) -> AIOKafkaConsumer:
    """Commits nothing by itself, resets nothing by itself, reads what is committed."""
    defaults: dict[str, Any] = {
        "enable_auto_commit": False,
        "auto_offset_reset": "none",
        "isolation_level": "read_committed",
        "fetch_max_wait_ms": 100,
    }
    return AIOKafkaConsumer(*topics, **client_options(settings), **(defaults | options))


def make_admin(settings: Settings, **options: Any) -> AIOKafkaAdminClient:
    return AIOKafkaAdminClient(**client_options(settings), **options)


def partition_of(key: str, partitions: int) -> int:
    """The partition that murmur2 gives a key, as in Java's DefaultPartitioner. Of many keys: `partitions_for`."""
    return partition_for(key.encode(), partitions)


async def wait_for_kafka(settings: Settings, patience_s: float = 60.0) -> None:
    """Until the cluster answers. Raises `StopProcessError` when it does not."""
    for _ in range(int(patience_s * 2)):
        admin = make_admin(settings)
        try:
            await admin.start()
            return
        except (KafkaConnectionError, KafkaError, OSError):
            await asyncio.sleep(0.5)
        finally:
            await admin.close()
    raise StopProcessError(
        f"Kafka does not answer at {settings.kafka_bootstrap}: start it or mend PEAL_KAFKA_BOOTSTRAP"
    )


async def require_partitions(producer: AIOKafkaProducer, topics: Iterable[str]) -> int:
    """All these topics must have as many partitions as `topics.yaml` says: one worker must see all of a person."""
    wanted = load_topics().partitions
    for topic in topics:
        found = len(await producer.partitions_for(topic))
        if found != wanted:
            raise StopProcessError(
                f"topic {topic} has {found} partitions instead of {wanted}: "
                "run `peal topics apply` on an empty cluster; topics are never resized in place"
            )
    return wanted


async def send_batches(producer: AIOKafkaProducer, topic: str, partition: int, records: Sequence[Record]) -> None:
    """As few and as large batches as possible, in order; returns when all are acked."""
    acks, at = [], 0
    while at < len(records):
        batch, first = producer.create_batch(), at
        while at < len(records):
            key, value, headers = records[at]
            if batch.append(key=key, value=value, timestamp=None, headers=headers) is None:
                break
            at += 1
        if at == first:
            raise ValueError(f"a record for {topic} is larger than a batch")
        batch.close()
        acks.append(await producer.send_batch(batch, topic, partition=partition))
    await asyncio.gather(*acks)
