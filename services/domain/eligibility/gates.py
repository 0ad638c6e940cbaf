"""The gates that a request passes, in order: each finds a reason to suppress it, in a word and in a sentence, or none.

No sentence names an address: the events that carry them are kept longer than personal data may be.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

import msgspec

from schemas.status import Suppression
from services.domain.eligibility.caps import taken_of
from services.domain.eligibility.chains import head_of, reached_by, unresolved
from services.domain.eligibility.consent import permitted, stopped
from services.domain.eligibility.record import CampaignRules, Record, StepRules, fingerprint
from services.domain.eligibility.verdicts import HELD, Held, Suppress
from services.domain.messages import SendRequest

_PHONE = re.compile(r"\+[1-9][0-9]{6,14}")
"""E.164, by its shape alone: whether the number exists is for the provider to say."""
_MAILBOX = re.compile(r"[^@\s]+@[^@\s]+")

_SAID = {
    Suppression.OPTED_OUT: "opted out of {channel}",
    Suppression.BOUNCED_BEFORE: "the address did not exist when a message went there by {channel}",
    Suppression.COMPLAINED_BEFORE: "complained about a message by {channel}",
    Suppression.ERASED: "asked to be forgotten",
}


class Facts(msgspec.Struct, frozen=True, gc=False):
    """What a gate looks at."""

    record: Record
    request: SendRequest
    campaign: CampaignRules
    step: StepRules
    now: datetime

    @property
    def head(self) -> int:
        return head_of(self.campaign.steps, self.request.step)


def moment(at: int) -> str:
    """Epoch milliseconds in words."""
    return f"{datetime.fromtimestamp(at / 1000, UTC):%Y-%m-%d %H:%M} UTC"


def _duplicate(facts: Facts) -> Suppress | None:
    if not facts.request.duplicate:
        return None
    return Suppress(Suppression.DUPLICATE, "another person of this audience has the same address on this channel")


def _no_address(facts: Facts) -> Suppress | None:
    if facts.request.address:
        return None
    return Suppress(Suppression.NO_ADDRESS, f"no address for {facts.request.channel} is known")


def _invalid_address(facts: Facts) -> Suppress | None:
    channel, address = facts.request.channel, facts.request.address
    if channel == "email" and not _MAILBOX.fullmatch(address):
        return Suppress(Suppression.INVALID_ADDRESS, "what is known as the mail address has not the form name@domain")
    if channel in ("sms", "whatsapp") and not _PHONE.fullmatch(address):
        return Suppress(
            Suppression.INVALID_ADDRESS, "what is known as the phone number has not the form +<country><number>"
        )
    if facts.record.refused and facts.record.refused.get(channel) == fingerprint(address):
        return Suppress(Suppression.INVALID_ADDRESS, f"the provider refused this address for {channel} before")
    return None


def _stop(facts: Facts) -> Suppress | None:
    said = stopped(facts.record, facts.request.channel)
    if said is None:
        return None
    words = _SAID[Suppression(said.stop)].format(channel=facts.request.channel)
    return Suppress(said.stop, f"{words}, {moment(said.at)}")


def _no_consent(facts: Facts) -> Suppress | None:
    channel = facts.request.channel
    if channel not in facts.campaign.needs_opt_in or facts.campaign.kind == "transactional" or facts.request.opt_in:
        return None
    if permitted(facts.record, channel, facts.campaign.kind):
        return None
    return Suppress(Suppression.NO_CONSENT, f"{channel} needs an opt-in, and none is recorded")


def _missing_data(facts: Facts) -> Suppress | None:
    if not facts.request.missing:
        return None
    return Suppress(Suppression.MISSING_DATA, f"no value for {', '.join(facts.request.missing)}, and no default")


def _expired(facts: Facts) -> Suppress | None:
    if facts.now < facts.request.expires_at:
        return None
    return Suppress(Suppression.EXPIRED, f"expired {facts.request.expires_at.astimezone(UTC):%Y-%m-%d %H:%M} UTC")


def _engaged_elsewhere(facts: Facts) -> Suppress | None:
    """The fallback of a reminder is one too."""
    if facts.request.campaign_id not in facts.record.engaged:
        return None
    if facts.campaign.steps[facts.head - 1].only_if != "not_engaged":
        return None
    return Suppress(Suppression.ENGAGED_ELSEWHERE, "a reminder, and the person has already reacted to this campaign")


def _already_delivered(facts: Facts) -> Suppress | Held | None:
    if facts.step.only_if != "not_delivered":
        return None
    send_id, head = facts.request.send_id, facts.head
    if step := reached_by(facts.record, send_id, head):
        return Suppress(Suppression.ALREADY_DELIVERED, f"a fallback, and step {step} was delivered")
    return HELD if unresolved(facts.record, send_id, head) else None


def _frequency_capped(facts: Facts) -> Suppress | None:
    if not facts.campaign.limits.caps:
        return None
    taken = taken_of(facts.record, facts.campaign, facts.request.channel, facts.now)
    full = next((one for one in taken if one.full), None)
    return Suppress(Suppression.FREQUENCY_CAPPED, full.words()) if full else None


Gate = Callable[[Facts], Suppress | Held | None]

GATES: Final[dict[str, Gate]] = {
    "duplicate": _duplicate,
    "no_address": _no_address,
    "invalid_address": _invalid_address,
    "stop": _stop,
    "no_consent": _no_consent,
    "missing_data": _missing_data,
    "expired": _expired,
    "engaged_elsewhere": _engaged_elsewhere,
    "already_delivered": _already_delivered,
    "frequency_capped": _frequency_capped,
}
"""By name, in order: the first that finds a reason, or that nothing can be said yet, decides."""
