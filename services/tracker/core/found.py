"""Whether a message in the provider's list is the one whose fate nobody told us. Only a find counts.

The list carries no id of ours. A message is taken for a send when it went to that address from that account's sender,
was made between the routing and shortly after the doubt, reads as this send reads, and is claimed by nothing in the
ledger; when there is exactly one such message, and it fits no other send in doubt. Anything else concludes nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from schemas import RateCard
from services.domain.content import Rendered, RenderedSms, RenderedWhatsapp
from services.domain.messages import DeliveryEvent, event_for
from services.tracker.core.prices import price_micros, waived
from services.tracker.core.twilio import PROGRESS, PROVIDER, STATUS, failure
from services.tracker.core.uncertain import UncertainSend

SOURCE: Final = "ask"
SKEW: Final = timedelta(seconds=60)
"""By how much the provider's clock may differ from ours, and by how much a late request may outlive the doubt."""
Key = tuple[str, int]
"""Send id and attempt."""


class Listed(msgspec.Struct, frozen=True):
    """What counts of Twilio's Message resource."""

    sid: str
    to: str
    sender: str
    service: str
    text: str
    status: str
    error_code: str
    created_at: datetime
    price: str | None
    price_unit: str | None


class Doubt(msgspec.Struct, frozen=True):
    """A send in doubt, and what its message must look like. `address` and `sender` as the provider writes them."""

    send: UncertainSend
    address: str
    sender: str
    """A number, a word or a messaging service (MG...)."""
    rendered: Rendered
    routed_at: datetime
    card_micros: int
    """What it costs by the rate card."""


def fits(doubt: Doubt, listed: Listed) -> bool:
    """Whether this may be the message of this send."""
    sender = listed.service if doubt.sender.startswith("MG") else listed.sender
    return (
        listed.to == doubt.address
        and sender == doubt.sender
        and doubt.routed_at - SKEW <= listed.created_at <= doubt.send.at + SKEW
        and reads_as(doubt.rendered, listed.text)
    )


def reads_as(rendered: Rendered, text: str) -> bool:
    """A template's words are the provider's: of these only what we filled in can be compared."""
    match rendered:
        case RenderedSms(text=own):
            return text.strip() == own
        case RenderedWhatsapp(template=None, text=own):
            return text.strip() == (own or "").strip()
        case RenderedWhatsapp(variables=variables):
            return all(value.strip() in text for value in variables.values())
    return False


def conclude(
    doubts: Iterable[Doubt], asked: Collection[Key], listed: Sequence[Listed], claimed: Collection[str]
) -> dict[Key, tuple[Doubt, Listed]]:
    """The finds among `asked`. `doubts`: all there are, for a message that fits two is neither's."""
    fitting: dict[Key, list[tuple[Doubt, Listed]]] = defaultdict(list)
    wanted: dict[str, int] = defaultdict(int)
    free = {message.sid: message for message in listed if message.sid not in claimed}
    for doubt in doubts:
        for message in free.values():
            if fits(doubt, message):
                fitting[doubt.send.key].append((doubt, message))
                wanted[message.sid] += 1
    return {
        key: found[0]
        for key, found in fitting.items()
        if key in asked and len(found) == 1 and wanted[found[0][1].sid] == 1
    }


def events_of(doubt: Doubt, listed: Listed, card: RateCard) -> list[DeliveryEvent]:
    """What a find says: the provider has taken it; and how it ended, where it has."""
    micros = price_micros(listed.price, listed.price_unit, card.currency)
    at = min(max(listed.created_at, doubt.routed_at), doubt.send.at)
    taken = event_for(
        doubt.send, "accepted", source=SOURCE, occurred_at=at, detail="the provider was asked and has it",
        cost_micros=doubt.card_micros if micros is None else micros, cost_basis="card" if micros is None else "price",
        provider=PROVIDER, provider_message_id=listed.sid,
    )  # fmt: skip
    status, reason, detail = STATUS.get(listed.status, ""), "", ""
    if listed.status in PROGRESS or status in ("", "accepted"):
        return [taken]
    if status == "failed":
        status, reason, detail = failure(listed.status, listed.error_code)
    ended = event_for(
        doubt.send, status, source=SOURCE, occurred_at=doubt.send.at, reason=reason, detail=detail, provider=PROVIDER,
        provider_message_id=listed.sid,
    )  # fmt: skip
    return [taken, waived(ended, listed.status, card.free_statuses)]
