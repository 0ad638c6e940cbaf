"""The accounts of a brand: which there are, how they stand, who uses them; and their secrets, which only go in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cryptography.fernet import Fernet, InvalidToken

from schemas import DEFAULT_ACCOUNT, Account, AccountCheck, CampaignRecord, CampaignStatus
from services.console.connections import Tested
from services.console.core.accounts import AccountProblem, State, check_key, problems_of, state_of
from services.console.core.drafts import name_of, value_at
from services.console.hub import Hub
from services.console.problems import Problem
from services.console.security import Identity

UNENDED = frozenset({CampaignStatus.DRAFT, CampaignStatus.SCHEDULED, CampaignStatus.ACTIVE, CampaignStatus.PAUSED})


@dataclass(frozen=True)
class Standing:
    account: Account
    check: AccountCheck | None
    state: State
    default: bool
    """Made by the installation's settings: everybody's, and not to be changed here."""
    sandbox: bool


def accounts_of(hub: Hub, brand: str) -> list[Standing]:
    """Those that the brand may use: the default ones first, then its own by channel and id."""
    own = [account for account in hub.accounts.items.values() if account.brand == brand]
    own.sort(key=lambda account: (account.channel, account.account_id))
    return [standing_of(hub, account) for account in (*hub.settings.default_accounts().values(), *own)]


def standing_of(hub: Hub, account: Account) -> Standing:
    check = hub.checks.items.get(check_key(account.channel, account.account_id))
    default = account.account_id == DEFAULT_ACCOUNT
    return Standing(account, check, state_of(account, check, hub.now()), default, hub.is_sandbox(account))


def account_problems(hub: Hub, brand: str, wanted: Mapping[str, str]) -> list[AccountProblem]:
    """What keeps a campaign's accounts (channel -> account id, `default` for the channel's own) from sending, or may:
    `blocking` where nothing would go through, else doubtful. In the order of `wanted`; [] where all is well."""
    known = {
        (each.account.channel.value, str(each.account.account_id)): each.account for each in accounts_of(hub, brand)
    }
    return problems_of({str(channel): name for channel, name in wanted.items()}, known, hub.checks.items, hub.now())


def users_of(hub: Hub, account: Account) -> list[CampaignRecord]:
    """Campaigns that would send through it, or do; the newest first."""
    found = [
        record for record in hub.campaigns.items.values()
        if record.brand == account.brand and record.status in UNENDED
        and any(step.channel == account.channel and step.account == account.account_id for step in record.steps)
    ]  # fmt: skip
    return sorted(found, key=lambda record: record.created_at, reverse=True)


def drafts_with(hub: Hub, identity: Identity, account: Account) -> list[str]:
    """Names of what is still being written to be sent through it."""
    path = f"accounts.{account.channel.value}"
    drafts = [each for each in hub.drafts_of(identity) if value_at(each.sheet, path) == account.account_id]
    return sorted(name_of(draft.sheet) or draft.draft_id for draft in drafts)


def sealed(hub: Hub, secret: str) -> str:
    """Encrypted with the master key, as senders and tracker read it. Raises `Problem` 503 where there is no key."""
    return _fernet(hub).encrypt(secret.encode()).decode()


def opened(hub: Hub, account: Account) -> str:
    """In clear; "" where it cannot be opened."""
    if account.account_id == DEFAULT_ACCOUNT:
        settings = hub.settings
        secret = settings.sendgrid_api_key if account.provider == "sendgrid" else settings.twilio_auth_token
        return secret.get_secret_value()
    try:
        return _fernet(hub).decrypt(account.secret.encode()).decode()
    except InvalidToken:
        return ""


async def keep_test(hub: Hub, account: Account, tested: Tested) -> None:
    """As of when this returns, it counts in this process. Raises `Problem` 503."""
    fields: dict[str, Any] = {"account_id": account.account_id, "channel": account.channel, "brand": account.brand}
    check = AccountCheck(**fields, at=hub.now(), good=tested.verdict == "good", detail=tested.detail[:500])
    await hub.keep(hub.checks, check_key(check.channel, check.account_id), check)


def _fernet(hub: Hub) -> Fernet:
    try:
        return Fernet(hub.settings.master_key.get_secret_value())
    except ValueError:
        raise Problem(
            503, "no_master_key", "credentials cannot be kept: set PEAL_MASTER_KEY, the same for all services"
        ) from None
