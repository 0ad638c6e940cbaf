"""Whom the channels reach of people that a campaign lists itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from schemas import Channel, InlineRecipient
from services.domain.addresses import clean_address
from services.domain.reach import CHANNELS, HAS_EMAIL, HAS_PHONE, KNOWN, YES, said_of

LISTED_SAID: Final = said_of("SELECT arrayJoin(%(keys)s)")
"""Rows (recipient, what they said, in the bits of `reach`); `keys`: the recipients, bound by the client."""
ReachRow = tuple[str, int, int]


def listed_reach(brand: str, people: Sequence[InlineRecipient], said: Mapping[str, int]) -> list[ReachRow]:
    """As the rows of `reach.counting`. A yes in the list counts where nothing is recorded."""
    counts, seen = Counter[tuple[str, int]](), set[tuple[str, str]]()
    for person in people:
        email, phone = clean_address("email", person.email), clean_address("sms", person.phone)
        bits = KNOWN + said.get(f"{brand}/{person.id}", 0) + HAS_EMAIL * bool(email) + HAS_PHONE * bool(phone)
        for number, channel in enumerate(CHANNELS):
            if channel in person.opt_in and not bits >> (3 * number) & 7:
                bits += YES << (3 * number)
        counts["people", bits] += 1
        for kind, address in (("email", email), ("phone", phone)):
            if address and (kind, address) in seen:
                counts[kind, bits] += 1
            seen.add((kind, address))
    return [(kind, bits, count) for (kind, bits), count in counts.items()]


def opted_in(bits: int) -> list[Channel]:
    """Channels of `audience_members.opt_in`."""
    return [channel for number, channel in enumerate(Channel) if bits >> number & 1]
