"""Source records decoded and checked; or why one of them is bad input."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import msgspec

from schemas.base import Channel
from schemas.status import RANK, Status, Suppression
from schemas.topics import CONSENTS, DELIVERY_EVENTS, ENGAGEMENTS, SEND_REQUESTED
from services.domain.eligibility import ALL_CHANNELS, Event, send_id_of
from services.domain.erasure import FORGOTTEN
from services.domain.messages import Consent, DeliveryEvent, Engagement, SendRequest
from services.runtime.murmur import partition_for

LARGEST: Final = 512 << 10
"""Bytes of a value with its headers: what comes of it must fit a batch."""
TOO_LARGE: Final = "too_large"
WRONG_PARTITION: Final = "wrong_partition"
AHEAD: Final = timedelta(days=1)
"""How far a producer's clock may be ahead. A word dated later would outweigh all that the person says until then."""

_CHANNELS: Final = frozenset(channel.value for channel in Channel)
_STATUSES: Final = frozenset(RANK) - {Status.QUEUED}
_STOPS: Final = frozenset(
    {Suppression.OPTED_OUT, Suppression.BOUNCED_BEFORE, Suppression.COMPLAINED_BEFORE, Suppression.ERASED, FORGOTTEN}
)
_FINAL: Final = frozenset({Suppression.ERASED, FORGOTTEN})
_RECIPIENT = re.compile(rb"[A-Za-z0-9._~@+-]{1,128}/[A-Za-z0-9._~@+-]{1,128}")


class Bad(NamedTuple):
    """Bad input: a word for counting, a sentence for whoever mends the producer."""

    reason: str
    detail: str


def _check_request(request: Any, _latest: datetime) -> Bad | None:
    if request.send_id != (expected := send_id_of(request.campaign_id, request.step, request.recipient)):
        return Bad("invalid", f"send_id is {request.send_id!r}: it must be campaign/step/contact, {expected!r}")
    if request.attempt < 1 or request.step < 1 or request.epoch < 1:
        return Bad("invalid", "step, attempt and epoch count from 1")
    if request.channel not in _CHANNELS:
        return Bad("invalid", f"channel is {request.channel!r}: it must be one of {', '.join(sorted(_CHANNELS))}")
    return None


def _check_consent(consent: Any, latest: datetime) -> Bad | None:
    if consent.channel not in _CHANNELS and consent.channel != ALL_CHANNELS:
        return Bad("invalid", f"channel is {consent.channel!r}: it must be all or {', '.join(sorted(_CHANNELS))}")
    if consent.state not in ("opted_in", "opted_out"):
        return Bad("invalid", f"state is {consent.state!r}: it must be opted_in or opted_out")
    if consent.reason not in _STOPS:
        return Bad("invalid", f"reason is {consent.reason!r}: it must be one of {', '.join(sorted(_STOPS))}")
    if consent.reason in _FINAL and (consent.state, consent.channel) != ("opted_out", ALL_CHANNELS):
        return Bad("invalid", f"reason is {consent.reason!r}: it goes with opted_out of all channels only")
    return _check_time("at", consent.at, latest)


def _check_event(event: Any, latest: datetime) -> Bad | None:
    if event.status not in _STATUSES:
        return Bad("unknown_status", f"status is {event.status!r}: it must be one of {', '.join(sorted(_STATUSES))}")
    if event.attempt < 1 or event.step < 1:
        return Bad("invalid", "step and attempt count from 1")
    return _check_time("occurred_at", event.occurred_at, latest)


def _check_engagement(engagement: Any, latest: datetime) -> Bad | None:
    return _check_time("at", engagement.at, latest)


def _check_time(field: str, at: datetime, latest: datetime) -> Bad | None:
    if at <= latest:
        return None
    return Bad(
        "in_the_future", f"{field} is {at.isoformat()}, later than {latest.isoformat()}: set the producer's clock"
    )


Check = Callable[[Any, datetime], Bad | None]

_READERS: Final[dict[str, tuple[Callable[[bytes], Any], Check]]] = {
    SEND_REQUESTED: (msgspec.json.Decoder(SendRequest).decode, _check_request),
    CONSENTS: (msgspec.json.Decoder(Consent).decode, _check_consent),
    DELIVERY_EVENTS: (msgspec.json.Decoder(DeliveryEvent).decode, _check_event),
    ENGAGEMENTS: (msgspec.json.Decoder(Engagement).decode, _check_engagement),
}


def read(record: Any, now: datetime) -> SendRequest | Event | Bad:
    """Decode and check a consumer record. Raises nothing, whatever the bytes are."""
    value, headers = record.value, record.headers
    if value is None:
        return Bad("null", "the value is null")
    if len(value) > LARGEST or (headers and len(value) + size_of(headers) > LARGEST):
        return Bad(TOO_LARGE, f"value and headers are larger than {LARGEST} bytes")
    decode, check = _READERS[record.topic]
    try:
        event = decode(value)
        recipient = event.recipient.encode()
    except Exception as error:  # RecursionError too: a thousand brackets must not stop the stream
        return Bad(_kind(value, error), str(error))
    if not recipient or recipient != record.key:
        return Bad("wrong_key", f"the key is not the recipient, {event.recipient!r}")
    return check(event, now + AHEAD) or event


def oversized_request(record: Any) -> SendRequest | None:
    """The request that is sound but for its size. Somebody must hear of it: its campaign would ask again for ever."""
    try:
        request: SendRequest = _READERS[SEND_REQUESTED][0](record.value)
    except Exception:  # as in `read`
        return None
    return request if request.recipient.encode() == record.key else None


def _kind(value: bytes, error: Exception) -> str:
    if isinstance(error, msgspec.ValidationError):
        return "invalid"
    try:
        value.decode()
    except UnicodeDecodeError:
        return "not_utf8"
    return "not_json"


def misplaced(key: bytes, partition: int, partitions: int) -> Bad | None:
    """For a person of whom this partition has no record yet: may it have one?"""
    if not _RECIPIENT.fullmatch(key):
        return Bad("invalid", "the recipient must be brand/contact, each [A-Za-z0-9._~@+-]{1,128}")
    if (right := partition_for(key, partitions)) != partition:
        return Bad(WRONG_PARTITION, f"murmur2 of the key gives partition {right}: set the producer's partitioner")
    return None


def size_of(headers: Any) -> int:
    return sum(len(name) + len(value or b"") for name, value in headers)
