"""SendGrid's answers as outcomes, by its documented status codes and error fields."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from services.senders.core.outcomes import Accepted, Failed, Outcome, Refused, Uncertain
from services.senders.transport import ACCOUNT_BROKEN_S, wait_from

AGAIN_S = 0.01
"""The others of a call that was refused for somebody's sake go again at once."""
_PLACE = re.compile(r"^personalizations\.(\d+)(?:\.(\w+))?")
_ACCOUNT_FIELDS = ("from", "reply_to", "asm", "ip_pool_name", "batch_id", "template_id", "mail_settings")


def translate(status: int, body: bytes, headers: Mapping[str, str], count: int, now: float) -> list[Outcome]:
    """What became of each of the call's `count` people; `now` in seconds since 1970."""
    if status in (200, 202):
        return [Accepted(headers.get("x-message-id", ""))] * count
    errors = _errors(body)
    detail = f"{status}: {'; '.join(str(error.get('message', '')) for error in errors)}"[:300]
    if status == 429 or status == 503:  # documented: too many requests; the API is not available
        return [Refused(wait_from(dict(headers), now), closes=True, detail=detail)] * count
    if status in (401, 403, 404):
        return [Refused(ACCOUNT_BROKEN_S, closes=True, detail=detail)] * count
    if status == 400:
        return _bad_request(errors, detail, count)
    if 400 < status < 500:
        return [Failed("content_rejected", detail)] * count
    return [Uncertain(f"http_{status}", detail)] * count


def _bad_request(errors: list[dict[str, Any]], detail: str, count: int) -> list[Outcome]:
    """Nothing of the request was processed: the named people fail, the others go again."""
    named: dict[int, Failed] = {}
    for error in errors:
        field, message = str(error.get("field") or ""), str(error.get("message") or "")
        if (place := _PLACE.match(field)) and int(place[1]) < count:
            reason = "invalid_address" if place[2] in ("to", None) else "content_rejected"
            named[int(place[1])] = Failed(reason, message[:300])
        elif field.split(".")[0] in _ACCOUNT_FIELDS:
            return [Refused(ACCOUNT_BROKEN_S, closes=True, detail=detail)] * count
    if not named:
        return [Failed("content_rejected", detail)] * count
    return [named.get(number) or Refused(AGAIN_S, detail=detail) for number in range(count)]


def _errors(body: bytes) -> list[dict[str, Any]]:
    try:
        found = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return []
    errors = found.get("errors", []) if isinstance(found, dict) else []
    return [error for error in errors if isinstance(error, dict)] if isinstance(errors, list) else []
