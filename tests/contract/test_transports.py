"""Every channel that is registered, against the sandbox: the same promises hold for each.

A new channel is found by its folder; it adds its sample here and nothing else.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest
from aiohttp import web

from deploy.local.free_ports import free_ports
from schemas import Account, Body, CampaignRecord, CampaignStatus, Channel, Content, StepRecord, WhatsappContent
from services.domain.messages import SendMessage
from services.runtime.clock import boot_seconds
from services.sandbox.app import running_sandbox, serving
from services.sandbox.core.worlds import BENCH, World
from services.sandbox.sandbox import Sandbox
from services.sandbox.settings import ACCOUNT_SID, API_KEY, AUTH_TOKEN, SandboxSettings
from services.senders.calls import Caller
from services.senders.contents import ContentBook
from services.senders.core.doorstep import Standing
from services.senders.core.limiter import Rate
from services.senders.core.outcomes import Accepted, Failed, Outcome, Refused, Uncertain
from services.senders.departures import open_session
from services.senders.items import Item
from services.senders.knowledge import KnowledgeBase
from services.senders.pace import Pace
from services.senders.settings import SenderSettings
from services.senders.transport import find_transports

TRANSPORTS = find_transports()
LEASE_S = 5.0


@dataclass(frozen=True)
class Sample:
    """What the suite must know of a channel."""

    username: str
    secret: str
    sender: str
    good: str
    """Address of person number {}."""
    bad: str
    """An address that the provider refuses for ever."""
    content: Content = field(default_factory=Content)


SAMPLES = {
    Channel.EMAIL: Sample("", API_KEY, "Peal <hello@peal.example>", "p{}@example.com", "not an address"),
    Channel.SMS: Sample(ACCOUNT_SID, AUTH_TOKEN, "+15005550006", "+91981234567{}", "+919812345600"),
    Channel.WHATSAPP: Sample(
        ACCOUNT_SID, AUTH_TOKEN, "+15005550006", "+91981234567{}", "+919812345600",
        Content(whatsapp=WhatsappContent(template="HX" + "0" * 32, variables={"1": "{{ name }}"})),
    ),
}  # fmt: skip
WORLD = BENCH.model_copy(update={"people": {"+919812345600": ("invalid",)}})


class Desk:
    """One account of a channel and everything that a call goes through, but for Kafka."""

    def __init__(
        self, channel: Channel, base_url: str, caller: Caller, knowledge: KnowledgeBase, sample: Sample
    ) -> None:
        self.channel, self.base_url, self.caller, self.knowledge, self.sample = (
            channel,
            base_url,
            caller,
            knowledge,
            sample,
        )
        now = datetime.now(UTC)
        step = StepRecord(channel=channel, account="default", content=sample.content)
        self.campaign = CampaignRecord(
            campaign_id="c", brand="default", name="N", status=CampaignStatus.ACTIVE, epoch=1,
            body=Body(text="Hi {{ name }}", link="https://example.com"), steps=[step], created_at=now, updated_at=now,
        )  # fmt: skip
        self.book = ContentBook("https://peal.example", "secret", caller.transport.account, caller.transport.per_call)
        self.set_status(CampaignStatus.ACTIVE)

    def set_status(self, status: CampaignStatus, epoch: int = 1) -> None:
        self.knowledge.standings["c"] = Standing(epoch, status)
        self.knowledge.campaigns.fresh_at = self.knowledge.recalls.fresh_at = boot_seconds() + 3600

    def item(self, number: int, address: str = "") -> Item:
        now = datetime.now(UTC)
        item = Item(
            number,
            SendMessage(
                send_id=f"c/1/p{number}", campaign_id="c", step=1, recipient=f"default/p{number}", ord=number,
                attempt=1, epoch=1, channel=self.channel, address=address or self.sample.good.format(number),
                data={"name": "A"}, reserved_micros=10**6, expires_at=now + timedelta(days=1),
                request_offset=number, routed_at=now,
            ),
        )  # fmt: skip
        self.book.prepare(item, self.campaign, None)
        assert not item.problem
        return item

    async def call(self, *items: Item, lease_s: float = LEASE_S) -> list[Outcome]:
        assert self.caller.pace.try_hold(len(items))
        outcomes = await self.caller.call(items, boot_seconds() + lease_s, lambda: False)
        assert self.caller.pace.limiter.held == 0, "whatever was held has been used or given back"
        return outcomes


@asynccontextmanager
async def desk_at(channel: Channel, base_url: str, timeout_s: float = 2.0) -> AsyncIterator[Desk]:
    sample, transport = SAMPLES[channel], TRANSPORTS[channel]
    account = Account.model_validate(
        {"account_id": "default", "channel": channel, "provider": transport.provider, "base_url": base_url,
         "sender": sample.sender, "username": sample.username, "rate_per_s": 1000.0}
    )  # fmt: skip
    pace, knowledge = Pace(Rate(math.inf, 1.0)), KnowledgeBase(SenderSettings())
    pace.assign([0], 1)
    async with open_session(timeout_s) as session:
        client = transport(account, sample.secret, "https://peal.example", session)
        caller = Caller(client, pace, knowledge, timeout_s=timeout_s, concurrency=10, stale_after=60)
        yield Desk(channel, base_url, caller, knowledge, sample)


@asynccontextmanager
async def desk_in(
    channel: Channel, folder: Path, world: World = WORLD, timeout_s: float = 2.0
) -> AsyncIterator[tuple[Desk, Sandbox]]:
    async with (
        running_sandbox(folder, sandbox_world=world.model_dump_json()) as (sandbox, url),
        desk_at(channel, url, timeout_s) as desk,
    ):
        yield desk, sandbox


def received(sandbox: Sandbox) -> list[str]:
    return [record.identity.send_id for record in sandbox.store.records]


every_channel = pytest.mark.parametrize("channel", sorted(TRANSPORTS))


def test_every_registered_channel_has_a_sample() -> None:
    """Email, SMS and WhatsApp are there; whoever adds a folder tells this suite how to try it."""
    assert set(TRANSPORTS) == set(SAMPLES)
    assert {Channel.EMAIL, Channel.SMS, Channel.WHATSAPP} <= set(TRANSPORTS)


@every_channel
async def test_what_the_provider_takes_is_accepted_once(channel: Channel, tmp_path: Path) -> None:
    """Each with the provider's id; send id, attempt and account travel with it, for the callbacks."""
    async with desk_in(channel, tmp_path) as (desk, sandbox):
        outcomes = await desk.call(*[desk.item(n) for n in range(5)])
        assert all(isinstance(o, Accepted) and o.provider_message_id for o in outcomes)
        assert received(sandbox) == [f"c/1/p{n}" for n in range(5)]
        first = sandbox.store.records[0].identity
        assert (first.attempt, first.account) == (1, "default")


@every_channel
async def test_a_permanent_refusal_fails_that_person_alone(channel: Channel, tmp_path: Path) -> None:
    """A bad address among good ones: it fails with the reason of the table, the others go out, each once."""
    async with desk_in(channel, tmp_path) as (desk, sandbox):
        outcomes = await desk.call(desk.item(0), desk.item(1, desk.sample.bad), desk.item(2))
        assert [type(o) for o in outcomes] == [Accepted, Failed, Accepted]
        assert isinstance(outcomes[1], Failed)
        assert outcomes[1].reason == "invalid_address"
        assert sorted(received(sandbox)) == ["c/1/p0", "c/1/p2"]


@every_channel
async def test_a_429_means_wait(channel: Channel, tmp_path: Path) -> None:
    """Nobody fails; the account is closed for as long as the provider asks, then the message goes out."""
    world = WORLD.model_copy(update={"limit_per_s": 1, "retry_after_s": 1})
    async with desk_in(channel, tmp_path, world) as (desk, sandbox):
        assert isinstance((await desk.call(desk.item(0)))[0], Accepted)
        began = boot_seconds()
        assert isinstance((await desk.call(desk.item(1)))[0], Accepted)
        assert boot_seconds() - began >= 0.5
        assert received(sandbox) == ["c/1/p0", "c/1/p1"]


@every_channel
async def test_a_wait_beyond_the_lease_gives_the_message_back_untouched(channel: Channel, tmp_path: Path) -> None:
    world = WORLD.model_copy(update={"too_many_rate": 1.0, "retry_after_s": 30})
    async with desk_in(channel, tmp_path, world) as (desk, sandbox):
        (outcome,) = await desk.call(desk.item(0))
        assert isinstance(outcome, Refused)
        assert outcome.reason == "throttled"
        assert desk.caller.pace.closed
        assert received(sandbox) == []


@every_channel
async def test_a_refused_connection_is_tried_again(channel: Channel, tmp_path: Path) -> None:
    """Nothing left this process, so it may be repeated: it goes out once, as soon as the provider is there."""
    port = free_ports().sandbox
    settings = SandboxSettings(data_dir=tmp_path, sandbox_world=WORLD.model_dump_json())
    async with desk_at(channel, f"http://127.0.0.1:{port}") as desk:
        calling = asyncio.create_task(desk.call(desk.item(0)))
        while desk.caller.pace.closed_until == 0:
            await asyncio.sleep(0.01)
        sandbox = Sandbox(settings)
        async with serving(sandbox, "127.0.0.1", port):
            assert isinstance((await calling)[0], Accepted)
            assert received(sandbox) == ["c/1/p0"]


@every_channel
@pytest.mark.parametrize(
    "fault", [{"hang_rate": 1.0, "hang_ms": 60_000}, {"close_rate": 1.0}, {"error_after_rate": 1.0}]
)
async def test_what_left_and_was_not_answered_is_uncertain(
    channel: Channel, tmp_path: Path, fault: dict[str, float]
) -> None:
    """A time-out, a broken connection or a 5xx after the bytes left: never sent again by itself, for it may be out."""
    async with desk_in(channel, tmp_path, WORLD.model_copy(update=fault), timeout_s=0.4) as (desk, sandbox):
        outcomes = await desk.call(desk.item(0))
        assert [type(o) for o in outcomes] == [Uncertain]
        assert received(sandbox) == ["c/1/p0"]


@every_channel
async def test_a_redirect_is_not_followed(channel: Channel, tmp_path: Path) -> None:
    """It would be a second call."""
    async with running_sandbox(tmp_path, sandbox_world=WORLD.model_dump_json()) as (sandbox, url):

        async def elsewhere(request: web.Request) -> web.Response:
            return web.Response(status=307, headers={"Location": url + request.path})

        app = web.Application()
        app.router.add_route("*", "/{any:.*}", elsewhere)
        runner = web.AppRunner(app)
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        try:
            async with desk_at(channel, f"http://127.0.0.1:{runner.addresses[0][1]}") as desk:
                assert [type(o) for o in await desk.call(desk.item(0))] == [Uncertain]
        finally:
            await runner.cleanup()
        assert received(sandbox) == []


@every_channel
async def test_the_last_look_stops_what_must_not_leave(channel: Channel, tmp_path: Path) -> None:
    """Paused, or the lease over, before the connection stands: not a byte leaves, also on a reused connection."""
    async with desk_in(channel, tmp_path) as (desk, sandbox):
        warm, paused, late = desk.item(0), desk.item(1), desk.item(2)
        await desk.call(warm)
        desk.set_status(CampaignStatus.PAUSED)
        assert await desk.call(paused) == [Refused(0, "inactive")]
        desk.set_status(CampaignStatus.ACTIVE)
        assert await desk.caller._insist([late], boot_seconds() - 1, lambda: False) == [Refused(0, "lease_over")]
        desk.caller.pace.limiter.held = 0  # that call was made past the limiter's door
        assert received(sandbox) == ["c/1/p0"]
        assert isinstance((await desk.call(desk.item(3)))[0], Accepted), "the connection is still good"


@every_channel
async def test_what_the_last_look_stops_leaves_no_connection_open(channel: Channel, tmp_path: Path) -> None:
    """A pause with thousands queued must not use up the process's files."""
    async with desk_in(channel, tmp_path) as (desk, _sandbox):
        desk.set_status(CampaignStatus.PAUSED)
        item, before = desk.item(0), psutil.Process().num_fds()
        for _ in range(30):
            assert await desk.call(item) == [Refused(0, "inactive")]
        assert psutil.Process().num_fds() - before <= 2 * 2  # both ends of a connection are in this process


@every_channel
async def test_wrong_credentials_cost_nobody_the_message(channel: Channel, tmp_path: Path) -> None:
    """The account waits and is closed; the people stay queued."""
    async with desk_in(channel, tmp_path) as (desk, sandbox):
        async with open_session(2.0) as session:
            desk.caller.transport = TRANSPORTS[channel](
                desk.caller.transport.account, "wrong", "https://peal.example", session
            )
            (outcome,) = await desk.call(desk.item(0))
        assert isinstance(outcome, Refused)
        assert outcome.closes
        assert desk.caller.pace.closed
        assert received(sandbox) == []
