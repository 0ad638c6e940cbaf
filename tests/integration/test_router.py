"""The router on a real broker: one verdict for each request, whatever is killed."""

from __future__ import annotations

import asyncio
import json
import random
import signal
from collections.abc import Iterator

import pytest
from aiokafka.admin import NewTopic
from router_harness import (
    CHANGELOG,
    SESSION_S,
    Cluster,
    RouterProcess,
    cluster_in,
    consent,
    of,
    outcome,
    received,
    request,
    until,
    verdict_offsets,
)

from schemas.topics import DELIVERY_EVENTS, SEND_RECALLS, SEND_REQUESTED
from services.runtime.kafka import make_admin, partition_of


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with cluster_in(tmp_path_factory.mktemp("router")) as cluster:
        yield cluster


@pytest.fixture
def cluster(shared: Cluster) -> Iterator[Cluster]:
    """Shared by the tests of this module: each has a campaign and people of its own."""
    yield shared
    shared.stop_routers()


def people(prefix: str, count: int) -> list[str]:
    return [f"{prefix}-{number}" for number in range(count)]


async def test_each_request_is_routed_once_however_often_it_is_made(cluster: Cluster) -> None:
    everyone = people("once", 300)
    await cluster.campaign("once", ("email", "always"), ("sms", "always"))
    await cluster.router().ready()
    for _ in range(2):
        await cluster.write(SEND_REQUESTED, [request("once", p) for p in everyone], headers=[("traceparent", b"00-x")])
        await cluster.write(SEND_REQUESTED, [request("once", p, 2, "sms") for p in everyone])
    await cluster.drained()
    mails, texts = of("once", await cluster.read("send-email")), of("once", await cluster.read("send-sms"))
    assert sorted(value["send_id"] for _, value in mails) == sorted(f"once/1/{p}" for p in everyone)
    assert sorted(value["send_id"] for _, value in texts) == sorted(f"once/2/{p}" for p in everyone)
    for record, value in mails:
        assert record.partition == partition_of(value["recipient"], 8)
        assert dict(record.headers) == {"traceparent": b"00-x"}
        assert value["data"] == {"name": "Åsa"}


async def test_a_request_right_behind_its_campaign_is_not_too_early(cluster: Cluster) -> None:
    """The campaign may be unknown when the request arrives: `campaigns` is read to its end first."""
    await cluster.router().ready()
    for number in range(5):
        await cluster.campaign(f"fresh-{number}", ("email", "always"))
        await cluster.write(SEND_REQUESTED, [request(f"fresh-{number}", "fresh")])
    await cluster.drained()
    routed = await cluster.read("send-email")
    assert all(len(of(f"fresh-{number}", routed)) == 1 for number in range(5))


async def test_an_unknown_or_paused_campaign_says_nothing_and_is_counted(cluster: Cluster) -> None:
    await cluster.campaign("paused", ("email", "always"), status="paused")
    router = await cluster.router().ready()
    await cluster.write(SEND_REQUESTED, [request("paused", "p-1"), request("nobody-knows", "p-1")])
    await cluster.drained()
    everything = await cluster.read("send-email", DELIVERY_EVENTS)
    assert not of("paused", everything)
    assert not of("nobody-knows", everything)
    assert await router.metric('peal_router_verdicts_total{reason="",verdict="inactive"}') == 1
    assert await router.metric('peal_router_verdicts_total{reason="",verdict="unknown"}') == 1


async def test_killed_in_mid_stream_nothing_is_lost_and_a_verdict_stays_what_it_was(cluster: Cluster) -> None:
    """Replays carry the same offsets, also while people opt out: nobody is both routed and suppressed."""
    everyone = people("kill", 4000)
    await cluster.campaign("kill", ("email", "always"), ("sms", "always"))
    values = [request("kill", p, *step) for step in ((1, "email"), (2, "sms")) for p in everyone]
    chance = random.Random(5)

    async def write() -> None:
        for at in range(0, len(values), 1000):
            await cluster.write(SEND_REQUESTED, values[at : at + 1000])
            await cluster.write("consents", [consent(p) for p in everyone[at // 4 : at // 4 + 250]])

    writing = asyncio.create_task(write())
    for _ in range(5):
        router = await cluster.router(PEAL_ROUTER_ROUND="50").ready()
        await asyncio.sleep(chance.uniform(0, 0.3))  # the moment of the kill is the point of this test
        await router.end(signal.SIGKILL)
    await writing
    await cluster.router().ready()
    await cluster.drained()
    routed = await cluster.read("send-email", "send-sms")
    offsets = verdict_offsets("kill", routed)
    told = {v["send_id"] for _, v in of("kill", await cluster.read(DELIVERY_EVENTS)) if v["status"] == "suppressed"}
    assert not offsets.keys() & told
    assert offsets.keys() | told == {value["send_id"] for value in values}
    assert all(len(found) == 1 for found in offsets.values()), "a replay repeats the verdict of the first"
    assert sorted(received("kill", routed)) == sorted(offsets)


async def test_an_opt_out_that_was_there_before_the_request_always_wins(cluster: Cluster) -> None:
    """Also when the router has far more consents than requests to catch up with."""
    everyone = people("stop", 500)
    await cluster.campaign("stop", ("email", "always"))
    await cluster.write("consents", [consent(f"stop-x{n}", "opted_in") for n in range(20_000)])
    await cluster.write("consents", [consent(p) for p in everyone])
    await cluster.write(SEND_REQUESTED, [request("stop", p) for p in everyone])
    await cluster.router().ready()
    await cluster.drained()
    assert not of("stop", await cluster.read("send-email"))
    told = of("stop", await cluster.read(DELIVERY_EVENTS))
    assert sorted(value["send_id"] for _, value in told) == sorted(f"stop/1/{p}" for p in everyone)
    assert {value["reason"] for _, value in told} == {"opted_out"}


async def test_while_requests_stream_an_opt_out_still_comes_first(cluster: Cluster) -> None:
    """Each person opts out, which is acked, and only then is the request made: not one may be routed."""
    await cluster.campaign("race", ("email", "always"))
    await cluster.router().ready()
    for at in range(10):
        group = people(f"race-{at}", 30)
        await cluster.write("consents", [consent(p) for p in group])
        await cluster.write(SEND_REQUESTED, [request("race", p) for p in group])
    await cluster.drained()
    assert not of("race", await cluster.read("send-email"))


async def test_an_opt_out_calls_back_what_is_queued(cluster: Cluster) -> None:
    await cluster.campaign("recall", ("email", "always"))
    await cluster.router().ready()
    await cluster.write(SEND_REQUESTED, [request("recall", "recall-1"), request("recall", "recall-2")])
    await cluster.drained()
    await cluster.write(DELIVERY_EVENTS, [outcome("recall", "recall-2", "accepted")])
    await cluster.write("consents", [consent("recall-1"), consent("recall-2")])
    await cluster.drained()
    [(_, value)] = of("recall", await cluster.read(SEND_RECALLS))
    assert (value["send_id"], value["attempt"]) == ("recall/1/recall-1", 1)


async def test_the_people_are_restored_from_the_changelog(cluster: Cluster) -> None:
    everyone = people("restore", 3000)
    await cluster.campaign("restore", ("email", "always"))
    first = await cluster.router().ready()
    await cluster.write(SEND_REQUESTED, [request("restore", p) for p in everyone])
    await cluster.drained()
    known = await first.metric("peal_router_people ")
    await first.end(signal.SIGKILL)
    second = await cluster.router().ready()
    await cluster.write(SEND_REQUESTED, [request("restore", p) for p in everyone])
    await cluster.drained()
    assert await second.metric("peal_router_people ") == known >= 3000
    assert len(of("restore", await cluster.read("send-email"))) == 3000, "all are known as sent already"


async def test_sigterm_drains_commits_and_exits_with_0(cluster: Cluster) -> None:
    everyone = people("drain", 6000)
    await cluster.campaign("drain", ("email", "always"))
    await cluster.write(SEND_REQUESTED, [request("drain", p) for p in everyone])
    router = await cluster.router(PEAL_ROUTER_ROUND="50").ready()
    assert await router.end() == 0
    before = len(of("drain", await cluster.read("send-email")))
    assert before < 6000, "it was stopped in the middle"
    await cluster.router().ready()
    await cluster.drained()
    assert len(of("drain", await cluster.read("send-email"))) == 6000, "what was done was committed: no replay"


async def test_bad_input_goes_to_the_dead_letters_and_the_stream_goes_on(cluster: Cluster) -> None:
    await cluster.campaign("poison", ("email", "always"))
    router = await cluster.router().ready()
    wrong = (partition_of("default/poison-1", 8) + 1) % 8
    good = json.dumps(request("poison", "poison-1")).encode()
    headers = [("traceparent", b"00-y"), ("empty", b"")]
    bad = {
        "not_json": (b"rubbish", b"default/poison-1", None), "not_utf8": (b"\xff\xfe", b"default/poison-1", None),
        "null": (None, b"default/poison-1", None), "too_large": (bytes(900_000), b"default/poison-1", None),
        "wrong_key": (good, b"default/poison-2", None), "wrong_partition": (good, b"default/poison-1", wrong),
        "invalid": (b"{}", b"default/poison-1", None),
    }  # fmt: skip
    before = len(await cluster.read("send-requested-dlq"))
    async with cluster.producer() as producer:
        places = {
            reason: await producer.send_and_wait(SEND_REQUESTED, value, key=key, partition=p, headers=headers)
            for reason, (value, key, p) in bad.items()
        }
        unknown = json.dumps(outcome("poison", "poison-1", "teleported")).encode()
        await producer.send_and_wait(DELIVERY_EVENTS, unknown, key=b"default/poison-1")
        await producer.send_and_wait("engagements", b"", key=None)
    await cluster.write(SEND_REQUESTED, [request("poison", "poison-1")])
    await cluster.drained()
    assert len(of("poison", await cluster.read("send-email"))) == 1
    letters = await cluster.read("send-requested-dlq")
    assert len(letters) == before + len(bad)
    told = {
        (told["peal_source_partition"], told["peal_source_offset"]): (told, letter)
        for letter in letters
        if (told := dict(letter.headers))
    }
    for reason, place in places.items():
        headers_of, letter = told[str(place.partition).encode(), str(place.offset).encode()]
        assert headers_of["peal_reason"] == reason.encode()
        assert headers_of["traceparent"] == b"00-y"
        assert letter.value == (bad[reason][0] or b"")
    [event] = await cluster.read("delivery-events-dlq")
    assert dict(event.headers)["peal_reason"] == b"unknown_status"
    assert await router.metric('peal_dead_letters_total{reason="wrong_partition"') == 1
    assert (await router.get("/livez"))[0] == 200


async def test_an_account_without_topic_is_bad_input_until_it_has_one(cluster: Cluster) -> None:
    await cluster.campaign("account", ("email", "always"))
    await cluster.router().ready()
    await cluster.write(SEND_REQUESTED, [request("account", "account-1", account="shop-2")])
    await cluster.drained()
    [(_, told)] = of("account", await cluster.read(DELIVERY_EVENTS))
    assert (told["status"], told["reason"]) == ("failed", "dead_letter")
    reasons = [dict(letter.headers)["peal_reason"] for letter in await cluster.read("send-requested-dlq")]
    assert b"unknown_account" in reasons
    admin = make_admin(cluster.settings)
    await admin.start()
    await admin.create_topics([NewTopic("send-email-shop-2", 8, 1)])
    await admin.close()
    await cluster.write(SEND_REQUESTED, [request("account", "account-2", account="shop-2")])
    await cluster.write(SEND_REQUESTED, [request("account", "account-1", account="shop-2", attempt=2, reopen=True)])
    await cluster.drained()
    sends = {value["send_id"] for _, value in of("account", await cluster.read("send-email-shop-2"))}
    assert sends == {"account/1/account-1", "account/1/account-2"}


async def test_two_workers_share_the_people_and_a_rebalance_loses_and_doubles_nothing(cluster: Cluster) -> None:
    """While requests stream in: one joins, the first leaves, a third joins, the second is killed."""
    await cluster.campaign("pair", ("email", "always"))
    made, enough = list[str](), asyncio.Event()

    async def stream() -> None:
        while not enough.is_set():
            group = people(f"pair-{len(made)}", 100)
            await cluster.write(SEND_REQUESTED, [request("pair", person) for person in group])
            made.extend(f"pair/1/{person}" for person in group)

    async def work(*routers: RouterProcess) -> None:
        before = [await router.metric("peal_router_events_total") for router in routers]

        async def done() -> bool:
            now = [await router.metric("peal_router_events_total") for router in routers]
            return all(new > old for new, old in zip(now, before, strict=True))

        await until(done, "each of them works")

    writing = asyncio.create_task(stream())
    first = await cluster.router(0, PEAL_ROUTER_ROUND="50").ready()
    second = await cluster.router(1, PEAL_ROUTER_ROUND="50").ready()
    await work(first, second)
    assert await first.end() == 0
    third = await cluster.router(2, PEAL_ROUTER_ROUND="50").ready()
    await work(second, third)
    await second.end(signal.SIGKILL)
    await work(third)
    enough.set()
    await writing
    await cluster.drained()
    routed = await cluster.read("send-email")
    assert sorted(received("pair", routed)) == sorted(made)
    assert all(len(found) == 1 for found in verdict_offsets("pair", routed).values())
    assert await third.end() == 0


async def test_a_broker_that_is_killed_and_comes_back_loses_and_doubles_nothing(cluster: Cluster) -> None:
    """The router waits, or ends with 70 and is started again, as its supervisor would."""
    everyone = people("broker", 6000)
    await cluster.campaign("broker", ("email", "always"))
    await cluster.write(SEND_REQUESTED, [request("broker", p) for p in everyone])
    router = await cluster.router(PEAL_ROUTER_ROUND="50").ready()
    await until(lambda: router.metric("peal_router_events_total"), "it works")
    await cluster.restart_broker()

    async def done() -> bool:
        nonlocal router
        if (code := router.child.poll()) is not None:
            assert code == 70, router.said()
            cluster.routers.remove(router)
            router = cluster.router()
        return await cluster.lag() == 0

    await until(done, "all is routed", 120)
    routed = await cluster.read("send-email")
    assert sorted(received("broker", routed)) == sorted(f"broker/1/{p}" for p in everyone)
    assert all(len(found) == 1 for found in verdict_offsets("broker", routed).values())


async def test_a_router_that_slept_beyond_its_session_writes_nothing_when_it_wakes(cluster: Cluster) -> None:
    """It sleeps in the middle of a round; another takes over and goes on; then it wakes, with a round to write."""
    everyone = people("sleep", 12_000)
    await cluster.campaign("sleep", ("email", "always"))
    await cluster.write(SEND_REQUESTED, [request("sleep", p) for p in everyone])
    sleeper = await cluster.router(0, PEAL_ROUTER_ROUND="100").ready()
    await until(lambda: sleeper.metric("peal_router_events_total"), "it works")
    sleeper.tell(signal.SIGSTOP)
    assert await cluster.lag() > 0, "it sleeps in the middle"
    other = await cluster.router(1).ready()
    await cluster.drained()
    written = await cluster.ends(CHANGELOG, "send-email")
    sleeper.tell(signal.SIGCONT)
    await asyncio.sleep(SESSION_S)  # time for it to do harm, if it could
    assert await cluster.ends(CHANGELOG, "send-email") == written
    assert sleeper.child.poll() in (None, 70)
    assert sorted(received("sleep", await cluster.read("send-email"))) == sorted(f"sleep/1/{p}" for p in everyone)
    assert await other.end() == 0
