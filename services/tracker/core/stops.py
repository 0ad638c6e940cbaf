"""Whom a stop concerns: everybody of the brand who has the address. And what is published for them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

import msgspec

from schemas import STOPS, Status
from services.domain.messages import Consent, DeliveryEvent, event_for, send_id_of
from services.tracker.core.rows import Inbound, Row, brand_of, milliseconds

SOURCE: Final = "tracker"
ADDRESS_FIELD: Final[dict[str, str]] = {"email": "email", "sms": "phone", "whatsapp": "phone"}
"""Channel -> the contact's field that holds its address."""
STOP_REASON: Final[dict[str, str]] = {status.value: reason.value for status, reason in STOPS.items()}


class Stop(msgspec.Struct, frozen=True):
    """Nothing more to this address on this channel; or, with `lifted`, again."""

    brand: str
    channel: str
    address: str
    reason: str
    at: datetime
    proof: str
    lifted: bool = False


class PersonStop(msgspec.Struct, frozen=True):
    """A stop of which we know the person, and have yet to look up the address."""

    recipient: str
    channel: str
    campaign_id: str
    reason: str
    at: datetime
    proof: str


class LastSend(msgspec.Struct, frozen=True):
    """The latest message to an address: the one that an answer answers."""

    recipient: str
    campaign_id: str
    step: int
    attempt: int
    ord: int
    channel: str
    account: str

    @property
    def send_id(self) -> str:
        return send_id_of(self.campaign_id, self.step, self.recipient)


def person_stop(event: DeliveryEvent) -> PersonStop | None:
    """What an event means for others with the same address; None for most events."""
    reason = STOP_REASON.get(event.status)
    if reason is None or event.machine or event.channel not in ADDRESS_FIELD:
        return None
    return PersonStop(event.recipient, event.channel, event.campaign_id, reason, event.occurred_at, event.event_id)


def inbound_stops(message: Inbound, brands: Iterable[str]) -> list[Stop]:
    """STOP counts for every brand that writes from the number. START is a yes, so it counts for one: the brand that
    wrote to the person last; where nobody is known to have done so, the number's only one."""
    if message.keyword not in ("stop", "start"):
        return []
    brands = set(brands)
    if message.keyword == "start":
        brands = brands & {brand_of(message.recipient)} if message.recipient else brands if len(brands) == 1 else set()
    return [
        Stop(
            brand,
            message.channel,
            message.from_address,
            "opted_out",
            message.at,
            f"{message.channel} message {message.message_id}",
            lifted=message.keyword == "start",
        )
        for brand in sorted(brands)
    ]


def consent_for(stop: Stop | PersonStop, recipient: str) -> Consent:
    """The same stop always makes the same consent, however often it is made."""
    lifted = isinstance(stop, Stop) and stop.lifted
    return Consent(
        recipient=recipient,
        channel=stop.channel,
        state="opted_in" if lifted else "opted_out",
        at=stop.at,
        source=SOURCE,
        proof=stop.proof,
        reason="opted_out" if lifted else stop.reason,
    )


def suppression_row(stop: Stop) -> Row:
    return (stop.brand, stop.channel, stop.address, stop.reason, int(stop.lifted), milliseconds(stop.at, "at"))


def address_stops(stops: Iterable[PersonStop], addresses: dict[tuple[str, str, str], str]) -> list[Stop]:
    """Where the person's address is known. `addresses`: (recipient, channel, campaign) -> address."""
    found = []
    for stop in stops:
        address = addresses.get((stop.recipient, stop.channel, stop.campaign_id), "")
        if address:
            found.append(Stop(brand_of(stop.recipient), stop.channel, address, stop.reason, stop.at, stop.proof))
    return found


def answer_event(message: Inbound, send: LastSend) -> DeliveryEvent | None:
    """What an answer says of the send that it answers: `replied`, or `unsubscribed` for a STOP."""
    if message.keyword in ("start", "help"):
        return None
    status = Status.UNSUBSCRIBED if message.keyword == "stop" else Status.REPLIED
    return event_for(send, status.value, source=SOURCE, occurred_at=message.at)
