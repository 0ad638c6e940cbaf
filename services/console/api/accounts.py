"""`/accounts`: through whom messages go. Credentials go in, and are never shown."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, SecretStr

from schemas import DEFAULT_ACCOUNT, Account, Channel, FieldError, RateCard
from schemas.base import AccountKey, Time
from services.console.accounts import Standing, accounts_of, keep_test, opened, sealed, standing_of
from services.console.auditing import entry
from services.console.connections import Tested, try_connection
from services.console.core.connecting import AccountChanges, Connect, changed, connected
from services.console.hub import Hub, HubOf
from services.console.problems import Problem, not_found, one_field, rejected_fields
from services.console.security import Caller, Identity
from services.runtime.topics import open_account_topic

router = APIRouter(tags=["accounts"])


class AccountItem(BaseModel):
    account_id: AccountKey
    channel: str
    provider: str
    sender: str
    username: str
    """The account SID of Twilio's."""
    rate_per_s: float
    rate_card: RateCard
    uncertain_policy: str
    fetch_prices: bool
    webhook_public_key: str
    expires_at: Time | None
    disconnected_at: Time | None
    updated_at: Time | None
    state: Literal["connected", "untested", "failing", "expiring", "expired", "disconnected"]
    tested_at: Time | None
    test_detail: str
    """What the last test of the connection came to, in words."""
    sandbox: bool
    """The sandbox stands in: nothing leaves this machine."""


class ConnectedAccounts(BaseModel):
    account_id: str
    """The first of them."""
    items: list[AccountItem]


class AccountPage(BaseModel):
    items: list[AccountItem]
    sandbox: bool


@router.get("/accounts")
async def listing(hub: HubOf, caller: Caller) -> AccountPage:
    """The default ones, which all brands may use, and the brand's own."""
    return AccountPage(items=[view_of(each) for each in accounts_of(hub, caller.brand)], sandbox=hub.sandboxed)


@router.post("/accounts", status_code=201)
async def connect(body: Connect, hub: HubOf, caller: Caller) -> ConnectedAccounts:
    """Only with credentials that the provider takes. Senders begin with it within seconds."""
    base_url = hub.settings.twilio_base_url if body.provider == "twilio" else hub.settings.sendgrid_base_url
    found = connected(body, caller.brand, base_url, hub.now())
    if isinstance(found, list):
        raise rejected_fields(found)
    await hub.accounts.catch_up()
    for account in found.accounts:
        if account.account_id in hub.accounts.items:
            message = f"the id '{account.account_id}' is taken: choose another"
            raise one_field("account_id", "taken", message, 409)
    tested = await _proven(found.accounts[0], found.secret)
    for account in found.accounts:
        await open_account_topic(hub.settings, account.channel, account.account_id)
        await _keep(hub, caller, account, found.secret.get_secret_value(), "account.connect")
        await keep_test(hub, account, tested)
    return ConnectedAccounts(
        account_id=found.accounts[0].account_id, items=[view_of(standing_of(hub, each)) for each in found.accounts]
    )


@router.get("/accounts/{account_id}")
async def show(account_id: AccountKey, hub: HubOf, caller: Caller) -> AccountItem:
    return view_of(standing_of(hub, own(hub, caller, account_id)))


@router.patch("/accounts/{account_id}")
async def change(account_id: AccountKey, body: AccountChanges, hub: HubOf, caller: Caller) -> AccountItem:
    """What is left out stays. New credentials connect again what was disconnected; only good ones are taken."""
    account = own(hub, caller, account_id)
    found = changed(account, body, hub.now())
    if isinstance(found, list):
        raise rejected_fields(found)
    made, secret = found
    tested = await _proven(made, SecretStr(secret)) if secret else None
    if secret:
        made = made.model_copy(update={"disconnected_at": None})
    await _keep(hub, caller, made, secret, "account.change", ", ".join(sorted(body.model_fields_set)))
    if tested:
        await keep_test(hub, made, tested)
    return view_of(standing_of(hub, hub.accounts.items[account_id]))


@router.post("/accounts/{account_id}/test")
async def try_it(
    account_id: AccountKey,
    hub: HubOf,
    caller: Caller,
    channel: Annotated[Channel | None, Query(description="for the default account of a channel")] = None,
) -> AccountItem:
    """A real call to the provider; nothing is sent. What it came to is kept with the account."""
    account = _tested(hub, caller, account_id, channel)
    if account.disconnected_at is not None:
        raise Problem(409, "disconnected", "it is disconnected: enter credentials to connect it again")
    await keep_test(hub, account, await try_connection(account, opened(hub, account)))
    return view_of(standing_of(hub, account))


@router.post("/accounts/{account_id}/disconnect")
async def disconnect(account_id: AccountKey, hub: HubOf, caller: Caller) -> AccountItem:
    """Its credentials are forgotten, and nothing is sent through it. What waits for it waits until it is connected
    again, or its campaign ends."""
    account = own(hub, caller, account_id)
    if account.disconnected_at is None:
        made = account.model_copy(update={"secret": "", "disconnected_at": hub.now(), "updated_at": hub.now()})
        await _keep(hub, caller, made, "", "account.disconnect")
    return view_of(standing_of(hub, hub.accounts.items[account_id]))


def own(hub: Hub, caller: Identity, account_id: str) -> Account:
    """Raises `Problem` 404, also for another brand's."""
    account = hub.accounts.items.get(account_id)
    if account is None or account.brand != caller.brand:
        raise not_found("account", account_id)
    return account


def view_of(standing: Standing) -> AccountItem:
    """All but its secret."""
    account, check = standing.account, standing.check
    return AccountItem.model_validate(
        account.model_dump(exclude={"secret", "base_url", "brand"})
        | {"state": standing.state, "sandbox": standing.sandbox}
        | {"tested_at": check.at if check else None, "test_detail": check.detail if check else ""}
    )


def _tested(hub: Hub, caller: Identity, account_id: str, channel: Channel | None) -> Account:
    if account_id != DEFAULT_ACCOUNT:
        return own(hub, caller, account_id)
    if channel is None:
        raise one_field("channel", "missing", "say for which channel: ?channel=email")
    account = hub.settings.default_accounts().get(channel)
    if account is None:
        raise not_found("default account for", channel.value)
    return account


async def _proven(account: Account, secret: SecretStr) -> Tested:
    """Raises `Problem`: 422 where the provider refuses the credentials, 503 where it does not say."""
    tested = await try_connection(account, secret.get_secret_value())
    if tested.verdict == "refused":
        name = "auth_token" if account.provider == "twilio" else "api_key"
        raise rejected_fields([FieldError(field=name, problem="refused", message=tested.detail)])
    if tested.verdict == "unreached":
        raise Problem(503, "provider_unavailable", f"{tested.detail} Nothing was changed here")
    return tested


async def _keep(hub: Hub, caller: Identity, account: Account, secret: str, action: str, detail: str = "") -> None:
    """On the registry; with a new secret, if there is one."""
    if secret:
        account = account.model_copy(update={"secret": sealed(hub, secret)})
    told = entry(caller, hub.now(), action, f"account/{account.account_id}", detail=detail or account.channel.value)
    await hub.keep(hub.accounts, account.account_id, account, told)
