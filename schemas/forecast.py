"""What a campaign would come to if it were launched: people, messages, money, time."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from schemas.base import AccountKey, Channel, Time, Wire
from schemas.campaign import OnlyIf

Count = Annotated[int, Field(ge=0)]


class StepForecast(Wire):
    """Money in millionths of the account's currency."""

    step: Annotated[int, Field(ge=1)]
    channel: Channel
    account: AccountKey
    only_if: OnlyIf
    reachable: Count
    """People whom the channel reaches now: the most that the step sends; a reminder or a fallback sends fewer."""
    dropped: dict[str, Count] = {}
    """Reason of suppression -> people, each under the first in the router's order."""
    units: Count = 1
    """SMS segments of the longest message looked at; 1 on other channels."""
    dearest_micros: Count = 0
    """The most that one message can cost."""
    most_micros: Count = 0
    """The most that the step can cost, were there no budget."""
    likely_micros: Count = 0
    """The same number of messages at the mean price of those looked at."""
    unaffordable: Count = 0
    """Messages that the budget may leave out."""
    begins_at: Time
    ends_at: Time
    """At the account's rate, outside of the campaign zone's quiet hours."""


class Forecast(Wire):
    at: Time
    people: Count
    """Whom the audience means."""
    currency: str = "USD"
    most_micros: Count = 0
    """The most that it can cost: never above the budget."""
    likely_micros: Count = 0
    budget_micros: Count | None = None
    looked_at: Count = 0
    """People for whom the messages were made to find the longest: those with the longest values, and some by chance."""
    finish_at: Time | None = None
    """None: it reaches nobody."""
    doubtful: list[str] = []
    """What is not wrong, and perhaps not meant, in sentences."""
    steps: list[StepForecast]
