"""From what somebody enters about an account to the accounts that it becomes, and what is wrong with it."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import datetime
from email.utils import parseaddr
from typing import Annotated, Any, Final, Literal

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import load_der_public_key
from pydantic import BaseModel, Field, SecretStr, StringConstraints

from schemas import Account, Channel, FieldError, RateCard, Wire
from schemas.base import AccountKey, Time
from schemas.campaign import Currency
from services.console.core.accounts import CHANNELS, ids_for

Provider = Literal["twilio", "sendgrid"]
Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=300)]
Secret = Annotated[SecretStr, Field(max_length=500)]
Rate = Annotated[float, Field(gt=0, le=10_000, allow_inf_nan=False)]
Price = Annotated[int, Field(ge=0, le=10**12)]
USUAL_RATE: Final = {Channel.EMAIL: 20.0, Channel.SMS: 10.0, Channel.WHATSAPP: 5.0}
"""Messages a second, where nothing is said."""
_SID = re.compile(r"AC[0-9a-fA-F]{32}")
_SERVICE = re.compile(r"MG[0-9a-fA-F]{32}")
_NUMBER = re.compile(r"\+[1-9][0-9]{6,14}")
_WORD = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9 &+._-]{1,11}")
_COUNTRY = re.compile(r"[A-Z]{2}")


class PriceList(Wire):
    """Highest price of one message; what is left out is as usual."""

    currency: Currency = "USD"
    message_micros: Price = 0
    by_country: Annotated[dict[str, Price], Field(max_length=300)] = {}
    free_statuses: Annotated[list[Annotated[str, StringConstraints(max_length=40)]], Field(max_length=20)] = ["failed"]


class AccountChanges(Wire):
    """What may be said of an account at any time; what is left out stays."""

    sender: Text | None = None
    """A mail address, `Name <address>`, a number, a word that is shown as sender, or a messaging service (MG...)."""
    account_sid: Text | None = None
    auth_token: Secret | None = None
    api_key: Secret | None = None
    webhook_public_key: Annotated[str, StringConstraints(strip_whitespace=True, max_length=2000)] | None = None
    rate_per_s: Rate | None = None
    rate_card: PriceList | None = None
    uncertain_policy: Literal["assume_sent", "resend"] | None = None
    fetch_prices: bool | None = None
    expires_at: Time | None = None
    """When its credentials end. Null: they do not."""


class Connect(AccountChanges):
    """A new account; of Twilio's, one for each channel that is chosen."""

    account_id: Annotated[AccountKey, StringConstraints(max_length=60)]
    provider: Provider
    channels: list[Channel] = []
    """Of the provider's; empty: SMS of Twilio's, email of SendGrid's."""
    whatsapp_sender: Text | None = None
    """The WhatsApp number; absent: that of `sender`."""


class Connected(BaseModel):
    """What is to be kept, its secret still in clear beside it."""

    accounts: list[Account]
    secret: SecretStr


def connected(body: Connect, brand: str, base_url: str, now: datetime) -> Connected | list[FieldError]:
    """The accounts that it becomes, without their secret; or everything that is wrong with it."""
    channels = list(dict.fromkeys(body.channels)) or [CHANNELS[body.provider][0]]
    errors = [
        _error("channels", "not_of_provider", f"{body.provider} does not carry {channel.value}: leave it out")
        for channel in channels if channel not in CHANNELS[body.provider]
    ]  # fmt: skip
    if body.account_id in ("default", "connect") or body.account_id.endswith("-dlq"):
        errors.append(_error("account_id", "reserved", f"'{body.account_id}' has a meaning of its own: choose another"))
    secret = body.auth_token if body.provider == "twilio" else body.api_key
    name = "auth_token" if body.provider == "twilio" else "api_key"
    if secret is None or not secret.get_secret_value().strip():
        errors.append(_error(name, "missing", "enter it: it is kept encrypted, and never shown again"))
    if body.provider == "twilio":
        errors += _sid_problems(body.account_sid or "")
    errors += [problem for channel in channels for problem in sender_problems(channel, _sender(body, channel))]
    errors += key_problems(body.webhook_public_key or "") + card_problems(body.rate_card)
    if errors or secret is None:
        return list({(error.field, error.message): error for error in errors}.values())
    made = [
        Account.model_validate(
            {
                "account_id": account_id, "brand": brand, "channel": channel, "provider": body.provider,
                "base_url": base_url, "sender": _sender(body, channel), "username": body.account_sid or "",
                "rate_per_s": body.rate_per_s or USUAL_RATE[channel], "updated_at": now,
                **_said(body, ("rate_card", "uncertain_policy", "fetch_prices", "webhook_public_key", "expires_at")),
            }
        )
        for channel, account_id in ids_for(body.account_id, channels).items()
    ]  # fmt: skip
    return Connected(accounts=made, secret=SecretStr(secret.get_secret_value().strip()))


def changed(account: Account, body: AccountChanges, now: datetime) -> tuple[Account, str] | list[FieldError]:
    """The account as it becomes, and its new secret in clear ("": it keeps the one it has); or what is wrong."""
    twilio = account.provider == "twilio"
    errors = sender_problems(account.channel, body.sender) if body.sender is not None else []
    errors += key_problems(body.webhook_public_key or "") + card_problems(body.rate_card)
    if twilio and body.account_sid is not None:
        errors += _sid_problems(body.account_sid)
    given = body.auth_token if twilio else body.api_key
    secret = given.get_secret_value().strip() if given else ""
    if twilio and body.account_sid not in (None, account.username) and not secret:
        errors.append(_error("auth_token", "missing", "another account SID needs its own auth token: enter it too"))
    if errors:
        return errors
    said = _said(
        body, ("sender", "rate_per_s", "rate_card", "uncertain_policy", "fetch_prices", "webhook_public_key")
    )  # fmt: skip
    if "expires_at" in body.model_fields_set:
        said["expires_at"] = body.expires_at
    if twilio and body.account_sid is not None:
        said["username"] = body.account_sid
    return Account.model_validate(account.model_dump() | said | {"updated_at": now}), secret


def sender_problems(channel: Channel, sender: str) -> list[FieldError]:
    if channel is Channel.EMAIL:
        address = parseaddr(sender)[1]
        if not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s.]+", address):
            return [_error("sender", "invalid", "write the address of the mails, such as Peal <hi@example.com>")]
        return []
    bare = sender.removeprefix("whatsapp:")
    if channel is Channel.WHATSAPP:
        if not _NUMBER.fullmatch(bare) and not _SERVICE.fullmatch(bare):
            message = "write the WhatsApp number as +919812345678, or a messaging service (MG...)"
            return [_error("whatsapp_sender", "invalid", message)]
        return []
    if any(pattern.fullmatch(sender) for pattern in (_NUMBER, _SERVICE, _WORD)):
        return []
    message = "write a number as +919812345678, a messaging service (MG...), or a word of at most 11 letters"
    return [_error("sender", "invalid", message)]


def key_problems(key: str) -> list[FieldError]:
    """SendGrid shows it as base64 of DER."""
    if not key:
        return []
    try:
        load_der_public_key(base64.b64decode("".join(key.split()), validate=True))
    except (ValueError, binascii.Error, UnsupportedAlgorithm):
        message = "this is no verification key: copy it from SendGrid, Mail Settings, Event Webhook, Signature"
        return [_error("webhook_public_key", "invalid", message)]
    return []


def card_problems(card: PriceList | None) -> list[FieldError]:
    return [
        _error(f"rate_card.by_country.{country}", "unknown_country", f"'{country}' is no country: write IN, US ...")
        for country in (card.by_country if card else {}) if not _COUNTRY.fullmatch(country)
    ]  # fmt: skip


def _sid_problems(sid: str) -> list[FieldError]:
    if _SID.fullmatch(sid):
        return []
    return [_error("account_sid", "invalid", "write it as Twilio's console shows it: AC and 32 characters")]


def _sender(body: Connect, channel: Channel) -> str:
    if channel is Channel.WHATSAPP:
        return (body.whatsapp_sender or body.sender or "").removeprefix("whatsapp:")
    return body.sender or ""


def _said(body: AccountChanges, names: tuple[str, ...]) -> dict[str, Any]:
    found = {name: getattr(body, name) for name in names if getattr(body, name) is not None}
    if "rate_card" in found:
        found["rate_card"] = RateCard.model_validate(found["rate_card"].model_dump())
    return found


def _error(field: str, problem: str, message: str) -> FieldError:
    return FieldError(field=field, problem=problem, message=message)
