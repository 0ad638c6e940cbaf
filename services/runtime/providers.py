"""Settings of the providers, and the accounts they make: the default one of each channel, and connected ones."""

from __future__ import annotations

from pydantic import Field, SecretStr

from schemas import DEFAULT_ACCOUNT, Account, Channel, RateCard
from services.runtime.settings import Settings

TWILIO_URL = "https://api.twilio.com"
SENDGRID_URL = "https://api.sendgrid.com"


class ProviderSettings(Settings):
    """What the default accounts are made from. `peal up` points them at the sandbox where nothing is set."""

    twilio_base_url: str = TWILIO_URL
    twilio_account_sid: str = ""
    twilio_auth_token: SecretStr = SecretStr("")
    twilio_from: str = Field("", description="number (+1555...), alphanumeric sender or messaging service (MG...)")
    twilio_whatsapp_from: str = Field("", description="WhatsApp number; empty: PEAL_TWILIO_FROM")
    sendgrid_base_url: str = SENDGRID_URL
    sendgrid_api_key: SecretStr = SecretStr("")
    sendgrid_webhook_public_key: str = ""
    sendgrid_from: str = Field("", description="mail address that mails come from")
    rate_email: float = Field(20.0, gt=0, description="messages a second of the default account")
    rate_sms: float = Field(10.0, gt=0)
    rate_whatsapp: float = Field(5.0, gt=0)
    price_email_micros: int = Field(900, ge=0, description="price of a mail in millionths")
    price_sms_micros: int = Field(7_900, ge=0, description="price of an SMS segment in millionths")
    price_whatsapp_micros: int = Field(5_000, ge=0, description="price of a WhatsApp message in millionths")
    twilio_fetch_prices: bool = Field(
        False, description="fetch each ended message of the default accounts for its real price: a request a message"
    )
    currency: str = Field("USD", pattern="^[A-Z]{3}$")
    master_key: SecretStr = Field(SecretStr(""), description="Fernet key that account secrets are encrypted with")
    link_secret: SecretStr = Field(SecretStr(""), description="signs unsubscribe and other links in messages")

    def default_accounts(self) -> dict[Channel, Account]:
        """The accounts that need no connecting, by channel. A channel without credentials has none."""
        accounts: dict[Channel, Account] = {}
        if self.sendgrid_api_key.get_secret_value():
            accounts[Channel.EMAIL] = self._account(
                Channel.EMAIL, "sendgrid", self.sendgrid_from, self.rate_email, self.price_email_micros
            )
        if self.twilio_account_sid:
            accounts[Channel.SMS] = self._account(
                Channel.SMS, "twilio", self.twilio_from, self.rate_sms, self.price_sms_micros
            )
            accounts[Channel.WHATSAPP] = self._account(
                Channel.WHATSAPP, "twilio", self.twilio_whatsapp_from or self.twilio_from,
                self.rate_whatsapp, self.price_whatsapp_micros,
            )  # fmt: skip
        return accounts

    def _account(self, channel: Channel, provider: str, sender: str, rate: float, price: int) -> Account:
        return Account.model_validate(
            {
                "account_id": DEFAULT_ACCOUNT,
                "channel": channel,
                "provider": provider,
                "base_url": self.sendgrid_base_url if provider == "sendgrid" else self.twilio_base_url,
                "sender": sender,
                "username": "" if provider == "sendgrid" else self.twilio_account_sid,
                "rate_per_s": rate,
                "fetch_prices": provider == "twilio" and self.twilio_fetch_prices,
                "rate_card": RateCard(currency=self.currency, message_micros=price),
            }
        )
