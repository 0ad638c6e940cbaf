"""The accounts that campaigns name: the default ones, which are everybody's, and those that brands have connected."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from schemas import DEFAULT_ACCOUNT, Account, Channel

AccountLookup = Callable[[str, str], Account | None]
"""(channel, account) -> the account, if there is one."""


def account_named(
    channel: str, account_id: str, defaults: Mapping[Channel, Account], registered: Mapping[str, Account]
) -> Account | None:
    """Whosesoever it is, connected or not. `registered`: by id."""
    if account_id == DEFAULT_ACCOUNT:
        return defaults.get(Channel(channel))
    account = registered.get(account_id)
    return account if account is not None and account.channel == channel else None


def usable_accounts(
    brand: str, defaults: Mapping[Channel, Account], registered: Mapping[str, Account]
) -> AccountLookup:
    """Those that a brand may use: its own that are connected, and the default ones."""

    def find(channel: str, account_id: str) -> Account | None:
        account = account_named(channel, account_id, defaults, registered)
        if account is None or account_id == DEFAULT_ACCOUNT:
            return account
        return account if account.brand == brand and account.disconnected_at is None else None

    return find
