"""What a campaign may cost and what it did cost, channel by channel and send by send. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

PRICES: Final = {"email": 900, "sms": 7_900, "whatsapp": 5_000}
"""Millionths for a message: the rate cards of the run's accounts. Every text here is one segment long."""
_FREE_OR_NOT: Final = frozenset({"failed", "failed_retryable"})
"""What the provider refused at once costs nothing, what it took and could not deliver may."""


class Purse:
    """Caps of a campaign: so many messages of each channel, and their sum in all."""

    def __init__(self, channels: Sequence[str], messages: int) -> None:
        self.by_channel = {channel: messages * PRICES[channel] for channel in channels}

    @property
    def total(self) -> int:
        """Millionths; 0: no budget."""
        return sum(self.by_channel.values())

    def budget(self) -> dict[str, Any]:
        """As a campaign's definition has it."""
        budget: dict[str, Any] = {"total": _amount(self.total), "currency": "USD"}
        if len(self.by_channel) > 1:
            budget["allocation"] = {channel: _amount(micros) for channel, micros in self.by_channel.items()}
        return budget


def overdrawn(purse: Purse, sends: Iterable[Mapping[str, Any]], received: Iterable[Mapping[str, Any]]) -> list[str]:
    """Where a cap is exceeded, by what the ledger says that sends cost or by what the providers took."""
    if not purse.total:
        return []
    spent, taken = Counter[str](), Counter[str]()
    for send in sends:
        spent[send["channel"]] += send["cost_micros"]
    for message in received:
        taken[message["channel"]] += PRICES[message["channel"]]
    found = []
    for channel, cap in purse.by_channel.items():
        for words, micros in (("spent", spent[channel]), ("taken by the provider", taken[channel])):
            if micros > cap:
                found.append(f"{channel}: {micros} micros {words}, of {cap}")
    return found


def wrong_costs(sends: Iterable[Mapping[str, Any]], received: Iterable[Mapping[str, Any]]) -> list[str]:
    """Sends whose cost in the ledger is not what their rate card says of what became of them."""
    taken = {message["send_id"] for message in received}
    found = []
    for send in sends:
        price, cost = PRICES[send["channel"]], send["cost_micros"]
        if cost not in _possible(send, price, send["send_id"] in taken):
            found.append(
                f"{send['send_id']}: {send['status']}({send['reason']}) at {cost} micros, the price is {price}"
            )
    return found


def _possible(send: Mapping[str, Any], price: int, taken: bool) -> tuple[int, ...]:
    if send["status"] in _FREE_OR_NOT or send["reason"] == "campaign_cancelled":
        return (0, price)  # a cancelled campaign closes uncertain sends too, and what those may have cost is kept
    return (price,) if taken or send["reason"] == "assumed" else (0,)


def _amount(micros: int) -> str:
    return f"{micros / 1e6:.6f}"
