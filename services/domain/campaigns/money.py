"""A campaign's money: what its budget allows, and the most that a message may cost: no sender may exceed that."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from schemas import Account, CampaignRecord, Channel
from services.domain.clicks import ClickLinks
from services.domain.content import Compiled, Links, RenderProblem, message_cost, render
from services.domain.messages import SendRequest

MICROS = 1_000_000
LONGEST_TOKEN = "x" * 120
"""Stands in for the token of a link that is made at the sender."""

ANY_KEY = "-"
"""A tracked link is as long under every secret."""


def reserve_micros(account: Account, content: Compiled, request: SendRequest, public_url: str) -> int:
    """Upper bound of a message's cost, in millionths of the account's currency.

    Where segments are billed the text is rendered as the sender will, with links at least as long.
    """
    rendered = None
    if account.channel is Channel.SMS:
        tracked = None
        if content.tracks:
            tracked = ClickLinks(
                public_url.rstrip("/"), ANY_KEY, request.campaign_id, request.step, request.ord, request.attempt
            )
        links = Links(f"{public_url}/u/{LONGEST_TOKEN}", f"{public_url}/p/{LONGEST_TOKEN}", tracked)
        try:
            rendered = render(content, request.data, links)
        except RenderProblem:
            return message_cost(account.rate_card, request.channel, request.address, None)  # the sender will refuse it
    return message_cost(account.rate_card, request.channel, request.address, rendered)


@dataclass(frozen=True)
class Caps:
    total: int
    by_channel: dict[str, int]
    """Channels without a share of their own are bounded by the total alone."""
    channels: tuple[str, ...]
    """Of step 1, 2, ..."""


def caps_of(record: CampaignRecord) -> Caps | None:
    """None: money does not matter."""
    budget = record.budget
    if budget is None:
        return None
    total = int(budget.total * MICROS)
    shares = {channel.value: _share(text, total) for channel, text in budget.allocation.items()}
    return Caps(total, shares, tuple(step.channel.value for step in record.steps))


def _share(text: str, total: int) -> int:
    if text.endswith("%"):
        return int(Decimal(text[:-1]) * total / 100)
    return int(Decimal(text) * MICROS)
