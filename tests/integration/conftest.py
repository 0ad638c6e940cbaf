"""Real Kafka and the real ClickHouse engine, once a test run, on free ports and in a folder of their own."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import yaml
from clickhouse_connect.driver.asyncclient import AsyncClient
from console_stage import KEY, Stage, open_stage
from database_stage import own_database
from installation_desk import Desk, running

from deploy.docker.broker import OUTSIDE_PORT, broker_environment
from deploy.local.free_ports import free_ports
from deploy.local.installation import Installation
from services.runtime.ports import Ports
from services.runtime.settings import Settings

STOP_SECONDS = 60
COMPOSE = Path(__file__).parents[2] / "docker-compose.yml"


@dataclass(frozen=True)
class Infrastructure:
    kafka_bootstrap: str
    clickhouse_url: str


@pytest.fixture(scope="session")
def infrastructure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Infrastructure]:
    """Kafka and ClickHouse, empty at the beginning of the run and shared by its tests."""
    with _started(tmp_path_factory.mktemp("infrastructure")) as started:
        yield started


@pytest.fixture(scope="module")
def own_infrastructure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """The same for one module alone, which changes what all share, such as the default brand's rules, or counts on
    finding nothing there: address of the broker, URL of ClickHouse."""
    with _started(tmp_path_factory.mktemp("own_infrastructure")) as started:
        yield started.kafka_bootstrap, started.clickhouse_url


def _started(folder: Path) -> AbstractContextManager[Infrastructure]:
    """The embedded ones; with `PEAL_TEST_STACK=containers` those of docker-compose.yml."""
    return _containers() if os.environ.get("PEAL_TEST_STACK") == "containers" else _embedded(folder)


@contextmanager
def _containers() -> Iterator[Infrastructure]:
    """Needs a container engine. Kafka says where clients find it, so its port is chosen before it starts."""
    from testcontainers.community.clickhouse import ClickHouseContainer  # here: only this way needs them
    from testcontainers.core.container import DockerContainer
    from testcontainers.core.wait_strategies import LogMessageWaitStrategy

    services = yaml.safe_load(COMPOSE.read_text())["services"]
    address = f"127.0.0.1:{free_ports().kafka}"
    kafka = DockerContainer(services["kafka"]["image"]).with_bind_ports(OUTSIDE_PORT, int(address.rpartition(":")[2]))
    for name, value in broker_environment("localhost:9092", address).items():
        kafka.with_env(name, value)
    kafka.waiting_for(LogMessageWaitStrategy("Kafka Server started").with_startup_timeout(STOP_SECONDS))
    with kafka, ClickHouseContainer(services["clickhouse"]["image"]) as clickhouse:
        host = f"{clickhouse.get_container_host_ip()}:{clickhouse.get_exposed_port(8123)}"
        yield Infrastructure(address, f"http://{clickhouse.username}:{clickhouse.password}@{host}")


@contextmanager
def _embedded(data_dir: Path) -> Iterator[Infrastructure]:
    ports = free_ports()
    command = [sys.executable, "-m", "deploy.local.infrastructure", "--die-with-parent"]
    command += ["--data-dir", str(data_dir), "--port-base", str(ports.console)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            lines = [process.stdout.readline().strip() for _ in range(2)]
            found = dict(line.split("=", 1) for line in lines if "=" in line)
            assert found, f"Kafka and ClickHouse did not start; see {data_dir}/logs"
            yield Infrastructure(found["PEAL_KAFKA_BOOTSTRAP"], found["PEAL_CLICKHOUSE_URL"])
        finally:
            process.terminate()
            process.wait(STOP_SECONDS)


@pytest.fixture(scope="session")
def kafka_bootstrap(infrastructure: Infrastructure) -> str:
    """host:port of a real broker that this test run shares: use topic and group names of your own."""
    return infrastructure.kafka_bootstrap


@pytest.fixture(scope="session")
def clickhouse_url(infrastructure: Infrastructure) -> str:
    """URL of a real ClickHouse engine that this test run shares: use a database of your own."""
    return infrastructure.clickhouse_url


@pytest.fixture
def ports() -> Ports:
    """A block of ports on which nothing listens, for an installation of the test's own."""
    return free_ports()


@pytest.fixture
def settings(infrastructure: Infrastructure, tmp_path: Path) -> Settings:
    """What services share, pointing at the infrastructure of this test run."""
    return Settings(
        kafka_bootstrap=infrastructure.kafka_bootstrap,
        clickhouse_url=infrastructure.clickhouse_url,
        data_dir=tmp_path,
    )


@pytest.fixture
async def client(settings: Settings) -> AsyncIterator[AsyncClient]:
    """A database of the test's own on that engine, migrated."""
    async with own_database(settings) as own:
        yield own


@pytest.fixture(scope="module")
def stage(
    request: pytest.FixtureRequest, kafka_bootstrap: str, clickhouse_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stage]:
    """The console with the real planner and tracker behind it, for the tests of one module."""
    with open_stage(kafka_bootstrap, clickhouse_url, tmp_path_factory.mktemp(request.module.__name__)) as opened:
        yield opened


@pytest.fixture
def browser(stage: Stage) -> Iterator[httpx.Client]:
    """Signed in at the stage's console with the API key."""
    with httpx.Client(base_url=stage.url, follow_redirects=True, timeout=60) as client:
        assert client.post("/login", data={"api_key": KEY}).status_code == 200
        yield client


@pytest.fixture(scope="module")
def installation(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """Everything that `peal up` starts, for the tests of one module: with its settings GIVEN, instances as in SCALE."""
    folder = tmp_path_factory.mktemp(request.module.__name__)
    with running(folder, request.module.GIVEN, getattr(request.module, "SCALE", None)) as made:
        yield made


@pytest.fixture
async def desk(installation: Installation) -> AsyncIterator[Desk]:
    """What the operator of the module's installation has."""
    made = Desk(installation)
    yield made
    await made.rest.aclose()
