"""What one message costs at most, by its account's rate card. Whole millionths of the account's currency."""

from __future__ import annotations

from schemas import Channel, RateCard
from services.domain.content.addresses import country_of
from services.domain.content.compiled import Rendered, RenderedSms


def unit_price(card: RateCard, channel: str, address: str) -> int:
    """Of a mail, a WhatsApp message, one SMS segment to this address."""
    if card.by_country and channel in (Channel.SMS, Channel.WHATSAPP):
        return card.by_country.get(country_of(address), card.message_micros)
    return card.message_micros


def message_cost(card: RateCard, channel: str, address: str, rendered: Rendered | None) -> int:
    """`rendered` matters where segments are billed; None counts as one."""
    units = rendered.segments.count if isinstance(rendered, RenderedSms) else 1
    return unit_price(card, channel, address) * units
