"""What a message costs at its account, by the real rate cards and segments."""

from __future__ import annotations

from collections.abc import Mapping

from schemas import RateCard
from services.domain.content import Compiled, message_cost, render
from simulation.society import Society


class Accounts:
    def __init__(self, society: Society) -> None:
        def by_country(field: str) -> RateCard:
            prices = {country.code: int(getattr(country, field)) for country in society.countries}
            return RateCard(message_micros=max(prices.values()), by_country=prices)

        self.cards = {
            "email": RateCard(message_micros=society.email_micros),
            "sms": by_country("sms_micros"),
            "whatsapp": by_country("whatsapp_micros"),
        }

    def cost(self, compiled: Compiled, channel: str, address: str, data: Mapping[str, object]) -> int:
        """Of this person's message, in millionths of a US dollar; rendered where segments are billed."""
        rendered = render(compiled, data) if channel == "sms" else None
        return message_cost(self.cards[channel], channel, address, rendered)
