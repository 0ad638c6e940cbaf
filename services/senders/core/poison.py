"""A message that cannot be read, as far as it can."""

from __future__ import annotations

from datetime import datetime

import msgspec

from schemas import UNKNOWN_ORDINAL
from services.domain.messages import DeliveryEvent, event_id
from services.senders.core.outcomes import SOURCE


class _Identity(msgspec.Struct, frozen=True):
    """What tells which send it was."""

    send_id: str
    campaign_id: str
    step: int
    recipient: str
    attempt: int
    channel: str
    account: str = "default"
    ord: int = UNKNOWN_ORDINAL


_decoder = msgspec.json.Decoder(_Identity)


def dead_letter_event(value: bytes | None, detail: str, now: datetime) -> DeliveryEvent | None:
    """`failed(dead_letter)` for the send, where the record still says which one it was."""
    try:
        known = _decoder.decode(value or b"")
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    if known.send_id.count("/") != 2 or "/" not in known.recipient or not 0 <= known.ord <= UNKNOWN_ORDINAL:
        return None
    return DeliveryEvent(
        event_id=event_id(known.send_id, known.attempt, "failed", SOURCE), send_id=known.send_id,
        campaign_id=known.campaign_id, step=known.step, recipient=known.recipient, ord=known.ord,
        attempt=known.attempt, channel=known.channel, account=known.account, status="failed", reason="dead_letter",
        detail=detail, occurred_at=now, source=SOURCE,
    )  # fmt: skip
