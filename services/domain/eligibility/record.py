"""All that is known of one person when a message to them is judged, and the campaign as that judgement sees it."""

from __future__ import annotations

import zlib
from typing import Final

import msgspec

from schemas.registries import DEFAULT_OPT_IN
from schemas.topics import CONSENTS, DELIVERY_EVENTS, ENGAGEMENTS, SEND_REQUESTED
from services.domain.messages import Moment

SOURCES: Final = (SEND_REQUESTED, CONSENTS, DELIVERY_EVENTS, ENGAGEMENTS)
"""The topics that a record is made from, in the order of `Record.applied`."""

SCHEMA: Final = b"\x01"
"""The first byte of a stored record, so that its shape may change and a stored value is never falsy."""

OPTED_IN: Final = ""


class Said(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """A person's word on a channel. `at`: when they said so, in epoch milliseconds. `stop`: why not, or `OPTED_IN`."""

    at: int
    stop: str


class Send(msgspec.Struct, array_like=True, gc=False):
    """Where one send stands, as the router knows it."""

    attempt: int
    state: int
    """A value of `schemas.RANK`."""
    reason: str
    request: int
    """Offset of the request that got this verdict; -1: unknown, or its outcome is known, so that it has been heard."""
    at: int
    """When the verdict was given, epoch milliseconds."""
    channel: str
    only_if: str = "always"
    """Of its step; of a fallback: of the message that it stands in for."""
    address: int = 0
    """Fingerprint of the address."""
    detail: str = ""
    """Kept until the send's outcome is known."""
    head: int = 0
    """Of a fallback: the first step of its chain. 0: no fallback."""
    transactional: bool = False
    """Counts for no cap."""


class Record(msgspec.Struct, array_like=True, gc=False):
    """A person. New fields go to the end and have a default."""

    applied: list[int]
    """The last offset of each of `SOURCES` that is in here."""
    consent: dict[str, Said]
    """By `consent_key`."""
    engaged: set[str]
    """Campaigns that the person has reacted to."""
    sends: dict[str, Send]
    """By send id."""
    refused: dict[str, int] = {}
    """Channel -> fingerprint of the address that a provider called invalid."""


class StepRules(msgspec.Struct, frozen=True, gc=False):
    channel: str
    only_if: str = "always"


class CapRules(msgspec.Struct, frozen=True, gc=False):
    """`schemas.campaign.Cap`; `per` as it is on the wire."""

    messages: int
    per: str
    channel: str | None = None


class LimitRules(msgspec.Struct, frozen=True, gc=False):
    caps: tuple[CapRules, ...] = ()


class CampaignRules(msgspec.Struct, frozen=True, gc=False):
    """What `schemas.CampaignRecord` says that matters for who may get a message."""

    campaign_id: str
    brand: str
    status: str
    epoch: int
    steps: list[StepRules]
    kind: str = "marketing"
    ended_at: Moment | None = None
    updated_at: Moment | None = None
    needs_opt_in: tuple[str, ...] = DEFAULT_OPT_IN
    """Channels of its brand on which silence is a no."""
    limits: LimitRules = LimitRules()
    priority: int = 5
    """9 comes before 0."""


decode_campaign = msgspec.json.Decoder(CampaignRules).decode
"""A value of `campaigns`. Raises `msgspec.DecodeError`."""

_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(Record).decode


def new_record() -> Record:
    return Record([-1] * len(SOURCES), {}, set(), {}, {})


def encode_record(record: Record) -> bytes:
    return SCHEMA + _pack(record)


def decode_record(value: bytes) -> Record:
    """Raises ValueError for a shape that this version does not know."""
    if value[:1] != SCHEMA:
        raise ValueError(f"a person's record is of schema {value[:1].hex()}, this version knows {SCHEMA.hex()}")
    return _unpack(memoryview(value)[1:])


def fingerprint(address: str) -> int:
    """Tells one person's addresses apart without keeping them: CRC-32."""
    return zlib.crc32(address.encode())


def consent_key(channel: str, purpose: str) -> str:
    """`sms` for marketing, `sms/newsletter` for another purpose."""
    return channel if purpose == "marketing" else f"{channel}/{purpose}"


def send_id_of(campaign: str, step: int, recipient: str) -> str:
    """`campaign/step/contact`."""
    return f"{campaign}/{step}/{recipient.partition('/')[2]}"
