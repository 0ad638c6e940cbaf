"""Which account a callback of Twilio's belongs to, and with whose token it must be signed."""

from __future__ import annotations

from collections.abc import Callable

from cryptography.fernet import Fernet, InvalidToken

from schemas import DEFAULT_ACCOUNT, Account, Channel
from services.tracker.settings import TrackerSettings


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


def _plain(number: str) -> str:
    return number.removeprefix("whatsapp:")
