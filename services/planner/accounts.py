"""The accounts that campaigns may use: the default ones and those on the registry."""

from __future__ import annotations

from schemas import Account
from services.domain.campaigns import AccountLookup, account_named, usable_accounts
from services.planner.settings import PlannerSettings
from services.runtime.registry import Registry


class AccountDirectory:
    def __init__(self, settings: PlannerSettings, registry: Registry[Account]) -> None:
        self.defaults, self.registry = settings.default_accounts(), registry

    def find(self, channel: str, account_id: str) -> Account | None:
        return account_named(channel, account_id, self.defaults, self.registry.items)

    def of_brand(self, brand: str) -> AccountLookup:
        return usable_accounts(brand, self.defaults, self.registry.items)

    def all(self) -> list[Account]:
        return [*self.defaults.values(), *self.registry.items.values()]
