"""What a machine must offer before Peal can run on it. Each check is a fact, a verdict and what to do."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psutil

from deploy.local.free_ports import is_free
from deploy.local.jars import have_jars, jars_dir
from services.runtime.ports import Ports

PYTHON = (3, 11)
JAVA = 17
DISK_BYTES = 1 << 30
MEMORY_BYTES = 3 << 29
MEBIBYTE = 1 << 20


@dataclass(frozen=True)
class Check:
    """`problem` is empty where all is well, else one sentence that ends with what to do."""

    name: str
    found: str
    problem: str = ""

    @property
    def ok(self) -> bool:
        return not self.problem


def run_checks(data_dir: Path, ports: Ports, given: Mapping[str, str], running_pid: int | None) -> list[Check]:
    """Everything that `peal up` needs. `running_pid`: of the `peal up` that holds the ports rightly, if any."""
    kafka, clickhouse = given.get("PEAL_KAFKA_BOOTSTRAP"), given.get("PEAL_CLICKHOUSE_URL")
    checks = [check_python(), check_make()]
    checks += [check_reachable("Kafka", "PEAL_KAFKA_BOOTSTRAP", kafka)] if kafka else [check_java(), check_jars()]
    if clickhouse:
        checks.append(check_reachable("ClickHouse", "PEAL_CLICKHOUSE_URL", clickhouse))
    checks += [check_folder(data_dir), check_disk(data_dir), check_memory()]
    wanted = needed_ports(ports, kafka=not kafka, clickhouse=not clickhouse)
    return checks + check_ports(wanted, running_pid)


def needed_ports(ports: Ports, *, kafka: bool, clickhouse: bool) -> dict[str, int]:
    """Ports of the parts that would run here, by the name of what listens there."""
    absent = (() if kafka else ("kafka", "kafka controller")) + (() if clickhouse else ("clickhouse",))
    return {name: port for name, port in ports.all().items() if name not in absent}


def check_python(version: tuple[int, int] = sys.version_info[:2]) -> Check:
    text = ".".join(map(str, version))
    return Check("Python", text, "" if version >= PYTHON else f"Python {text} is too old: install 3.11 or newer")


def check_make() -> Check:
    found = shutil.which("make")
    return Check("make", found or "missing", "" if found else "make is missing: install it (apt install make)")


def parse_java_version(text: str) -> int | None:
    """The major version in what `java -version` prints (`1.8.0` is 8), or None."""
    found = re.search(r'version "(?:1\.)?(\d+)', text)
    return int(found.group(1)) if found else None


def check_java() -> Check:
    remedy = "install Java 17 or newer (apt install default-jre-headless, brew install openjdk)"
    java = shutil.which("java")
    if java is None:
        return Check("Java", "missing", f"Java is missing, and the embedded Kafka needs it: {remedy}")
    done = subprocess.run([java, "-version"], capture_output=True, text=True, check=False)  # noqa: S603
    version = parse_java_version(done.stderr + done.stdout)
    if version is None:
        return Check("Java", java, f"{java} does not tell its version: {remedy}")
    return Check("Java", str(version), "" if version >= JAVA else f"Java {version} is too old for Kafka: {remedy}")


def check_jars() -> Check:
    """Maven is only needed until the jars are there."""
    folder = jars_dir()
    if have_jars(folder):
        return Check("Kafka's jars", str(folder))
    if shutil.which("mvn"):
        return Check("Kafka's jars", "not yet there; Maven fetches them at the first start")
    return Check(
        "Kafka's jars",
        "missing",
        "Maven is missing, and Kafka's jars are not there yet: install it (apt install maven, brew install maven)",
    )


def check_folder(data_dir: Path) -> Check:
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        probe = data_dir / ".writable"
        probe.touch()
        probe.unlink()
    except OSError as error:
        reason = error.strerror or str(error)
        return Check(
            "data folder", str(data_dir), f"{data_dir} cannot be written ({reason}): mend it or set PEAL_DATA_DIR"
        )
    return Check("data folder", str(data_dir))


def check_disk(data_dir: Path) -> Check:
    folder = next(path for path in (data_dir, *data_dir.parents) if path.exists())
    free = shutil.disk_usage(folder).free
    text = f"{free // MEBIBYTE} MiB free at {folder}"
    if free >= DISK_BYTES:
        return Check("disk", text)
    return Check("disk", text, f"only {text}, and Peal needs 1 GiB: make room or set PEAL_DATA_DIR to another disk")


def check_memory() -> Check:
    available = psutil.virtual_memory().available
    text = f"{available // MEBIBYTE} MiB available"
    if available >= MEMORY_BYTES:
        return Check("memory", text)
    return Check("memory", text, f"only {text}, and Peal needs {MEMORY_BYTES // MEBIBYTE} MiB: end other programs")


def check_ports(wanted: Mapping[str, int], running_pid: int | None) -> list[Check]:
    """One line for all that are free, and one for each that is not."""
    if running_pid:
        return [Check("ports", f"in use by this installation's own `peal up` (pid {running_pid})")]
    taken = {name: port for name, port in wanted.items() if not is_free(port)}
    if not taken:
        return [Check("ports", f"{len(wanted)} free, {min(wanted.values())} to {max(wanted.values())}")]
    return [
        Check(
            f"port {port}",
            f"taken, wanted for {name}",
            f"port {port} ({name}) is taken{holder(port)}: end what listens there, or set PEAL_PORT_BASE to a number"
            " such as 20000 from which all ports are counted",
        )
        for name, port in taken.items()
    ]


def holder(port: int) -> str:
    """` by NAME (pid N)` where the system tells us, else nothing."""
    try:
        for connection in psutil.net_connections("tcp"):
            if connection.laddr and connection.laddr.port == port and connection.status == psutil.CONN_LISTEN:
                return f" by {psutil.Process(connection.pid).name()} (pid {connection.pid})" if connection.pid else ""
    except psutil.Error:
        return ""
    return ""


def check_reachable(what: str, setting: str, value: str) -> Check:
    """Whether something listens at the first address of an external Kafka or ClickHouse."""
    address = urlsplit(value if "://" in value else f"//{value.split(',')[0]}")
    shown = f"{address.hostname}:{address.port}" if address.port else str(address.hostname)
    port = address.port or {"http": 8123, "https": 8443}.get(address.scheme, 9092)
    try:
        socket.create_connection((address.hostname or "", port), timeout=5).close()
    except OSError as error:
        reason = error.strerror or str(error)
        return Check(what, shown, f"{what} does not answer at {shown} ({reason}): start it or mend {setting}")
    return Check(what, f"answers at {shown}")
