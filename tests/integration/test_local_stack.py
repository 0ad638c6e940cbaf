"""The local stack starts its parts in order, keeps them running, and leaves nothing behind."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import psutil
import pytest
from aiokafka.admin import NewTopic

from deploy.local.errors import StackError
from deploy.local.free_ports import is_free
from deploy.local.services import ServiceSpec, default_services
from deploy.local.stack import Stack
from deploy.local.supervisor_config import ServiceEvent
from services.runtime.kafka import make_admin, make_consumer, make_producer
from services.runtime.ports import Ports
from services.runtime.settings import Settings

PATIENCE_SECONDS = 30


def engine(name: str, data_dir: Path, port: int, **environment: str) -> ServiceSpec:
    """A service that is quick to start: another ClickHouse engine."""
    command = (sys.executable, "-m", "deploy.local.clickhouse", "--path", str(data_dir / name), "--port", str(port))
    return ServiceSpec(name, command, "edge", f"http://127.0.0.1:{port}/ping", environment)


def processes_of(data_dir: Path) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            if any(str(data_dir) in argument for argument in process.cmdline()):
                found.append(process)
    return found


async def until_gone(data_dir: Path) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while processes_of(data_dir):
            await asyncio.sleep(0.1)


@pytest.fixture
def elsewhere(kafka_bootstrap: str, clickhouse_url: str) -> dict[str, str]:
    """Settings that say that Kafka and ClickHouse run already."""
    return {"PEAL_KAFKA_BOOTSTRAP": kafka_bootstrap, "PEAL_CLICKHOUSE_URL": clickhouse_url}


@pytest.fixture
async def stack(tmp_path: Path, ports: Ports, elsewhere: dict[str, str]) -> AsyncIterator[Stack]:
    specs = [engine("one", tmp_path, ports.metrics("planner")), engine("two", tmp_path, ports.metrics("router"))]
    async with Stack(tmp_path, ports, elsewhere, specs) as stack:
        yield stack
    assert processes_of(tmp_path) == []


async def next_event(events: AsyncIterator[ServiceEvent], kind: str, service: str) -> ServiceEvent:
    async with asyncio.timeout(PATIENCE_SECONDS):
        async for event in events:
            if (event.kind, event.service) == (kind, service):
                return event
    raise AssertionError(f"{service} was never {kind}")


async def test_a_killed_service_is_started_again_and_the_others_are_left_alone(stack: Stack) -> None:
    events, other = stack.events(), stack.pid("two")
    old = stack.kill("one")
    assert (await next_event(events, "exited", "one")).detail == "terminated by SIGKILL"
    started = await next_event(events, "started", "one")
    assert await stack.wait_restarted("one", old) == started.pid != old
    assert stack.pid("two") == other


async def test_a_restart_drains_the_service_and_waits_until_it_is_ready(stack: Stack) -> None:
    events, old = stack.events(), stack.pid("one")
    await stack.restart("one")
    assert (await next_event(events, "stopped", "one")).detail == "exit status 0"
    assert stack.pid("one") != old


async def test_a_stopped_service_stays_down_until_it_is_started(stack: Stack) -> None:
    await stack.stop_service("one")
    with pytest.raises(LookupError):
        stack.pid("one")
    await stack.start_service("one")
    assert psutil.pid_exists(stack.pid("one"))


async def test_services_get_the_settings_of_the_stack_and_not_those_of_the_shell(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, ports: Ports, elsewhere: dict[str, str]
) -> None:
    given = psutil.Process(stack.pid("one")).environ()
    assert {name: value for name, value in given.items() if name.startswith("PEAL_")} == stack.environment_for("one")
    monkeypatch.setenv("PEAL_RATE_SMS", "999")
    key = "-----BEGIN KEY-----\n50% of \"it\" is 'quoted'\n"
    spec = engine("three", tmp_path, ports.metrics("tracker"), PEAL_KEY=key)
    async with Stack(tmp_path / "other", ports, elsewhere, [spec]) as other:
        environment = psutil.Process(other.pid("three")).environ()
    assert environment["PEAL_KEY"] == key
    assert "PEAL_RATE_SMS" not in environment


async def test_a_service_that_cannot_start_is_named_with_the_end_of_its_log(
    tmp_path: Path, ports: Ports, elsewhere: dict[str, str]
) -> None:
    broken = ServiceSpec("broken", (sys.executable, "-m", "deploy.no_such_module"), "edge", "http://127.0.0.1:1/readyz")
    with pytest.raises(StackError, match="broken does not start: it ended 3 times") as caught:
        await Stack(tmp_path, ports, elsewhere, [broken]).start()
    assert "No module named deploy.no_such_module" in str(caught.value)
    assert processes_of(tmp_path) == []


async def test_everything_is_set_up_between_the_infrastructure_and_the_services(tmp_path: Path, ports: Ports) -> None:
    happened: list[str] = []

    async def create_topics(settings: Settings) -> None:
        admin = make_admin(settings)
        await admin.start()
        happened.append("hook")
        await admin.close()

    spec = engine("one", tmp_path, ports.metrics("planner"))
    stack = Stack(tmp_path, ports, {}, [spec], [create_topics])
    await stack.start(lambda part, state: happened.append(f"{part} {state}"))
    try:
        assert set(happened[:4]) == {"kafka starting", "clickhouse starting", "kafka ready", "clickhouse ready"}
        assert happened[4:] == ["create topics setting up", "hook", "create topics done", "one starting", "one ready"]
        answer = httpx.get(f"http://127.0.0.1:{ports.clickhouse}/ping")
        assert answer.text == "Ok.\n"
    finally:
        await stack.stop()
    assert processes_of(tmp_path) == []
    assert is_free(ports.kafka)


async def test_what_the_broker_acknowledged_survives_its_kill_and_it_is_back_within_seconds(
    tmp_path: Path, ports: Ports, clickhouse_url: str
) -> None:
    async with Stack(tmp_path, ports, {"PEAL_CLICKHOUSE_URL": clickhouse_url}, []) as stack:
        admin = make_admin(stack.settings)
        await admin.start()
        await admin.create_topics([NewTopic("kept", 1, 1)])
        await admin.close()
        producer = make_producer(stack.settings)
        await producer.start()
        await producer.send_and_wait("kept", b"before")
        old = stack.kill("kafka")
        await stack.wait_restarted("kafka", old)
        await producer.send_and_wait("kept", b"after")
        await producer.stop()
        consumer = make_consumer(stack.settings, "kept", auto_offset_reset="earliest")
        await consumer.start()
        async with asyncio.timeout(PATIENCE_SECONDS):
            assert [(await consumer.getone()).value for _ in range(2)] == [b"before", b"after"]
        await consumer.stop()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
async def test_no_process_outlives_the_one_that_started_the_stack(
    tmp_path: Path, ports: Ports, number: signal.Signals
) -> None:
    command = [sys.executable, "-m", "deploy.local.infrastructure", "--data-dir", str(tmp_path)]
    command += ["--port-base", str(ports.console)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        assert len(processes_of(tmp_path)) >= 4
        process.send_signal(number)
        process.wait(PATIENCE_SECONDS)
    if number is not signal.SIGKILL:
        assert process.returncode == 0
        assert processes_of(tmp_path) == []
    await until_gone(tmp_path)


async def test_no_service_outlives_a_killed_supervisor(tmp_path: Path, ports: Ports, elsewhere: dict[str, str]) -> None:
    stack = Stack(tmp_path, ports, elsewhere, [engine("one", tmp_path, ports.metrics("planner"))])
    await stack.start()
    events = stack.events()
    psutil.Process(stack.pid("one")).parent().kill()  # type: ignore[union-attr]
    async with asyncio.timeout(PATIENCE_SECONDS):
        assert [event async for event in events] == []  # the end of the events tells it
    await until_gone(tmp_path)
    await stack.stop()


def test_instances_of_a_service_have_ports_of_their_own(ports: Ports) -> None:
    specs = {spec.name: spec for spec in default_services(ports, {"sender-email": 2})}
    first, second = specs["sender-email"], specs["sender-email-1"]
    assert first.command == second.command
    assert (first.environment["PEAL_INSTANCE"], second.environment["PEAL_INSTANCE"]) == ("0", "1")
    assert second.ready_url == f"http://127.0.0.1:{ports.metrics('sender-email') + 20}/readyz"
