"""Tests accounts without being asked to: credentials that were revoked are known before a campaign needs them."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final

import structlog

from services.console.accounts import keep_test, opened
from services.console.connections import try_connection
from services.console.core.accounts import FAILED_AGAIN, check_key, due
from services.console.hub import Hub
from services.console.problems import Problem

log = structlog.get_logger("console")
LONGEST_NAP_S: Final = 60.0


async def watch_accounts(hub: Hub, age: timedelta) -> None:
    """Each that is connected, once its last test is `age` old; of all brands, one after the other, for ever.

    A provider that says nothing of use proves nothing about credentials: it is asked again later.
    """
    nap = min(LONGEST_NAP_S, age.total_seconds() / FAILED_AGAIN)
    while True:
        await asyncio.sleep(nap)
        accounts = [*hub.settings.default_accounts().values(), *hub.accounts.items.values()]
        for account in due(accounts, hub.checks.items, hub.now(), age):
            try:
                tested = await try_connection(account, opened(hub, account))
                if tested.verdict != "unreached":
                    await keep_test(hub, account, tested)
            except Problem as problem:
                name = check_key(account.channel, account.account_id)
                log.warning("an account cannot be tested now", account=name, problem=problem.detail)
            except Exception:  # whatever a provider's answer does to its SDK: it must not end the console
                log.exception("an account's test broke", account=check_key(account.channel, account.account_id))
