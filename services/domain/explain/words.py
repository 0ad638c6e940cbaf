"""The words in which things are told."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from schemas import Channel

MESSAGE = {
    Channel.EMAIL: "the email",
    Channel.SMS: "the SMS",
    Channel.WHATSAPP: "the WhatsApp message",
    Channel.PUSH: "the push notification",
    Channel.SOCIAL: "the post",
}

CHANNEL = {
    Channel.EMAIL: "email",
    Channel.SMS: "SMS",
    Channel.WHATSAPP: "WhatsApp",
    Channel.PUSH: "push notifications",
    Channel.SOCIAL: "social posts",
}

ADDRESS = {
    Channel.EMAIL: "mail address",
    Channel.SMS: "phone number",
    Channel.WHATSAPP: "phone number",
    Channel.PUSH: "device",
    Channel.SOCIAL: "page",
}

PREVIOUS = {
    Channel.EMAIL: "an earlier email",
    Channel.SMS: "an earlier SMS",
    Channel.WHATSAPP: "an earlier WhatsApp message",
    Channel.PUSH: "an earlier push notification",
    Channel.SOCIAL: "an earlier post",
}

FAILURE = {
    "account_suspended": "the account at the provider is suspended",
    "blocked": "the receiving network or mail server blocked it",
    "carrier_congestion": "the phone network was overloaded",
    "content_rejected": "the provider refused its content",
    "dead_letter": "its record could not be read and was set aside: `peal dlq show` has it",
    "declined_by_platform": "the platform declined to deliver it",
    "exhausted": "every try failed and the tries are used up",
    "expired": "the provider gave up on it",
    "filtered": "the phone network took it for spam",
    "invalid_address": "the provider says that the address does not exist",
    "mailbox_unavailable": "the mailbox took no mail",
    "not_reachable_now": "the person could not be reached",
    "opted_out": "the provider knows that this person opted out",
    "outside_window": "free text is allowed only within 24 hours of the person's own message",
    "policy": "the provider's rules forbid it",
    "provider_error": "the provider failed at it",
    "provider_timeout": "the provider took too long",
    "queue_full": "the provider's queue was full",
    "rate_limited": "the provider took no more at that moment",
    "region_not_permitted": "the account may not send to that country",
    "resend": "the provider never answered, and it was decided to send again",
    "resolved": "somebody who looked at the provider says that it did not go out",
    "sender_not_registered": "the sender is not registered there",
    "template_error": "its text could not be made from what is recorded",
    "template_required": "only an approved template may be sent outside the 24 hours after the person's own message",
    "unreachable": "the device or mailbox could not be reached",
}


def failure(reason: str, detail: str) -> str:
    """Why a send failed: the provider's own words behind ours, where there are any."""
    words = FAILURE.get(reason) or (reason.replace("_", " ") if reason else "the provider gave no reason")
    return f"{words} ({detail})" if detail else words


def moment(at: datetime, now: datetime, zone: str) -> str:
    """`at 10:02` today, `on 3 Nov at 10:02` this year, `on 3 Nov 2025 at 10:02` before; in the zone."""
    local, today = at.astimezone(ZoneInfo(zone)), now.astimezone(ZoneInfo(zone))
    clock = f"at {local:%H:%M}"
    if local.date() == today.date():
        return clock
    year = "" if local.year == today.year else f" {local.year}"
    return f"on {local.day} {local:%b}{year} {clock}"


def listed(parts: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def alternatives(parts: Sequence[str]) -> str:
    """`a`, `a or b`, `a, b or c`."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} or {parts[-1]}"


def sentence(text: str, name: str = "") -> str:
    """First letter large, unless it is that of the person's name, which is told as it is; one full stop at the end."""
    start = text[0] if name and text.startswith(name) else text[0].upper()
    return f"{start}{text[1:].rstrip('.')}."
