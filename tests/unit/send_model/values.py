"""The records that go over the topics: as their writers make them, and what the model keeps of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

import msgspec
from aiokafka.structs import ConsumerRecord

from schemas.topics import SEND_REQUESTED
from send_model.state import Message, Request, Told
from services.domain.messages import Consent, DeliveryEvent, SendMessage, encode_json, event_id
from services.planner.core.requests import Member, StepPlan, build_request
from services.router.outputs import OWN, Outputs
from services.runtime.murmur import partition_for

NOW = datetime(2026, 11, 21, 9, tzinfo=UTC)
MUCH_LATER = NOW + timedelta(hours=2)
PERSON, SEND, CHANNEL, PRICE = "default/p", "c/1/p", "sms", 7_900
KEY = PERSON.encode()
P = partition_for(KEY, 8)
STRIDE = 2
"""Between two offsets of requests: the neighbour's lies behind each of ours."""

_MEMBER = Member(0, PERSON, P, "", "+919812345678", "UTC", 2, 0, {})
STATUS_OF = {"a": "active", "p": "paused", "c": "completed"}
_message = msgspec.json.Decoder(SendMessage).decode


def price(dear: bool) -> int:
    return PRICE + 1_000 if dear else PRICE


@cache
def request_value(request: Request) -> bytes:
    plan = StepPlan("c", 1, request.epoch, CHANNEL, "default", (), (), NOW + timedelta(days=7), "UTC")
    made = build_request(plan, _MEMBER, request.attempt)
    return encode_json(msgspec.structs.replace(made, reserved_micros=price(request.dear)))


@cache
def consent_value() -> bytes:
    return encode_json(Consent(recipient=PERSON, channel=CHANNEL, state="opted_out", at=NOW))


@cache
def event_value(told: Told) -> bytes:
    return encode_json(
        DeliveryEvent(
            event_id=event_id(SEND, told.attempt, told.status, told.source), send_id=SEND, campaign_id="c", step=1,
            recipient=PERSON, ord=0, attempt=told.attempt, channel=CHANNEL, account="default", status=told.status,
            reason=told.reason, occurred_at=NOW, source=told.source,
        )
    )  # fmt: skip


def source(topic: str, offset: int, value: bytes, own: bool = False) -> Any:
    return ConsumerRecord(topic, P, offset, 0, 0, KEY, value, None, 0, 0, (OWN,) if own else ())


@cache
def message_of(message: Message) -> SendMessage:
    """As the router wrote it."""
    said = Outputs(NOW)
    request = request_value(Request(max(message.attempt, 1), message.epoch, message.dear))
    said.route("send-sms", source(SEND_REQUESTED, message.request_offset, request), "")
    made = _message(said._records["send-sms", P][0][1])
    return made if message.attempt else msgspec.structs.replace(made, send_id="c/1/q", recipient="default/q", ord=1)


def told_of(event: DeliveryEvent) -> Told:
    reason = event.reason if event.reason == "assumed" else ""
    return Told(event.attempt, event.status, reason, event.source)
