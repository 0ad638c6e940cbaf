"""From values on topics to rows of ClickHouse. A value that makes no row is refused with a reason, never bent."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final

import msgspec

from schemas import RANK, UNKNOWN_ORDINAL, Channel, Status
from services.domain.erasure import ERASED, FORGOTTEN
from services.domain.messages import Consent, DeliveryEvent, Engagement, Moment

Row = tuple[Any, ...]

CHANNELS: Final[dict[str, int]] = {channel.value: number for number, channel in enumerate(Channel, 1)}
"""Numbers of the enumeration `channel` in every table."""
STATUSES: Final[dict[str, int]] = {status.value: rank for status, rank in RANK.items()}
BASES: Final = {"": 0, "reserve": 1, "card": 2, "waived": 3, "price": 4}
"""Numbers of the enumeration `cost_basis`: the surest word about an attempt's cost has the greatest."""
CHANNEL_BIT: Final[dict[str, int]] = {channel: 1 << (number - 1) for channel, number in CHANNELS.items()}

LEDGER_COLUMNS: Final = (
    "recipient_id", "campaign_id", "step", "channel", "attempt", "status", "reason", "detail", "ord", "account",
    "source", "machine", "provider", "provider_message_id", "cost_micros", "cost_basis", "occurred_at",
    "kafka_partition", "kafka_offset",
)  # fmt: skip
CONSENT_COLUMNS: Final = (
    "recipient_id", "brand", "channel", "purpose", "state", "reason", "at", "source", "proof",
)  # fmt: skip
ENGAGEMENT_COLUMNS: Final = ("recipient_id", "brand", "kind", "campaign_id", "at", "value")
INBOUND_COLUMNS: Final = (
    "message_id", "recipient_id", "brand", "channel", "account", "from_address", "to_address", "text", "keyword", "at",
)  # fmt: skip
SUPPRESSION_COLUMNS: Final = ("brand", "channel", "address", "reason", "lifted", "at")
AUDIT_COLUMNS: Final = (
    "brand", "at", "entry_id", "operator", "source", "action", "object", "recipient_id", "status", "epoch_before",
    "epoch_after", "detail",
)  # fmt: skip
CALLBACK_COLUMNS: Final = ("provider", "kind", "reason", "body", "received_at")

_LARGEST_SMALL = 65_535
_LARGEST_MONEY = 1 << 56
"""Above it lies the basis, where the two are one number."""
_LATEST_MS = 7_258_118_400_000
"""The year 2200: beyond what a DateTime64 of milliseconds surely holds, and beyond any campaign."""
_CONSENT_STATES = frozenset({"opted_in", "opted_out"})
_CONSENT_REASONS = frozenset({"opted_out", "bounced_before", "complained_before", ERASED, FORGOTTEN})


class BadRecordError(Exception):
    """One word for machines, and what is wrong for people."""

    def __init__(self, reason: str, detail: str) -> None:
        super().__init__(f"{reason}: {detail}")
        self.reason, self.detail = reason, detail


class Queued(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """As much of a routed message as the ledger may know: nobody's address or data is even decoded."""

    send_id: str
    campaign_id: str
    step: int
    recipient: str
    ord: int
    attempt: int
    channel: str
    account: str = "default"
    routed_at: Moment
    detail: str = ""


class Inbound(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A value of `inbound-messages`: `schemas.InboundMessage`."""

    message_id: str
    recipient: str | None = None
    channel: str
    account: str
    from_address: str
    to_address: str
    text: str
    at: Moment
    keyword: str = ""


class Audit(msgspec.Struct, frozen=True, kw_only=True):
    """A value of `audit-log`: `schemas.AuditEntry`."""

    entry_id: str
    at: Moment
    brand: str
    operator: str
    source: str
    action: str
    object: str = ""
    recipient: str | None = None
    status: str = "accepted"
    epoch_before: int | None = None
    epoch_after: int | None = None
    detail: str = ""


def milliseconds(moment: datetime, field: str = "occurred_at") -> int:
    """Since 1970. Raises `BadRecordError` outside of 1970..2200."""
    value = round(moment.timestamp() * 1000)
    if not 0 <= value < _LATEST_MS:
        raise BadRecordError("bad_value", f"{field} is {moment.isoformat()}: expected a time between 1970 and 2200")
    return value


def brand_of(recipient: str) -> str:
    """`brand/contact` -> `brand`. Raises `BadRecordError` for anything else."""
    brand, slash, contact = recipient.partition("/")
    if not brand or not slash or not contact or "/" in contact:
        raise BadRecordError("bad_value", f"recipient is '{recipient[:80]}': expected brand/contact")
    return brand


def ledger_row(event: DeliveryEvent, partition: int, offset: int) -> Row:
    """Raises `BadRecordError`."""
    _check_send(event)
    if not 0 <= event.cost_micros < _LARGEST_MONEY:
        raise BadRecordError("bad_value", f"cost_micros is {event.cost_micros}: expected 0 to 2^56")
    return (
        event.recipient, event.campaign_id, event.step, CHANNELS[event.channel], event.attempt,
        _known(STATUSES, event.status, "status"), event.reason, event.detail, event.ord, event.account, event.source,
        event.machine, event.provider, event.provider_message_id, event.cost_micros, _basis(event),
        milliseconds(event.occurred_at), partition, offset,
    )  # fmt: skip


def queued_row(message: Queued, partition: int, offset: int) -> Row:
    """A routed message stands at `queued`: the router's word, with no event of its own. Raises `BadRecordError`."""
    _check_send(message)
    return (
        message.recipient, message.campaign_id, message.step, CHANNELS[message.channel], message.attempt,
        RANK[Status.QUEUED], "", message.detail, message.ord, message.account, "router", False, "", "", 0, 0,
        milliseconds(message.routed_at, "routed_at"), partition, offset,
    )  # fmt: skip


def consent_row(consent: Consent) -> Row:
    """Raises `BadRecordError`."""
    if consent.channel != "all":
        _known(CHANNELS, consent.channel, "channel")
    if consent.state not in _CONSENT_STATES:
        raise BadRecordError("bad_value", f"state is '{consent.state}': expected opted_in or opted_out")
    if consent.reason not in _CONSENT_REASONS:
        raise BadRecordError("bad_value", f"reason is '{consent.reason}': expected one of {sorted(_CONSENT_REASONS)}")
    final = consent.reason in (ERASED, FORGOTTEN)
    if final and (consent.state, consent.channel) != ("opted_out", "all"):
        raise BadRecordError("bad_value", f"reason is '{consent.reason}': it goes with opted_out of all channels only")
    reason = consent.reason if consent.state == "opted_out" else ""
    return (
        consent.recipient, brand_of(consent.recipient), consent.channel, consent.purpose, consent.state, reason,
        milliseconds(consent.at, "at"), consent.source, consent.proof,
    )  # fmt: skip


def engagement_row(engagement: Engagement) -> Row:
    """Raises `BadRecordError`."""
    try:
        value = Decimal(engagement.value)
    except InvalidOperation:
        value = Decimal("nan")
    if not value.is_finite() or abs(value) >= 10**12:
        raise BadRecordError("bad_value", f"value is '{engagement.value[:80]}': expected a decimal number below 1e12")
    if not engagement.kind:
        raise BadRecordError("bad_value", "kind is empty: expected a word such as visit")
    return (
        engagement.recipient, brand_of(engagement.recipient), engagement.kind, engagement.campaign_id or "",
        milliseconds(engagement.at, "at"), value.quantize(Decimal("0.000001")),
    )  # fmt: skip


def inbound_row(message: Inbound) -> Row:
    """Raises `BadRecordError`."""
    recipient = message.recipient or ""
    return (
        message.message_id, recipient, brand_of(recipient) if recipient else "",
        _known(CHANNELS, message.channel, "channel"), message.account, message.from_address, message.to_address,
        message.text, message.keyword, milliseconds(message.at, "at"),
    )  # fmt: skip


def audit_row(entry: Audit) -> Row:
    """Raises `BadRecordError`."""
    recipient = entry.recipient or ""
    if recipient and brand_of(recipient) != entry.brand:
        raise BadRecordError("bad_value", f"recipient is '{recipient[:80]}': expected one of brand {entry.brand[:80]}")
    for epoch in (entry.epoch_before, entry.epoch_after):
        if epoch is not None and not 0 <= epoch < UNKNOWN_ORDINAL:
            raise BadRecordError("bad_value", f"an epoch is {epoch}: expected 0 to {UNKNOWN_ORDINAL}")
    return (
        entry.brand, milliseconds(entry.at, "at"), entry.entry_id, entry.operator, entry.source, entry.action,
        entry.object, recipient, entry.status, entry.epoch_before, entry.epoch_after, entry.detail,
    )  # fmt: skip


def _basis(event: DeliveryEvent) -> int:
    """A cost without a basis is of a time before there was one, or of another's producer."""
    if event.cost_micros and not event.cost_basis:
        return BASES["reserve" if event.status == Status.UNCERTAIN else "card"]
    return _known(BASES, event.cost_basis, "cost_basis")


def _check_send(value: DeliveryEvent | Queued) -> None:
    """What the row's key is made of must be what the id says."""
    recipient = value.recipient
    brand_of(recipient)
    contact = recipient[recipient.index("/") + 1 :]
    if value.send_id != f"{value.campaign_id}/{value.step}/{contact}":
        raise BadRecordError(
            "wrong_send_id",
            f"send_id is '{value.send_id[:200]}', but campaign, step and recipient say "
            f"{value.campaign_id}/{value.step}/{contact}",
        )
    if not (0 < value.step <= _LARGEST_SMALL and 0 < value.attempt <= _LARGEST_SMALL):
        raise BadRecordError("bad_value", f"step is {value.step}, attempt is {value.attempt}: expected 1 to 65535")
    if not 0 <= value.ord <= UNKNOWN_ORDINAL:
        raise BadRecordError("bad_value", f"ord is {value.ord}: expected 0 to {UNKNOWN_ORDINAL}")
    _known(CHANNELS, value.channel, "channel")


def _known(table: dict[str, int], word: str, field: str) -> int:
    number = table.get(word)
    if number is None:
        raise BadRecordError("bad_value", f"{field} is '{word[:80]}': expected one of {', '.join(table)}")
    return number
