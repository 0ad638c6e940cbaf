"""SendGrid's event webhook: one event as it stands in the JSON array that is posted."""

from __future__ import annotations

import base64
import re
from hashlib import blake2b
from typing import Any

from services.sandbox.core.fates import Step
from services.sandbox.core.records import MailRecord

DROPS = {"bounced": "Bounced Address", "unsubscribed": "Unsubscribed Address", "reported": "Spam Reporting Address"}
_LINK = re.compile(r"""<a\b[^>]*?\bhref\s*=\s*["'](https?://[^"']+)""", re.IGNORECASE)
_PERSON = (
    "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/125.0 Mobile Safari/537.36"
)
_MACHINE = "Mozilla/5.0"


def mail_event(record: MailRecord, step: Step) -> dict[str, Any]:
    """The event of a step: custom args flattened first, so that SendGrid's own fields win."""
    event: dict[str, Any] = dict(record.custom_args())
    message_id = record.group.message_id
    event |= {
        "email": record.to,
        "timestamp": int(record.received_at + step.at_ms / 1000),
        "event": step.kind,
        "sg_event_id": _event_id(message_id, record.place, step.number),
        "sg_message_id": f"{message_id}.recvd-5f7c8d9b6-x2x9k-1-{record.place:08X}-{record.place}.0",
        "smtp-id": f"<{message_id}@geopod-ismtpd-1>",
    }
    if record.group.categories:
        event["category"] = record.group.categories
    event.update(_details(record, step))
    return event


def first_link(record: MailRecord) -> str:
    """The first link in what the person reads; an address of nowhere if there is none."""
    found = _LINK.search(record.body())
    return found[1].replace("&amp;", "&") if found else "https://sandbox.invalid/"


def _event_id(message_id: str, place: int, number: int) -> str:
    digest = blake2b(f"{message_id}/{place}/{number}".encode(), digest_size=18).digest()
    return base64.urlsafe_b64encode(digest).decode()


def _details(record: MailRecord, step: Step) -> dict[str, Any]:
    match step.kind:
        case "deferred":
            return {"response": "451 4.7.1 Please try again later", "attempt": "1", "tls": 1, "ip": "192.0.2.10"}
        case "delivered":
            return {"response": "250 2.0.0 OK", "tls": 1, "ip": "192.0.2.10"}
        case "bounce" if step.detail == "hard":
            reason = "550 5.1.1 The email account that you tried to reach does not exist"
            return {"type": "bounce", "status": "5.1.1", "reason": reason, "tls": 1, "ip": "192.0.2.10",
                    "bounce_classification": "Invalid Address"}  # fmt: skip
        case "bounce":
            return {"type": "blocked", "status": "4.2.2", "reason": "452 4.2.2 The mailbox is full", "tls": 1,
                    "ip": "192.0.2.10", "bounce_classification": "Mailbox Unavailable"}  # fmt: skip
        case "dropped":
            return {"reason": DROPS.get(step.detail, step.detail), "status": "5.0.0"}
        case "open":
            machine = step.detail == "machine"
            return {"ip": "192.0.2.80" if machine else "198.51.100.7", "useragent": _MACHINE if machine else _PERSON,
                    "sg_machine_open": machine, "sg_content_type": "html"}  # fmt: skip
        case "click":
            return {"ip": "198.51.100.7", "useragent": _PERSON, "url": first_link(record),
                    "url_offset": {"index": 0, "type": "html"}}  # fmt: skip
        case _:
            return {}
