"""What a person may choose on the preference page, and what their choice says."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Final

import msgspec

from schemas import DEFAULT_OPT_IN, Channel
from services.domain.eligibility import ALL_CHANNELS
from services.domain.links import LinkTarget
from services.domain.messages import Consent

LABELS: Final[dict[str, str]] = {"email": "Email", "sms": "SMS", "whatsapp": "WhatsApp", "push": "App notifications"}
SOURCE: Final = "preference-page"
EVERYTHING_OFF: Final = f"{ALL_CHANNELS}:off"
LINK_SOURCE: Final = "unsubscribe-link"


class Choice(msgspec.Struct, frozen=True):
    channel: str
    label: str
    on: bool


def choices(states: Mapping[str, str], needs_opt_in: Collection[str] = DEFAULT_OPT_IN) -> list[Choice]:
    """`states`: channel -> opted_in or opted_out, where something is recorded. `needs_opt_in`: the brand's channels on
    which silence is a no; the others are allowed as long as nobody has objected."""
    return [
        Choice(name, label, states.get(name, "opted_out" if name in needs_opt_in else "opted_in") == "opted_in")
        for name, label in LABELS.items()
    ]


def chosen(target: LinkTarget, shown: Iterable[str], on: Iterable[str], now: datetime) -> list[Consent]:
    """Only what the person changed: a box left as it was says nothing. `shown`: `<channel>:on` or `<channel>:off`.

    `all:off`: they had stopped everything. Whoever then ticks a box lifts that, and means no channel without a tick.
    """
    wanted, made, shown = set(on), [], list(shown)
    if EVERYTHING_OFF in shown and wanted & set(LABELS):
        states = {channel.value: "opted_in" if channel in wanted else "opted_out" for channel in Channel}
        words = [(ALL_CHANNELS, "opted_in"), *states.items()]
        return [_consent(target, name, state, SOURCE, now) for name, state in words]
    for name, _, was in (item.partition(":") for item in shown):
        if name in LABELS and (name in wanted) != (was == "on"):
            state = "opted_in" if name in wanted else "opted_out"
            made.append(_consent(target, name, state, SOURCE, now))
    return made


def unsubscription(target: LinkTarget, now: datetime) -> Consent:
    return _consent(target, target.channel, "opted_out", LINK_SOURCE, now)


def _consent(target: LinkTarget, channel: str, state: str, source: str, now: datetime) -> Consent:
    proof = f"link in {target.send_id}"
    return Consent(recipient=target.recipient, channel=channel, state=state, at=now, source=source, proof=proof)
