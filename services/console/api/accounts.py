"""`/accounts`: through whom messages go. Credentials are never shown."""

from __future__ import annotations

from fastapi import APIRouter

from services.console.api.models import AccountItem, AccountPage
from services.console.hub import HubOf
from services.console.security import Caller

router = APIRouter(tags=["accounts"])


@router.get("/accounts")
async def listing(hub: HubOf, caller: Caller) -> AccountPage:
    connected = [account for account in hub.accounts.items.values() if account.brand == caller.brand]
    accounts = [*hub.settings.default_accounts().values(), *connected]
    items = [
        AccountItem(
            account_id=account.account_id,
            channel=account.channel.value,
            provider=account.provider,
            sender=account.sender,
            rate_per_s=account.rate_per_s,
            sandbox=hub.is_sandbox(account),
        )
        for account in accounts
    ]
    return AccountPage(items=items, sandbox=hub.sandboxed)
