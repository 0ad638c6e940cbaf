"""SendGrid's words. Source: Twilio SendGrid's docs "Event Webhook Reference"."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from services.tracker.core.callbacks import FindCampaign, Parsed, Unknown, callback_event, send_name, text_of

PROVIDER: Final = "sendgrid"
STATUS: Final[dict[str, str]] = {
    "delivered": "delivered", "open": "read", "click": "clicked", "spamreport": "complained",
    "unsubscribe": "unsubscribed", "group_unsubscribe": "unsubscribed",
}  # fmt: skip
PROGRESS: Final = frozenset({"processed", "deferred", "group_resubscribe", "account_status_change"})
"""Counted, no event. A resubscription to a group of SendGrid's is no opt-in to ours."""
DROPPED: Final[tuple[tuple[str, str], ...]] = (
    ("bounced address", "bounced_before"),
    ("unsubscribed address", "opted_out"),
    ("spam reporting address", "complained_before"),
    ("invalid smtpapi header", "content_rejected"),
    ("invalid", "invalid_address"),
    ("spam content", "content_rejected"),
    ("recipient list over package quota", "account_quota"),
)
"""Beginning of a drop's reason -> our reason; all are `failed`: the mail never left SendGrid."""
CLASSIFIED: Final[dict[str, str]] = {
    "Invalid Address": "invalid_address",
    "Mailbox Unavailable": "mailbox_unavailable",
    "Technical": "unreachable",
    "Technical Failure": "unreachable",
    "Reputation": "reputation",
    "Content": "content_rejected",
    "Frequency or Volume": "rate_limited",
    "Unclassified": "blocked",
}
"""`bounce_classification` -> our reason."""
_KEPT_OUT = frozenset({"email"})


def read_events(body: bytes) -> list[Any] | None:
    """None: it is no list in JSON."""
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):  # the last: a thousand brackets
        return None
    return found if isinstance(found, list) else None


def parse_events(events: Sequence[Any], find: FindCampaign, now: datetime) -> Parsed:
    parsed = Parsed()
    for event in events:
        if isinstance(event, dict):
            _parse_one(event, find, now, parsed)
        else:
            parsed.counted["malformed"] += 1
            parsed.unknown.append(Unknown("", "not_an_object", _json(event)))
    return parsed


def _parse_one(event: dict[str, Any], find: FindCampaign, now: datetime, parsed: Parsed) -> None:
    word = text_of(event, "event")
    parsed.counted[word[:40] or "empty"] += 1
    if word in PROGRESS:
        return
    name = send_name(text_of(event, "peal_send_id"), text_of(event, "peal_attempt"), text_of(event, "peal_ord"))
    if name is None:
        parsed.unknown.append(Unknown(word, "no_send_id", _json(event)))
        return
    status, reason = _outcome(word, event)
    if not status:
        parsed.unknown.append(Unknown(word, "unknown_status", _json(event)))
        return
    made = callback_event(
        name,
        find,
        status,
        reason,
        detail=_words(word, event) if status in ("failed", "bounced") else "",
        account=text_of(event, "peal_account"),
        provider=PROVIDER,
        provider_message_id=text_of(event, "sg_message_id").partition(".")[0],
        occurred_at=_moment(event.get("timestamp"), now),
        machine=event.get("sg_machine_open") is True,
    )
    if made is None:
        parsed.missing_campaigns.add(name.send_id.split("/")[0])
        parsed.unknown.append(Unknown(word, "unknown_campaign", _json(event)))
    else:
        parsed.events.append(made)


def _outcome(word: str, event: dict[str, Any]) -> tuple[str, str]:
    """Our status and reason; "" where there is none."""
    if word in STATUS:
        return STATUS[word], ""
    if word == "dropped":
        told = text_of(event, "reason").lower()
        return "failed", next((reason for start, reason in DROPPED if told.startswith(start)), "dropped")
    if word in ("bounce", "blocked"):
        reason = CLASSIFIED.get(text_of(event, "bounce_classification"), "")
        soft = word == "blocked" or text_of(event, "type") == "blocked" or text_of(event, "status").startswith("4")
        return ("failed", reason or "blocked") if soft else ("bounced", reason or "invalid_address")
    return "", ""


def _words(word: str, event: dict[str, Any]) -> str:
    """The provider's explanation, without the address in it."""
    told = text_of(event, "reason") or text_of(event, "response")
    address = text_of(event, "email")
    return f"SendGrid: {word}" + (f", {told.replace(address, '<address>') if address else told}" if told else "")


def _moment(timestamp: object, now: datetime) -> datetime:
    """Seconds since 1970; what cannot be is replaced by when it came."""
    if isinstance(timestamp, int | float) and 0 < timestamp <= now.timestamp() + 86_400:
        return datetime.fromtimestamp(timestamp, UTC)
    return now


def _json(event: object) -> str:
    kept = {key: value for key, value in event.items() if key not in _KEPT_OUT} if isinstance(event, dict) else event
    return msgspec.json.encode(kept).decode()
