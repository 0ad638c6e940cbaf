"""Which account a callback belongs to, with whose token or key it must be signed, and of whose sends it may speak."""

from __future__ import annotations

from collections.abc import Callable

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.asymmetric import ec

from schemas import DEFAULT_ACCOUNT, Account, CampaignRecord, Channel
from services.runtime.errors import StopProcessError
from services.tracker.core.callbacks import FindCampaign
from services.tracker.settings import TrackerSettings
from services.tracker.webhooks.verify import load_sendgrid_key


class TwilioAccounts:
    def __init__(self, settings: TrackerSettings, accounts: Callable[[], dict[str, Account]]) -> None:
        self._settings, self._accounts = settings, accounts
        self._defaults = settings.default_accounts()
        master = settings.master_key.get_secret_value()
        self._fernet = Fernet(master) if master else None
        self._opened: dict[str, str] = {}

    def token(self, account: str) -> str:
        """The auth token of an account; "" where there is none, and then nothing of it is believed."""
        known = self._accounts().get(account)
        if known is None or not known.secret:
            return self._settings.twilio_auth_token.get_secret_value() if account == DEFAULT_ACCOUNT else ""
        return self._open(known.secret)

    def account(self, channel: str, account: str) -> Account | None:
        """As it is connected; the default one as the settings make it."""
        known = self._accounts().get(account)
        if known is not None and known.channel == channel:
            return known
        return self._defaults.get(Channel(channel)) if account == DEFAULT_ACCOUNT else None

    def owner(self, sid: str, number: str) -> str:
        """The account that was written to: the one with this number, else one with this SID, else the default one."""
        own = [a for a in self._accounts().values() if a.provider == "twilio" and a.username == sid]
        if sid == self._settings.twilio_account_sid and not any(number in (a.sender, _plain(a.sender)) for a in own):
            return DEFAULT_ACCOUNT
        return next((a.account_id for a in own if _plain(a.sender) == _plain(number)), own[0].account_id if own else "")

    def _open(self, secret: str) -> str:
        if secret not in self._opened:
            try:
                self._opened[secret] = self._fernet.decrypt(secret.encode()).decode() if self._fernet else ""
            except InvalidToken:
                self._opened[secret] = ""
        return self._opened[secret]


class SendGridKeys:
    """The installation's verification key, and those of connected accounts."""

    def __init__(self, settings: TrackerSettings, accounts: Callable[[], dict[str, Account]]) -> None:
        self._accounts = accounts
        self._default = load_sendgrid_key(settings.sendgrid_webhook_public_key)
        self._loaded: dict[str, ec.EllipticCurvePublicKey | None] = {}

    def key(self, account: str) -> ec.EllipticCurvePublicKey | None:
        """None: nothing of this account is believed."""
        if account in ("", DEFAULT_ACCOUNT):
            return self._default
        known = self._accounts().get(account)
        text = known.webhook_public_key if known is not None and known.provider == "sendgrid" else ""
        if text not in self._loaded:
            try:
                self._loaded[text] = load_sendgrid_key(text)
            except StopProcessError:  # a bad key of one account is no matter of the others
                self._loaded[text] = None
        return self._loaded[text]


def within_brand(
    find: FindCampaign, accounts: Callable[[], dict[str, Account]], account: str
) -> FindCampaign:  # fmt: skip
    """As `find`, for callbacks that were signed for `account`: whoever holds the keys of a brand's account can speak of
    that brand's sends alone. The installation's own may speak of all."""
    if account in ("", DEFAULT_ACCOUNT):
        return find

    def found(campaign_id: str) -> CampaignRecord | None:
        record, known = find(campaign_id), accounts().get(account)
        return record if record is not None and known is not None and record.brand == known.brand else None

    return found


def _plain(number: str) -> str:
    return number.removeprefix("whatsapp:")
