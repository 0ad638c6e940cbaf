"""A sender process: everything set up, then accounts until the end."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import structlog

from schemas import Account, Channel
from schemas.topics import DELIVERY_EVENTS, dead_letter_topic, send_topic
from services.runtime.errors import StopProcessError
from services.runtime.health import Health
from services.runtime.kafka import make_lasting_producer, require_partitions, wait_for_kafka
from services.senders.account_sender import AccountSender
from services.senders.accounts import Accounts
from services.senders.knowledge import KnowledgeBase
from services.senders.settings import SenderSettings
from services.senders.transport import Transport, find_transports

log = structlog.get_logger("sender")


def transport_for(channel: str) -> type[Transport]:
    """Raises `StopProcessError` for a channel that has no folder here."""
    found = find_transports()
    try:
        return found[Channel(channel)]
    except (KeyError, ValueError):
        names = ", ".join(found)
        raise StopProcessError(f"there is no transport for the channel '{channel}': choose one of {names}") from None


async def send(settings: SenderSettings, channel: Channel, health: Health, stop: asyncio.Event) -> None:
    """Until `stop` is set; then drains. No send is left uncertain by that."""
    if not settings.link_secret.get_secret_value():
        raise StopProcessError("PEAL_LINK_SECRET is not set: links in messages cannot be signed; set any long secret")
    transport = transport_for(channel)
    await wait_for_kafka(settings)
    async with AsyncExitStack() as stack, asyncio.TaskGroup() as tasks:
        producer = await stack.enter_async_context(make_lasting_producer(settings))
        topic = send_topic(channel)
        await require_partitions(producer, [DELIVERY_EVENTS, topic, dead_letter_topic(topic)])
        knowledge = KnowledgeBase(settings)
        followers = await knowledge.start(stack, tasks)

        def make(account: Account, secret: str) -> AccountSender:
            return AccountSender(settings, account, secret, transport, knowledge, producer)

        accounts = Accounts(settings, channel, transport, make)
        stack.push_async_callback(accounts.registry.stop)
        await accounts.registry.start()
        if not accounts.wanted():
            log.warning("this channel has no account: connect one, or set its provider's credentials", channel=channel)
        readiness = tasks.create_task(_tell_readiness(accounts, health))
        await accounts.run(stop, tasks)
        for task in (*followers, readiness):
            task.cancel()


async def _tell_readiness(accounts: Accounts, health: Health) -> None:
    while True:
        if waiting := accounts.waiting_for():
            health.set_unready(f"no partitions yet: {', '.join(waiting)}")
        else:
            health.set_ready()
        await asyncio.sleep(0.1)
