"""Real Kafka and the real ClickHouse engine, once a test run, on free ports and in a folder of their own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy.local.free_ports import free_ports
from services.runtime.ports import Ports
from services.runtime.settings import Settings

STOP_SECONDS = 60


@dataclass(frozen=True)
class Infrastructure:
    kafka_bootstrap: str
    clickhouse_url: str


@pytest.fixture(scope="session")
def infrastructure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Infrastructure]:
    """Kafka and ClickHouse, empty at the beginning of the run and shared by its tests."""
    data_dir, ports = tmp_path_factory.mktemp("infrastructure"), free_ports()
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
