"""Which accounts this process sends for: the default one, and those that are connected while it runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog
from aiokafka.errors import KafkaError
from cryptography.fernet import Fernet, InvalidToken

from schemas import DEFAULT_ACCOUNT, Account, Channel
from schemas.topics import ACCOUNTS
from services.runtime.registry import Registry
from services.senders.account_sender import AccountSender
from services.senders.settings import SenderSettings
from services.senders.transport import Transport

LOOK_S = 2.0
log = structlog.get_logger("accounts")


class UnusableAccountError(Exception):
    """This account cannot send; the message says why. Others can."""


class Accounts:
    """Starts a sender for each account of the channel, and a new one where an account was changed."""

    def __init__(
        self, settings: SenderSettings, channel: Channel, transport: type[Transport],
        make: Callable[[Account, str], AccountSender],
    ) -> None:  # fmt: skip
        self.settings, self.channel, self.transport, self.make = settings, channel, transport, make
        self.registry = Registry(settings, ACCOUNTS, Account.read)
        self.running: dict[str, tuple[Account, AccountSender, asyncio.Task[None]]] = {}
        self.refused: dict[str, Account] = {}

    def wanted(self) -> dict[str, Account]:
        known = self.registry.items.values()
        found: dict[str, Account] = {
            a.account_id: a for a in known if a.channel is self.channel and a.disconnected_at is None
        }
        default = self.settings.default_accounts().get(self.channel)
        if default:
            found[DEFAULT_ACCOUNT] = default
        return found

    async def run(self, stop: asyncio.Event, tasks: asyncio.TaskGroup) -> None:
        """Until `stop` is set; then drains all of them."""
        while not stop.is_set():
            await self._look()
            await self._adapt(tasks)
            try:
                await asyncio.wait_for(stop.wait(), LOOK_S)
            except TimeoutError:
                continue
        await asyncio.gather(*[self._end(name) for name in list(self.running)])

    async def _look(self) -> None:
        """A broker that does not answer makes the knowledge older, and nothing else."""
        try:
            await self.registry.catch_up()
        except KafkaError as error:
            log.warning("cannot read the accounts", error=repr(error))

    async def _adapt(self, tasks: asyncio.TaskGroup) -> None:
        wanted = self.wanted()
        for name, (account, _sender, _task) in list(self.running.items()):
            if wanted.get(name) != account:
                log.info("an account was changed or removed", account=name, channel=self.channel.value)
                await self._end(name)
        for name, account in wanted.items():
            if name in self.running or self.refused.get(name) == account:
                continue
            try:
                sender = self.make(account, self.secret_of(account))
            except UnusableAccountError as error:
                log.error("an account cannot be used", account=name, channel=self.channel.value, problem=str(error))
                self.refused[name] = account
                continue
            log.info("sends for an account", account=name, channel=self.channel.value, rate_per_s=account.rate_per_s)
            self.running[name] = (account, sender, tasks.create_task(sender.run()))

    async def _end(self, name: str) -> None:
        _account, sender, task = self.running.pop(name)
        sender.stop.set()
        await task

    def secret_of(self, account: Account) -> str:
        """In clear. Raises `UnusableAccountError`."""
        if account.provider != self.transport.provider:
            raise UnusableAccountError(
                f"{self.channel} by {account.provider} is not built: {self.transport.provider} is"
            )
        if account.account_id == DEFAULT_ACCOUNT:
            settings = self.settings
            secret = settings.sendgrid_api_key if account.provider == "sendgrid" else settings.twilio_auth_token
            return secret.get_secret_value()
        try:
            return Fernet(self.settings.master_key.get_secret_value()).decrypt(account.secret).decode()
        except (ValueError, InvalidToken):
            raise UnusableAccountError(
                "its secret cannot be decrypted: set PEAL_MASTER_KEY to the key of its connecting, or connect it again"
            ) from None

    def waiting_for(self) -> list[str]:
        """Accounts that have no partitions yet."""
        return [name for name, (_a, sender, _t) in self.running.items() if not sender.assigned.is_set()]
