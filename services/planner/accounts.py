"""The accounts that campaigns may use: the default ones and those on the registry."""

from __future__ import annotations

from collections.abc import Callable

from schemas import DEFAULT_ACCOUNT, Account, Channel
from services.planner.settings import PlannerSettings
from services.runtime.registry import Registry


class AccountDirectory:
    def __init__(self, settings: PlannerSettings, registry: Registry[Account]) -> None:
        self.defaults, self.registry = settings.default_accounts(), registry

    def find(self, channel: str, account_id: str) -> Account | None:
        if account_id == "default":
            return self.defaults.get(Channel(channel))
        account = self.registry.items.get(account_id)
        return account if account is not None and account.channel == channel else None

    def of_brand(self, brand: str) -> Callable[[str, str], Account | None]:
        """`find`, as a brand sees it: its own that are connected, and the default ones, which are everybody's."""

        def find(channel: str, account_id: str) -> Account | None:
            account = self.find(channel, account_id)
            if account is None or account.disconnected_at is not None:
                return None
            return account if account_id == DEFAULT_ACCOUNT or account.brand == brand else None

        return find

    def all(self) -> list[Account]:
        return [*self.defaults.values(), *self.registry.items.values()]
