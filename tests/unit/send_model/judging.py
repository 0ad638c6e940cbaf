"""The router's rounds: its buffers, its reader and its judge, over what a state says that they have."""

from __future__ import annotations

from datetime import timedelta
from functools import cache, lru_cache
from types import SimpleNamespace
from typing import Any, NamedTuple, cast

import msgspec
from aiokafka import TopicPartition

from schemas.topics import CONSENTS, DELIVERY_EVENTS, SEND_RECALLS, SEND_REQUESTED
from send_model.state import Message, Output, Read, Recalled, Request, Told, epoch_of
from send_model.values import (
    CHANNEL,
    KEY,
    NOW,
    PRICE,
    STATUS_OF,
    STRIDE,
    P,
    consent_value,
    event_value,
    request_value,
    source,
    told_of,
)
from services.domain.eligibility import CampaignRules, StepRules, decide, decode_record, new_record
from services.domain.eligibility.verdicts import REPEAT
from services.domain.messages import DeliveryEvent, SendMessage, SendRecall, SendRequest
from services.router.buffers import Buffers, Share
from services.router.destinations import Destinations
from services.router.judge import Judge
from services.router.outputs import Outputs

_message = msgspec.json.Decoder(SendMessage).decode
_event = msgspec.json.Decoder(DeliveryEvent).decode
_recall = msgspec.json.Decoder(SendRecall).decode


class Judged(NamedTuple):
    record: bytes
    outputs: tuple[Output, ...]


@cache
def _judge() -> Judge:
    destinations = Destinations(cast(Any, None))
    destinations._partitions = {"send-sms": destinations.wanted}
    return Judge({}, "changelog", cast(Any, SimpleNamespace(items={})), destinations, timedelta(days=30))


def rules_of(history: str) -> CampaignRules:
    return CampaignRules("c", "default", STATUS_OF[history[-1]], epoch_of(history), [StepRules(CHANNEL)])


@cache
def share(read: Read, ends: Read, gate: Read | None) -> tuple[Share, Read]:
    """What the next round takes of what is there, one record of a topic at most; and how far that is."""
    at = {SEND_REQUESTED: read.requests, CONSENTS: read.consents, DELIVERY_EVENTS: read.events}
    to = {SEND_REQUESTED: ends.requests, CONSENTS: ends.consents, DELIVERY_EVENTS: ends.events}
    buffers = Buffers((CONSENTS, DELIVERY_EVENTS), SEND_REQUESTED, {TopicPartition(t, P): n for t, n in at.items()})
    for topic, first in at.items():
        records = [source(topic, offset, b"") for offset in range(first, to[topic])]
        buffers.extend(TopicPartition(topic, P), records, to[topic])
    if gate is not None:
        gates = {TopicPartition(CONSENTS, P): gate.consents, TopicPartition(DELIVERY_EVENTS, P): gate.events}
        buffers.set_gate(P, 1, gates)
    shares = buffers.take(1)
    buffers.finish()
    done = {tp.topic: offset for tp, offset in buffers.done.items()}
    return (
        shares[0] if shares else Share(P, [], []),
        Read(done[SEND_REQUESTED], done[CONSENTS], done[DELIVERY_EVENTS]),
    )


@lru_cache(200_000)
def judge(
    record: bytes, told: tuple[tuple[int, Told], ...], consents: tuple[int, ...], request: tuple[int, Request] | None,
    history: str,
) -> Judged:  # fmt: skip
    """One round over these, by offset: the new record, and what is said."""
    judging = _judge()
    judging.people[P] = {KEY: record} if record else {}
    judging.campaigns.items["c"] = rules_of(history)
    first = [source(CONSENTS, offset, consent_value()) for offset in consents]
    first += [source(DELIVERY_EVENTS, offset, event_value(event), event.source == "router") for offset, event in told]
    then = [source(SEND_REQUESTED, request[0] * STRIDE, request_value(request[1]))] if request else []
    states, said = Outputs(NOW), Outputs(NOW)
    judging._judge_partition(P, judging.reader.read(Share(P, first, then), said), {}, states, said)
    outputs: list[Output] = []
    for (topic, _), records in said._records.items():
        outputs += [_output(topic, value) for _, value, _ in records]
    return Judged(judging.people[P].get(KEY, record), tuple(outputs))


def _output(topic: str, value: bytes) -> Output:
    if topic == SEND_RECALLS:
        return Recalled(_recall(value).attempt)
    if topic == DELIVERY_EVENTS:
        return told_of(_event(value))
    message = _message(value)
    return Message(message.attempt, message.epoch, message.request_offset, message.reserved_micros > PRICE)


def is_new(record: bytes, offset: int) -> bool:
    """No replay of the request with this number."""
    return not record or decode_record(record).applied[0] < offset * STRIDE


def asked_twice(record: bytes, offset: int, request: Request, history: str) -> bool:
    if not is_new(record, offset):
        return False
    known = decode_record(record) if record else new_record()
    made = msgspec.json.decode(request_value(request), type=SendRequest)
    return decide(known, made, rules_of(history), NOW) is REPEAT
