"""Twilio's words. Sources: Twilio's docs "Outbound message status in status callbacks" and the error dictionary."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Final
from urllib.parse import urlencode

from services.domain.messages import DeliveryEvent
from services.tracker.core.callbacks import FindCampaign, Parsed, Unknown, callback_event, send_name
from services.tracker.core.keywords import Keywords
from services.tracker.core.rows import Inbound

PROVIDER: Final = "twilio"
STATUS: Final[dict[str, str]] = {
    "sent": "accepted", "delivered": "delivered", "read": "read", "undelivered": "failed", "failed": "failed",
    "canceled": "failed",
}  # fmt: skip
PROGRESS: Final = frozenset({"accepted", "scheduled", "queued", "sending", "receiving", "received"})
"""Said on the way: counted, no event."""
_KEPT_OUT = frozenset({"To", "From", "ChannelToAddress", "WaId", "ProfileName", "Body"})
"""Whose addresses and words we keep nowhere but where they belong."""
REASON: Final[dict[str, tuple[str, str]]] = {
    "21211": ("failed", "invalid_address"),
    "21408": ("failed", "region_not_permitted"),
    "21610": ("failed", "opted_out"),
    "21614": ("failed", "invalid_address"),
    "30001": ("failed_retryable", "queue_full"),
    "30002": ("failed", "account_suspended"),
    "30003": ("failed_retryable", "unreachable"),
    "30004": ("failed", "blocked"),
    "30005": ("failed", "invalid_address"),
    "30006": ("failed", "invalid_address"),
    "30007": ("failed", "filtered"),
    "30008": ("failed", "unknown_error"),
    "30010": ("failed", "price_too_high"),
    "30017": ("failed_retryable", "carrier_congestion"),
    "30022": ("failed_retryable", "rate_limited"),
    "30023": ("failed_retryable", "rate_limited"),
    "30034": ("failed", "sender_not_registered"),
    "30036": ("failed", "expired"),
    "30410": ("failed_retryable", "provider_timeout"),
    "30454": ("failed", "duplicate_refused"),
    "63003": ("failed", "invalid_address"),
    "63005": ("failed", "content_rejected"),
    "63012": ("failed_retryable", "provider_error"),
    "63013": ("failed", "policy"),
    "63016": ("failed", "outside_window"),
    "63018": ("failed_retryable", "rate_limited"),
    "63024": ("failed", "invalid_address"),
    "63032": ("failed", "not_reachable_now"),
    "63049": ("failed", "declined_by_platform"),
}
"""Error code -> our status and reason. A code that is not here: `failed`, `provider_<code>`."""


def status_word(form: Mapping[str, str]) -> str:
    """Twilio's word for where a message stands; "" where it says none."""
    return form.get("MessageStatus") or form.get("SmsStatus") or ""


def parse_status(form: Mapping[str, str], query: Mapping[str, str], find: FindCampaign, now: datetime) -> Parsed:
    """A status callback. It carries no time of its own: `now` is when it came."""
    parsed = Parsed()
    word = status_word(form)
    parsed.counted[word[:40] or "empty"] += 1
    if word in PROGRESS:
        return parsed
    kept = urlencode({key: value for key, value in form.items() if key not in _KEPT_OUT} | dict(query))
    name = send_name(query.get("send", ""), query.get("attempt", ""), query.get("ord", ""))
    if name is None:
        parsed.unknown.append(Unknown(word, "no_send_id", kept))
        return parsed
    if word not in STATUS:
        parsed.unknown.append(Unknown(word, "unknown_status", kept))
        return parsed
    event = _event(form, query, word, name.send_id, find, now)
    if event is None:
        parsed.missing_campaigns.add(name.send_id.split("/")[0])
        parsed.unknown.append(Unknown(word, "unknown_campaign", kept))
    else:
        parsed.events.append(event)
    return parsed


def _event(
    form: Mapping[str, str], query: Mapping[str, str], word: str, send_id: str, find: FindCampaign, now: datetime
) -> DeliveryEvent | None:
    name = send_name(send_id, query["attempt"], query.get("ord", ""))
    assert name is not None, "checked by the caller"
    status, reason, detail, code = STATUS[word], "", "", form.get("ErrorCode", "")
    if status == "failed":
        words = form.get("ChannelStatusMessage") or form.get("ErrorMessage") or ""
        status, reason, detail = failure(word, code, words)
    return callback_event(
        name,
        find,
        status,
        reason,
        detail=detail,
        account=query.get("account", ""),
        provider=PROVIDER,
        provider_message_id=form.get("MessageSid") or form.get("SmsSid") or "",
        occurred_at=now,
    )


def failure(word: str, code: str, words: str = "") -> tuple[str, str, str]:
    """Our status, reason and detail for a message that Twilio could not deliver."""
    status, reason = REASON.get(code, ("failed", f"provider_{code}" if code else "unknown_error"))
    if word == "canceled":
        status, reason = "failed", "canceled"
    return status, reason, f"Twilio: {word}" + (f", error {code}" if code else "") + (f", {words}" if words else "")


def parse_inbound(form: Mapping[str, str], account: str, keywords: Keywords, now: datetime) -> Inbound | None:
    """What a person wrote; None where it is nothing that a person writes. `recipient` is found later."""
    sender, to, message_id = form.get("From", ""), form.get("To", ""), form.get("MessageSid", "")
    if not sender or not message_id:
        return None
    whatsapp = sender.startswith("whatsapp:")
    text = form.get("Body", "")
    return Inbound(
        message_id=message_id,
        channel="whatsapp" if whatsapp else "sms",
        account=account,
        from_address=sender.removeprefix("whatsapp:"),
        to_address=to.removeprefix("whatsapp:"),
        text=text,
        at=now,
        keyword=keywords.meaning(text, form.get("OptOutType", "")),
    )
