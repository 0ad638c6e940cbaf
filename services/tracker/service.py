"""All of the tracker's parts, put together."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

import aiohttp
import structlog
from clickhouse_connect.driver.exceptions import ClickHouseError

from schemas import Account, Brand, CampaignRecord
from schemas.topics import ACCOUNTS, BRANDS, CAMPAIGNS, CONTACT_CHANGES, DELIVERY_EVENTS, load_topics
from services.runtime.clickhouse import make_clickhouse
from services.runtime.erased import ErasedPeople
from services.runtime.health import Health
from services.runtime.kafka import make_lasting_producer, require_partitions, wait_for_kafka
from services.runtime.registry import Registry
from services.tracker.addresses import Addresses
from services.tracker.asking import Asker
from services.tracker.barrier import Barrier
from services.tracker.clicks import ClickDesk
from services.tracker.compaction import Compaction
from services.tracker.consumer import Intake
from services.tracker.effects import Directory, Effects
from services.tracker.erasing import Erasing
from services.tracker.migrate import migrate
from services.tracker.mirror import CampaignMirror
from services.tracker.people import People
from services.tracker.prices import PriceDesk
from services.tracker.publish import Publisher
from services.tracker.settings import TrackerSettings
from services.tracker.source import FIXED, Source
from services.tracker.store import Store
from services.tracker.twilio_api import TwilioApi
from services.tracker.uncertain import UncertainWatch
from services.tracker.webhooks.accounts import TwilioAccounts
from services.tracker.webhooks.app import serve_webhooks
from services.tracker.webhooks.emit import Emitter
from services.tracker.webhooks.pages import LinkPages
from services.tracker.webhooks.providers import ProviderWebhooks
from services.tracker.webhooks.redirects import Redirects

log = structlog.get_logger("tracker")
_LOOK_S, _LOOK_READY_S = 0.2, 2.0


async def run_tracker(settings: TrackerSettings, health: Health, stop: asyncio.Event) -> None:
    """Until `stop`; then the batch under way is put and committed, and the callbacks under way are answered."""
    health.set_unready("waiting for ClickHouse and Kafka")
    await wait_for_kafka(settings)
    async with contextlib.AsyncExitStack() as stack:
        client = await make_clickhouse(settings)
        stack.push_async_callback(client.close)
        await migrate(client)
        store = Store(client)
        mirror = CampaignMirror(store)
        campaigns: Registry[CampaignRecord] = Registry(settings, CAMPAIGNS, CampaignRecord.read, mirror.note)
        accounts: Registry[Account] = Registry(settings, ACCOUNTS, Account.read)
        brands: Registry[Brand] = Registry(settings, BRANDS, Brand.read)
        registries: list[Registry[Any]] = [campaigns, accounts, brands]
        for registry in registries:
            await registry.start()
            stack.push_async_callback(registry.stop)
        producer = make_lasting_producer(settings)
        await producer.start()
        stack.push_async_callback(producer.stop)
        await require_partitions(producer, FIXED)
        erased = ErasedPeople(settings.master_key.get_secret_value(), store.rows)
        publisher = Publisher(producer, load_topics().partitions, erased)
        directory = Directory(lambda: campaigns.items, lambda: accounts.items)
        addresses = Addresses(store, lambda: campaigns.items)
        effects = Effects(addresses, publisher, directory)
        source = Source(settings)
        compaction = Compaction(store, settings.compaction_rows, lambda: source.owns(CONTACT_CHANGES))
        erasing = Erasing(
            store, publisher, erased, Barrier(settings), lambda: source.owns(CONTACT_CHANGES), compaction.alone,
            settings.erasure_patience_s,
        )  # fmt: skip
        intake = Intake(settings, source, store, People(store), effects, publisher, erased, erasing)
        emitter = Emitter(publisher, store, campaigns.catch_up)
        session = await stack.enter_async_context(aiohttp.ClientSession())
        twilio_accounts = TwilioAccounts(settings, lambda: accounts.items)
        api = TwilioApi(twilio_accounts, session)
        prices = PriceDesk(settings, api, publisher)
        clicks = ClickDesk(store, publisher, lambda campaign_id: campaigns.items.get(campaign_id))
        runner = await serve_webhooks(
            settings,
            ProviderWebhooks(
                settings, emitter, directory, addresses, twilio_accounts, lambda: brands.items, prices.want
            ),
            LinkPages(settings, publisher, store, lambda: brands.items),
            Redirects(settings, lambda: campaigns.items, campaigns.catch_up, clicks),
        )
        stack.push_async_callback(runner.cleanup)
        asker = Asker(settings, store, api, lambda: campaigns.items)
        stack.push_async_callback(asker.close)
        uncertain = UncertainWatch(
            settings, store, publisher, asker, lambda: accounts.items, lambda: source.owns(DELIVERY_EVENTS)
        )
        await source.start()
        async with asyncio.TaskGroup() as group:
            background = [
                group.create_task(campaigns.follow(0.5)),
                group.create_task(accounts.follow(2.0)),
                group.create_task(brands.follow(2.0)),
                group.create_task(mirror.run()),
                group.create_task(uncertain.run()),
                group.create_task(prices.run()),
                group.create_task(clicks.run()),
                group.create_task(compaction.run()),
                group.create_task(erasing.run()),
                group.create_task(_tell_health(health, store, source)),
            ]
            await intake.run(stop)
            for task in background:
                task.cancel()


async def _tell_health(health: Health, store: Store, source: Source) -> None:
    """Ready while partitions are assigned and ClickHouse, which is migrated by now, answers."""
    while True:
        reason = "" if source.assigned else "no partitions assigned yet"
        if not reason:
            try:
                async with asyncio.timeout(5):
                    await store.rows_once("SELECT 1")
            except (ClickHouseError, OSError, TimeoutError) as error:
                reason = f"ClickHouse does not answer: {error!r}"[:300]
        if not reason and not store.healthy:
            reason = "ClickHouse refuses a batch: it is being repeated"
        if reason:
            health.set_unready(reason)
        else:
            health.set_ready()
        await asyncio.sleep(_LOOK_READY_S if health.ready else _LOOK_S)
