"""Small things that every service knows by heart: compacted topics, read whole into memory."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints

from schemas.audience import AudienceFilter
from schemas.base import DEFAULT_BRAND, AccountKey, BrandKey, CampaignKey, Channel, Identifier, Time, Wire, Zone
from schemas.campaign import Currency, Money
from schemas.limits import Cap, QuietHours

DEFAULT_OPT_IN = (Channel.SMS, Channel.WHATSAPP)
"""Channels on which silence is a no, where a brand says nothing else (product.md, "Consent and the law")."""

Word = Annotated[str, StringConstraints(min_length=1, max_length=40)]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})?$")]


class BrandLimits(Wire):
    """What a campaign of the brand keeps to where it says nothing itself."""

    quiet_hours: QuietHours | None = None
    caps: list[Cap] = []


class Amount(Wire):
    total: Money
    currency: Currency = "USD"


class AnswerWords(Wire):
    """What people write to opt out, to opt in again, to ask for help. They add to the installation's words, which the
    carriers demand."""

    stop: list[Word] = []
    start: list[Word] = []
    help: list[Word] = []
    help_answer: Annotated[str, StringConstraints(max_length=480)] = ""
    """Is answered to a word for help; empty: nothing is, and the provider's own answer stands alone."""


Colour = Annotated[str, StringConstraints(pattern=r"^#[0-9A-Fa-f]{6}$")]
"""As in CSS: `#1f6feb`."""


class BrandLook(Wire):
    """What every mail of the brand has in common, whoever writes it. Texts are plain: no HTML, no placeholders."""

    header: Annotated[str, StringConstraints(max_length=200)] = ""
    """Stands above every mail; beside the logo, if there is one."""
    logo: Annotated[str, StringConstraints(pattern=r"^(https://[^\s\"'<>]+)?$", max_length=500)] = ""
    """Address of a picture, shown above every mail at most 48 px high."""
    footer: Annotated[str, StringConstraints(max_length=1000)] = ""
    """Stands below every mail, above the postal address and the link to unsubscribe, which are always there."""
    accent: Colour = "#1f6feb"
    """Of buttons, and of the line under the header."""
    background: Colour = "#ffffff"
    """Behind mails that are made from the message body."""
    text: Colour = "#1f2328"
    """Of the words in these mails."""


class BrandRules(Wire):
    """What may be said of a brand. It is taken into a campaign when that is applied, edited or launched; a change does
    not reach campaigns that run."""

    name: str = ""
    postal_address: str = ""
    """Stands in the footer of every mail: the law of most countries demands it."""
    from_name: str = ""
    opt_in_channels: list[Channel] = list(DEFAULT_OPT_IN)
    """Channels on which silence is a no; on all others everybody may be messaged who has not opted out."""
    limits: BrandLimits = BrandLimits()
    zone: Zone | None = None
    """Of people and campaigns that name none; absent: UTC."""
    approval_above: Amount | None = None
    """A campaign whose budget is larger needs a second person's approval."""
    keywords: dict[Language, AnswerWords] = {}
    """By language: `en`, `pt-BR`."""
    voice: Annotated[str, StringConstraints(max_length=2000)] = ""
    """How the brand speaks: for whoever, or whatever, writes its texts."""
    look: BrandLook = BrandLook()
    """Of its mails. Senders read it, as they do the postal address: mails that leave later show it as it is then."""


class Brand(BrandRules):
    """The client on whose behalf messages go."""

    brand_id: BrandKey
    updated_at: Time | None = None


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
    webhook_public_key: str = ""
    """With which the provider's events of this account are signed, base64 of DER. SendGrid alone."""
    expires_at: Time | None = None
    """When its credentials end, where they do."""
    disconnected_at: Time | None = None
    """Nothing is sent through it from then on, and its secret is forgotten; absent: it is connected."""
    updated_at: Time | None = None


class AccountCheck(Wire):
    """On `account-checks`, key `channel/account`: what the last call to the provider with its credentials came to."""

    account_id: AccountKey
    channel: Channel
    brand: BrandKey = DEFAULT_BRAND
    at: Time
    good: bool
    detail: Annotated[str, StringConstraints(max_length=500)] = ""
    """In words, for people."""


class Template(Wire):
    """On `templates`, key `brand/template`. Its last version; campaigns keep what they took from an earlier one."""

    template_id: Identifier
    brand: BrandKey = DEFAULT_BRAND
    channel: Channel
    name: str
    content: dict[str, object]
    """As `content.<channel>` of a campaign."""
    version: int = 1
    updated_at: Time | None = None


Role = Literal["admin", "marketer", "viewer"]


class Operator(Wire):
    """Who may act: a person, who signs in by a link, or a machine, which has a key. Neither secret is kept."""

    operator_id: Identifier
    brand: BrandKey = DEFAULT_BRAND
    name: str = ""
    email: str = ""
    role: Role
    kind: Literal["person", "machine"] = "person"
    installation: bool = False
    """An admin of the whole installation: makes brands, and may act for each of them."""
    key_hash: Annotated[str, Field(repr=False)] = ""
    """SHA-256 of a machine's key: 256 random bits, so a slow hash would add nothing."""
    link_hash: Annotated[str, Field(repr=False)] = ""
    """SHA-256 of the login link that is open; empty: there is none, or it has been used."""
    link_expires_at: Time | None = None
    password_hash: Annotated[str, Field(repr=False)] = ""
    """Argon2id, with its parameters, as a person has chosen it; empty: they sign in by links alone."""
    sessions: Annotated[int, Field(ge=0)] = 0
    """Rises when all sessions of theirs are to end: one that was opened under another number is over."""
    created_at: Time | None = None
    created_by: str = ""


class Draft(Wire):
    """On `drafts`, key `brand/draft`. A campaign that is still being written; its record comes with the launch."""

    draft_id: CampaignKey
    """Becomes the campaign's id."""
    brand: BrandKey = DEFAULT_BRAND
    revision: Annotated[int, Field(ge=1)]
    """Rises with each change: whoever changes it says which one they had read."""
    sheet: dict[str, Any] = {}
    """A campaign file as far as it is written: it may lack what a campaign needs, and may say what none can."""
    created_at: Time
    updated_at: Time
    updated_by: str = ""
    """The operator's id."""
    campaign_at: Time | None = None
    """It goes on with a campaign that was a Draft before: when that had last changed as it was taken over."""


class Segment(Wire):
    """On `segments`, key `brand/segment`. Conditions on people under a name, for whoever needs the same people again. A
    campaign takes the conditions over as they are then."""

    segment_id: Identifier
    brand: BrandKey = DEFAULT_BRAND
    name: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    filter: AudienceFilter
    updated_at: Time | None = None
    updated_by: str = ""
    """The operator's id."""
