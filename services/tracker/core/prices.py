"""What a provider says that a message has cost, and what follows for the cost of its attempt."""

from __future__ import annotations

from collections.abc import Collection
from decimal import Decimal, InvalidOperation
from typing import Final

import msgspec

from services.domain.messages import DeliveryEvent, event_for

SOURCE: Final = "price"
ENDED: Final = frozenset({"delivered", "undelivered", "failed"})
"""Twilio's last words about a message, after which it settles the price."""
_FAILURES: Final = frozenset({"failed", "failed_retryable"})
_MICROS: Final = 1_000_000


def waived(event: DeliveryEvent, word: str, free_statuses: Collection[str]) -> DeliveryEvent:
    """The event, saying that its attempt is free where the rate card says so of the provider's word."""
    if event.status in _FAILURES and word in free_statuses:
        return msgspec.structs.replace(event, cost_micros=0, cost_basis="waived")
    return event


def price_micros(price: str | None, unit: str | None, currency: str) -> int | None:
    """Twilio's `price`, a negative decimal in `price_unit`, in millionths of the currency.

    None where it is not settled, is no amount, or is of a currency that the account's figures are not in.
    """
    if not price or (unit or "").upper() != currency:
        return None
    try:
        amount = abs(Decimal(price))
    except InvalidOperation:
        return None
    return int((amount * _MICROS).to_integral_value()) if amount.is_finite() else None


def price_event(event: DeliveryEvent, micros: int, currency: str) -> DeliveryEvent:
    """What the attempt really cost, as an event of its own: told twice, it says the same.

    Whatever has a price was accepted, and no other word is hurt by that one.
    """
    amount = f"{Decimal(micros) / _MICROS:f}"
    return event_for(
        event, "accepted", source=SOURCE, occurred_at=event.occurred_at, cost_micros=micros, cost_basis="price",
        detail=f"the provider charged {amount} {currency}", provider=event.provider,
        provider_message_id=event.provider_message_id,
    )  # fmt: skip
