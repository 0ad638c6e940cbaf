"""Small things that every service knows by heart: compacted topics, read whole into memory."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from schemas.base import DEFAULT_BRAND, AccountKey, BrandKey, Channel, Identifier, Time, Wire


class Brand(Wire):
    brand_id: BrandKey
    name: str = ""
    postal_address: str = ""
    """Stands in the footer of every mail: the law of most countries demands it."""
    from_name: str = ""


class RateCard(Wire):
    """Highest price of one message, in millionths of the account's currency."""

    currency: str = "USD"
    message_micros: Annotated[int, Field(ge=0)] = 0
    """A mail, a WhatsApp message, one SMS segment."""
    by_country: dict[str, int] = {}
    """ISO 3166 code -> micros, in place of `message_micros`."""
    free_statuses: list[str] = ["failed"]
    """What the provider charges nothing for: our `failed`, and the provider's own last words. Twilio's `failed` is free
    of charge, its `undelivered` is not."""


class Account(Wire):
    """A sender identity at a provider. Belongs to one channel."""

    account_id: AccountKey
    brand: BrandKey = DEFAULT_BRAND
    channel: Channel
    provider: Literal["twilio", "sendgrid", "fcm", "webpush", "facebook", "instagram", "x", "linkedin"]
    base_url: str = ""
    sender: str = ""
    """From: a mail address, a number, or a messaging service."""
    username: str = ""
    secret: Annotated[str, Field(repr=False)] = ""
    """Encrypted with the master key."""
    rate_per_s: Annotated[float, Field(gt=0)]
    rate_card: RateCard = RateCard()
    uncertain_policy: Literal["assume_sent", "resend"] = "assume_sent"
    fetch_prices: bool = False
    """Ask what each message has cost once it has ended: a request a message, behind what is sent. Twilio alone."""
    updated_at: Time | None = None


class Template(Wire):
    template_id: Identifier
    brand: BrandKey = DEFAULT_BRAND
    channel: Channel
    name: str
    content: dict[str, object]
    version: int = 1


class Operator(Wire):
    operator_id: Identifier
    brand: BrandKey = DEFAULT_BRAND
    name: str = ""
    email: str = ""
    role: Literal["admin", "marketer", "viewer"]
