"""What a message may cost at most: the reserve that goes with its request, and that no sender may exceed."""

from __future__ import annotations

from schemas import Account, Channel
from services.domain.clicks import ClickLinks
from services.domain.content import Compiled, Links, RenderProblem, message_cost, render
from services.domain.messages import SendRequest

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
