"""The router's process: a Faust app whose one agent works in rounds."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import Any, Final

import faust
import structlog

from schemas.topics import CAMPAIGNS, CONSENTS, DELIVERY_EVENTS, ENGAGEMENTS, ROUTER_GROUP, SEND_REQUESTED, load_topics
from services.domain.eligibility import SOURCES, decode_campaign
from services.domain.erasure import Hasher
from services.router.destinations import Destinations
from services.router.faust_hooks import install
from services.router.forgotten import Forgotten
from services.router.intake import Intake
from services.router.judge import Judge
from services.router.offsets import require_places
from services.router.restore import People, make_restore
from services.router.settings import RouterSettings
from services.router.watchdog import Watchdog
from services.runtime import metrics
from services.runtime.clock import boot_seconds, utc_now
from services.runtime.errors import StopProcessError, exit_fatally
from services.runtime.fail_points import fail_point
from services.runtime.health import Health
from services.runtime.kafka import client_options, make_consumer, make_producer, wait_for_kafka
from services.runtime.lease import Lease
from services.runtime.patching import require_pinned_versions
from services.runtime.registry import Registry

log = structlog.get_logger("router")

TABLE: Final = "people"
TICK_S = 0.25
LAST_WORDS: Final = "another router may own these people: nothing of this round is committed, a new start does it again"
LAG_EVERY_TICKS = 8


def faust_credentials(options: dict[str, Any]) -> Any:
    """aiokafka's security options as Faust wants them; None for plain text."""
    context = options.get("ssl_context")
    if "sasl_mechanism" in options:
        return faust.SASLCredentials(
            username=options["sasl_plain_username"], password=options["sasl_plain_password"],
            mechanism=options["sasl_mechanism"], ssl_context=context,
        )  # fmt: skip
    return faust.SSLCredentials(context) if context else None


def make_app(settings: RouterSettings) -> faust.App:
    """No decoding in Faust (an error there would ack the record), no static membership, at least once."""
    session = settings.router_session_s
    return faust.App(
        ROUTER_GROUP,
        broker=[f"kafka://{address.strip()}" for address in settings.kafka_bootstrap.split(",")],
        broker_credentials=faust_credentials(client_options(settings)),
        store="memory://",
        datadir=settings.data_dir / "router",
        version=1,
        web_enabled=False,
        autodiscover=False,
        key_serializer="raw",
        value_serializer="raw",
        topic_partitions=load_topics().partitions,
        topic_allow_declare=False,
        topic_disable_leader=True,
        table_standby_replicas=0,
        consumer_auto_offset_reset="none",
        broker_session_timeout=session,
        broker_heartbeat_interval=session / 8,
        broker_commit_interval=TICK_S,
        stream_wait_empty=True,
    )


class Router:
    """Per round: state acked, then outputs acked, then source offsets committed."""

    def __init__(self, settings: RouterSettings, health: Health) -> None:
        self.settings, self.health = settings, health
        self.people: People = {}
        self.app = make_app(settings)
        table: Any = self.app.Table(TABLE, key_type=bytes, value_type=bytes, partitions=load_topics().partitions)
        self.changelog: str = table.changelog_topic_name
        self.app.agent(self.app.topic(*SOURCES, key_type=bytes, value_type=bytes))(self._route)
        self.intake = Intake(self.app, (CONSENTS, DELIVERY_EVENTS, ENGAGEMENTS), SEND_REQUESTED, health.set_ready)
        install(self.intake, make_restore(self.people, lambda **options: make_consumer(settings, **options)))
        self.producer = make_producer(settings, linger_ms=0)
        Lease(settings.router_session_s, LAST_WORDS).install(self.producer)
        self.destinations = Destinations(self.producer)
        self.campaigns = Registry(settings, CAMPAIGNS, decode_campaign)
        keep = timedelta(days=settings.router_keep_days)
        key = settings.master_key.get_secret_value()
        forgotten = Forgotten(Hasher(key) if key else None)
        self.judge = Judge(self.people, self.changelog, self.campaigns, self.destinations, keep, forgotten)

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set; then the running round is ended and committed, and the group left."""
        await wait_for_kafka(self.settings)
        await self.producer.start()
        await self.destinations.require(self.changelog)
        await require_places(self.settings)
        await self.campaigns.start()
        follow = asyncio.create_task(self.campaigns.follow(0.5))
        watchdog = Watchdog(self.settings.router_stall_s, self.intake.stuck, lambda: self.intake.rounds_finished)
        self.health.checks.append(watchdog.problem)
        self.health.reason = "waiting for partitions"
        start = asyncio.create_task(self.app.start())  # returns after the first recovery
        watchdog.start()
        try:
            await self._wait(stop, start)
            self.health.set_unready("stopping")
            watchdog.stop()
            async with asyncio.timeout(2 * self.settings.router_session_s):
                await self.app.stop()
        except TimeoutError:
            exit_fatally("the running round could not be ended: nothing of it is committed, a new start does it again")
        except Exception as error:  # Faust's thread would keep the process alive
            exit_fatally(f"the router failed: {error!r}")
        follow.cancel()
        await self.producer.stop()
        await self.campaigns.stop()

    async def _wait(self, stop: asyncio.Event, start: asyncio.Task[Any]) -> None:
        ticks = 0
        while not stop.is_set():
            await asyncio.wait([asyncio.create_task(stop.wait())], timeout=TICK_S)
            if stop.is_set():
                return
            if self.app.should_stop or (start.done() and start.exception()):
                exit_fatally("Faust has died, and the process would live on without it: start it again")
            ticks += 1
            if ticks % LAG_EVERY_TICKS == 0:
                lags = self.intake.lag()
                for topic in SOURCES:  # 0 also for what was given away to another worker
                    metrics.consumer_lag.labels(topic).set(lags.get(topic, 0))

    async def _route(self, stream: Any) -> None:
        """The agent. An exception that left it would ack what it was working on: none does."""
        await stream.maybe_start()  # subscribes; its queue stays empty
        try:
            async for shares in self.intake.rounds(self.settings.router_round):
                started = boot_seconds()
                states, said = await self.judge.round(shares, utc_now())
                fail_point("router.round-judged")
                await states.send(self.producer)
                fail_point("router.states-acked")
                await said.send(self.producer)
                fail_point("router.outputs-acked")
                metrics.router_round_seconds.observe(boot_seconds() - started)
                if stop := self.judge.reader.stop:
                    self.intake.finish()  # what was bad is on its dead-letter topic: a new start goes on behind it
                    await self.intake.commit()
                    exit_fatally(str(stop))
        except StopProcessError as error:
            exit_fatally(str(error))
        except Exception as error:
            log.exception("a round failed")
            exit_fatally(f"nothing of this round is committed, a new start does it again: {error!r}")


async def run_router(settings: RouterSettings, health: Health, stop: asyncio.Event) -> None:
    """Raises `StopProcessError` where the cluster is not as it must be."""
    require_pinned_versions()
    logging.getLogger("faust").setLevel(logging.ERROR)  # what it warns of is not what goes on here
    await Router(settings, health).run(stop)
