"""Accounts at providers: how each stands, in a word and in a sentence, and whether a campaign can go through it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from schemas import DEFAULT_ACCOUNT, Account, AccountCheck, Channel

State = Literal["connected", "untested", "failing", "expiring", "expired", "disconnected"]
EXPIRES_SOON: Final = timedelta(days=7)
FAILED_AGAIN: Final = 24
"""How much more often what failed its last test is tested, so that it is known soon that all is well again."""
STOPPED: Final[frozenset[State]] = frozenset({"expired", "disconnected"})
"""Nothing goes through it."""
DOUBTFUL: Final[frozenset[State]] = frozenset({"failing", "expiring"})
PROVIDERS: Final = {"twilio": "Twilio", "sendgrid": "SendGrid"}
CHANNELS: Final[dict[str, tuple[Channel, ...]]] = {
    "twilio": (Channel.SMS, Channel.WHATSAPP),
    "sendgrid": (Channel.EMAIL,),
}
"""What can be connected: for these there are senders."""


@dataclass(frozen=True)
class AccountProblem:
    """Why a campaign should not, or cannot, go through an account."""

    channel: str
    account_id: str
    problem: str
    """One word for machines: unknown_account, disconnected, expired, failing, expiring."""
    message: str
    """What is wrong and what to do, a whole sentence."""
    blocking: bool
    path: str
    """The page on which it is mended."""


def check_key(channel: str, account_id: str) -> str:
    """On `account-checks`."""
    return f"{channel}/{account_id}"


def state_of(account: Account, check: AccountCheck | None, now: datetime) -> State:
    """The worst that is known of it."""
    if account.disconnected_at is not None:
        return "disconnected"
    if account.expires_at is not None and account.expires_at <= now:
        return "expired"
    if check is not None and not check.good:
        return "failing"
    if account.expires_at is not None and account.expires_at <= now + EXPIRES_SOON:
        return "expiring"
    return "connected" if check is not None else "untested"


def due(
    accounts: Iterable[Account], checks: Mapping[str, AccountCheck], now: datetime, age: timedelta
) -> list[Account]:
    """Those whose test is older than `age`, or that were never tested; not what is disconnected or expired anyhow."""
    found = []
    for account in accounts:
        check = checks.get(check_key(account.channel, account.account_id))
        if state_of(account, check, now) in STOPPED:
            continue
        if check is None or now - check.at >= (age if check.good else age / FAILED_AGAIN):
            found.append(account)
    return found


def problems_of(
    wanted: Mapping[str, str],
    known: Mapping[tuple[str, str], Account],
    checks: Mapping[str, AccountCheck],
    now: datetime,
) -> list[AccountProblem]:
    """`wanted`: channel -> account id. `known`: those that the brand may use, by channel and id."""
    found = []
    for channel, account_id in wanted.items():
        account = known.get((channel, account_id))
        if account is None:
            found.append(_missing(channel, account_id))
            continue
        state = state_of(account, checks.get(check_key(channel, account_id)), now)
        if state in STOPPED or state in DOUBTFUL:
            message = f"the account {_named(account)} {_words(account, state, checks)}"
            path = f"/accounts/{account_id}" if account_id != DEFAULT_ACCOUNT else "/accounts"
            found.append(AccountProblem(channel, account_id, state, message, state in STOPPED, path))
    return found


def ids_for(name: str, channels: list[Channel]) -> dict[Channel, str]:
    """An account is of one channel: connected for two, it is two, named after them."""
    if len(channels) == 1:
        return {channels[0]: name}
    return {channel: f"{name}-{channel.value}" for channel in channels}


def _missing(channel: str, account_id: str) -> AccountProblem:
    if account_id == DEFAULT_ACCOUNT:
        message = f"no account is connected for {channel}: connect one, or leave the channel out"
    else:
        message = f"there is no account '{account_id}' for {channel}: choose another, or connect it"
    return AccountProblem(channel, account_id, "unknown_account", message, True, "/accounts")


def _named(account: Account) -> str:
    return f"'{account.account_id}' for {account.channel.value}"


def _words(account: Account, state: State, checks: Mapping[str, AccountCheck]) -> str:
    if state == "disconnected":
        return "is disconnected: connect it again, or choose another"
    if state == "failing":
        check = checks[check_key(account.channel, account.account_id)]
        return f"did not pass its last test ({check.detail.rstrip('.')}): mend it and test the connection again"
    assert account.expires_at is not None, "expiring and expired follow from it"
    day = f"{account.expires_at:%Y-%m-%d}"
    if state == "expired":
        return f"has had no valid credentials since {day}: give it new ones"
    return f"has credentials that end on {day}: give it new ones before"
