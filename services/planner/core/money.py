"""What a message may cost at most, for the reserve that goes with its request."""

from __future__ import annotations

from schemas import Account, Channel

MOST_SEGMENTS = 24
"""Twilio takes at most 1,600 characters; in UCS-2 that is 24 segments of 67, in GSM-7 11 of 153."""


def reserve_micros(account: Account) -> int:
    """An upper bound of one message's cost, in millionths of the account's currency."""
    card = account.rate_card
    price = max([card.message_micros, *card.by_country.values()])
    return price * (MOST_SEGMENTS if account.channel is Channel.SMS else 1)
