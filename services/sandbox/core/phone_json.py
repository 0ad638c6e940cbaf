"""Twilio's Message resource as JSON, and pages of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from services.sandbox.core.fates import DONE, Step, phone_steps
from services.sandbox.core.phone_events import API_VERSION, ERRORS
from services.sandbox.core.records import PhoneRecord

_PRICES = {"+1": 0.0083, "+91": 0.0832, "+44": 0.0524}
"""USD a segment of SMS by calling code; invented, of the right order. 0.005 for WhatsApp."""
_GSM = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_EXTENSION = set("^{}\\[~]|€\f")


def segments(text: str) -> int:
    """How many SMS the text takes: 160 or 153 septets each by GSM 03.38, else 70 or 67 UTF-16 units."""
    if set(text) <= _GSM | _EXTENSION:
        length, single, part = len(text) + sum(letter in _EXTENSION for letter in text), 160, 153
    else:
        length, single, part = len(text.encode("utf-16-le")) // 2, 70, 67
    return 1 if length <= single else -(-length // part)


def steps_of(record: PhoneRecord) -> list[Step]:
    """The record's whole life."""
    key = record.identity.key(record.sid)
    free_text = bool(record.text) and not record.content_sid
    return phone_steps(record.world, record.channel, record.to, key, free_text, record.window_open)


def message_json(record: PhoneRecord, now: float | None) -> dict[str, Any]:
    """The resource as it stands at `now`; None: as it is answered to the request that made it."""
    status, code, sent_at, updated_at = "accepted" if record.service else "queued", "", None, record.received_at
    for step in steps_of(record) if now is not None else ():
        at = record.received_at + step.at_ms / 1000
        if now is None or at > now or step.kind in DONE:
            continue
        if at >= updated_at:
            status, code, updated_at = step.kind, step.detail, at
        if step.kind == "sent":
            sent_at = at
    count = segments(record.body()) if record.channel == "sms" else 1
    uri = f"/{API_VERSION}/Accounts/{record.account_sid}/Messages/{record.sid}"
    return {
        "account_sid": record.account_sid,
        "api_version": API_VERSION,
        "body": record.body(),
        "date_created": _date(record.received_at),
        "date_sent": _date(sent_at) if sent_at else None,
        "date_updated": _date(updated_at),
        "direction": "outbound-api",
        "error_code": int(code) if code else None,
        "error_message": ERRORS.get(int(code)) if code else None,
        "from": record.sender_address or None,
        "messaging_service_sid": record.service or None,
        "num_media": "0",
        "num_segments": "0" if record.service and now is None else str(count),
        "price": f"-{_price(record, count):.5f}" if sent_at else None,
        "price_unit": "USD",
        "sid": record.sid,
        "status": status,
        "subresource_uris": {"media": f"{uri}/Media.json"},
        "to": record.address,
        "uri": f"{uri}.json",
    }


def page_json(
    path: str, query: dict[str, str], records: list[PhoneRecord], more: bool, page: int, size: int, now: float
) -> dict[str, Any]:
    """One page of a list, with the addresses of its neighbours; `more`: another page follows."""
    kept = {name: value for name, value in query.items() if name not in {"Page", "PageToken", "PageSize"}}
    first = f"{path}?{urlencode({**kept, 'PageSize': size, 'Page': 0})}"
    following = {**kept, "PageSize": size, "Page": page + 1, "PageToken": f"PA{records[-1].sid}" if records else ""}
    return {
        "messages": [message_json(record, now) for record in records],
        "page": page,
        "page_size": size,
        "start": page * size,
        "end": page * size + max(0, len(records) - 1),
        "first_page_uri": first,
        "next_page_uri": f"{path}?{urlencode(following)}" if more else None,
        "previous_page_uri": None,
        "uri": f"{path}?{urlencode(query)}" if query else path,
    }


def account_json(sid: str, now: float) -> dict[str, Any]:
    """The Account resource, as a test of the connection fetches it."""
    uri = f"/{API_VERSION}/Accounts/{sid}"
    return {
        "sid": sid,
        "owner_account_sid": sid,
        "friendly_name": "Peal sandbox (no message leaves this machine)",
        "status": "active",
        "type": "Full",
        "auth_token": "",
        "date_created": _date(now),
        "date_updated": _date(now),
        "uri": f"{uri}.json",
        "subresource_uris": {"messages": f"{uri}/Messages.json"},
    }


def _price(record: PhoneRecord, count: int) -> float:
    if record.channel == "whatsapp":
        return 0.005
    return next((price for prefix, price in _PRICES.items() if record.to.startswith(prefix)), 0.05) * count


def _date(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%a, %d %b %Y %H:%M:%S +0000")
