"""The life of the console: clients, background readers, the web server."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Coroutine, Generator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import structlog
import uvicorn

from schemas import Account, AccountCheck, Brand, CampaignRecord, Draft, Operator, Segment, StepProgress, Template
from schemas.topics import (
    ACCOUNT_CHECKS,
    ACCOUNTS,
    BRANDS,
    CAMPAIGN_PROGRESS,
    CAMPAIGNS,
    DRAFTS,
    OPERATORS,
    SEGMENTS,
    TEMPLATES,
)
from services.console.account_watch import watch_accounts
from services.console.activity import ActivityFeed
from services.console.app import make_app
from services.console.commands import CommandDesk
from services.console.hub import Hub
from services.console.settings import ConsoleSettings
from services.runtime.clickhouse import make_clickhouse
from services.runtime.errors import StopProcessError
from services.runtime.health import Health
from services.runtime.kafka import make_lasting_producer, wait_for_kafka
from services.runtime.registry import Registry

log = structlog.get_logger("console")
DRAIN_S = 10
"""How long requests under way may take once the process is to stop."""


class Server(uvicorn.Server):
    """The process's own signal handlers say when to stop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        yield


@asynccontextmanager
async def open_hub(settings: ConsoleSettings) -> AsyncIterator[Hub]:
    """Everything that routes need, connected. Raises `StopProcessError` where Kafka or ClickHouse does not answer."""
    await wait_for_kafka(settings)
    async with contextlib.AsyncExitStack() as stack:
        clickhouse = await make_clickhouse(settings)
        stack.push_async_callback(clickhouse.close)
        producer = make_lasting_producer(settings)
        await producer.start()
        stack.push_async_callback(producer.stop)
        desk = CommandDesk(settings, producer, settings.command_patience_s)
        await desk.start()
        stack.push_async_callback(desk.stop)
        campaigns = Registry(settings, CAMPAIGNS, CampaignRecord.read)
        progress = Registry(settings, CAMPAIGN_PROGRESS, StepProgress.read)
        accounts = Registry(settings, ACCOUNTS, Account.read)
        checks = Registry(settings, ACCOUNT_CHECKS, AccountCheck.read)
        brands = Registry(settings, BRANDS, Brand.read)
        templates = Registry(settings, TEMPLATES, Template.read)
        operators = Registry(settings, OPERATORS, Operator.read)
        drafts = Registry(settings, DRAFTS, Draft.read)
        segments = Registry(settings, SEGMENTS, Segment.read)
        registries = (campaigns, progress, accounts, checks, brands, templates, operators, drafts, segments)
        for registry in registries:
            stack.push_async_callback(registry.stop)
        await asyncio.gather(*[registry.start() for registry in registries])
        yield Hub(
            settings, clickhouse, producer, desk, campaigns, progress, accounts, checks, brands, templates, operators,
            drafts, segments,
        )  # fmt: skip


async def serve(settings: ConsoleSettings, health: Health, stop: asyncio.Event) -> None:
    """Listen until `stop`, then let requests end. Raises `StopProcessError` where the port is taken."""
    listener = listen(settings.host, settings.ports.console)
    async with open_hub(settings) as hub:
        activity = ActivityFeed(settings)
        server = Server(
            uvicorn.Config(
                make_app(hub, activity, stop),
                log_level="warning",
                access_log=False,
                lifespan="off",
                timeout_graceful_shutdown=DRAIN_S,
            )
        )
        background: list[Coroutine[Any, Any, None]] = [
            hub.campaigns.follow(0.3),
            hub.progress.follow(0.5),
            hub.accounts.follow(3.0),
            hub.checks.follow(3.0),
            hub.brands.follow(1.0),
            hub.templates.follow(1.0),
            hub.operators.follow(0.5),
            hub.drafts.follow(0.5),
            hub.segments.follow(1.0),
            hub.desk.follow(),
            activity.run(),
            watch_accounts(hub, timedelta(seconds=settings.account_test_s)),
        ]
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(work) for work in background]
            serving = group.create_task(server.serve(sockets=[listener]))
            health.set_ready()
            await stop.wait()
            health.set_unready("stopping")
            server.should_exit = True
            await serving
            for task in tasks:
                task.cancel()


def listen(host: str, port: int) -> socket.socket:
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise StopProcessError(
            f"port {port} for the console is taken ({error.strerror}): end what listens there or set PEAL_PORT_BASE"
        ) from error
    return listener
