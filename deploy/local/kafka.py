"""The embedded broker: Apache Kafka in KRaft mode, one node that is broker and controller.

    python -m deploy.local.kafka --data-dir DIR [--port 9092] [--controller-port 9093]

formats the directory on first use and then becomes the broker (exec), so that a signal reaches Java itself.
"""

from __future__ import annotations

import argparse
import base64
import os
import shutil
import subprocess
import uuid
from collections.abc import Mapping
from pathlib import Path

from deploy.local.errors import LocalError
from deploy.local.jars import JarsError, classpath, ensure_jars

HEAP = ("-Xms128m", "-Xmx512m")
QUICK_COMPILER = "-XX:TieredStopAtLevel=1"
"""No optimising compiler. A broker that lives for minutes on two cores never earns what that costs: measured from the
start through the topics and some 200,000 records, 8 CPU-seconds instead of 18, and 50 MB less."""
JVM_OPTIONS = (
    *HEAP,
    QUICK_COMPILER,
    "-XX:+UseG1GC",
    "-XX:MaxGCPauseMillis=20",
    "-XX:+ExitOnOutOfMemoryError",
    "-XX:MaxMetaspaceSize=128m",
    "-Djava.awt.headless=true",
)
LOG4J = """\
status = error
appender.console.type = Console
appender.console.name = console
appender.console.layout.type = PatternLayout
appender.console.layout.pattern = %d{ISO8601} %p %m (%c)%n
rootLogger.level = LEVEL
rootLogger.appenderRef.console.ref = console
"""


class KafkaError(LocalError):
    """The broker cannot be started; the text says why and what to do."""


def server_properties(data_dir: Path, port: int, controller_port: int) -> dict[str, str]:
    """The broker's configuration: listens on the loopback only, keeps what it is told to keep, starts fast.

    * topics are made by `peal topics apply` alone, so a misspelt name is an error;
    * groups rebalance at once, and may choose sessions from one second up;
    * committed offsets are kept for a year: a missing one stops a service instead of skipping or repeating;
    * after a hard kill the old registration of the same node is dropped within 3 s (the default is 9).
    """
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@127.0.0.1:{controller_port}",
        "listeners": f"PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://127.0.0.1:{port}",
        "controller.listener.names": "CONTROLLER",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": str(data_dir / "data"),
        "auto.create.topics.enable": "false",
        "num.partitions": "8",
        "default.replication.factor": "1",
        "min.insync.replicas": "1",
        "offsets.topic.num.partitions": "8",
        "offsets.topic.replication.factor": "1",
        "offsets.retention.minutes": str(365 * 24 * 60),
        "transaction.state.log.num.partitions": "4",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "share.coordinator.state.topic.num.partitions": "1",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "group.initial.rebalance.delay.ms": "0",
        "group.min.session.timeout.ms": "1000",
        "broker.heartbeat.interval.ms": "500",
        "broker.session.timeout.ms": "3000",
        "log.segment.bytes": str(256 * 1024 * 1024),
        "log.index.size.max.bytes": str(1024 * 1024),
        "log.cleaner.dedupe.buffer.size": str(32 * 1024 * 1024),
        "num.network.threads": "2",
        "num.io.threads": "4",
        "background.threads": "4",
        "num.recovery.threads.per.data.dir": "2",
    }


def render(properties: Mapping[str, str]) -> str:
    """As a Java properties file; a backslash in a value is escaped."""
    return "".join(f"{name}={value}\n".replace("\\", "\\\\") for name, value in properties.items())


def java_command(jars: Path, data_dir: Path, *arguments: str, options: tuple[str, ...] = JVM_OPTIONS) -> list[str]:
    java = shutil.which("java")
    if java is None:
        raise KafkaError("Java is missing: Kafka needs Java 17 or newer (apt install default-jre-headless).")
    log4j = f"-Dlog4j2.configurationFile={data_dir / 'log4j2.properties'}"
    return [java, *options, log4j, f"-Dkafka.logs.dir={data_dir}", "-cp", classpath(jars), *arguments]


def prepare(jars: Path, data_dir: Path, port: int, controller_port: int, level: str = "WARN") -> Path:
    """Write the configuration and format the directory unless it is; returns the properties file. Raises KafkaError."""
    properties = data_dir / "server.properties"
    try:
        data_dir.mkdir(parents=True, exist_ok=True)
        _write(properties, render(server_properties(data_dir, port, controller_port)))
        _write(data_dir / "log4j2.properties", LOG4J.replace("LEVEL", level))
    except OSError as error:
        raise KafkaError(
            f"Kafka cannot write to {data_dir} ({error.strerror}): make room, or mend the rights"
        ) from error
    if not (data_dir / "data" / "meta.properties").exists():
        _format(jars, data_dir, properties)
    return properties


def _write(file: Path, text: str) -> None:
    """What stands there already is left alone: a full disk would make an empty file of it."""
    if not file.exists() or file.read_text() != text:
        file.write_text(text)


def _format(jars: Path, data_dir: Path, properties: Path) -> None:
    quick = (QUICK_COMPILER, "-XX:+UseSerialGC", "-Xmx128m")
    arguments = ["kafka.tools.StorageTool", "format", "-t", _cluster_id(), "-c", str(properties)]
    done = subprocess.run(  # noqa: S603  (our own command)
        java_command(jars, data_dir, *arguments, options=quick), capture_output=True, text=True, check=False
    )
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines()
        raise KafkaError(f"Kafka could not format {data_dir}: {lines[0] if lines else done.returncode}")


def _cluster_id() -> str:
    """22 characters as Kafka makes them; one that begins with a dash would be read as an option."""
    while True:
        text = base64.urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        if not text.startswith("-"):
            return text


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m deploy.local.kafka", description="One Kafka node in KRaft mode.")
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--port", type=int, default=9092)
    parser.add_argument("--controller-port", type=int, default=9093)
    parser.add_argument("--log-level", default="WARN", help="of Kafka's own log, which goes to the standard output")
    arguments = parser.parse_args()
    data_dir = arguments.data_dir.resolve()
    try:
        jars = ensure_jars()
        properties = prepare(jars, data_dir, arguments.port, arguments.controller_port, arguments.log_level)
        command = java_command(jars, data_dir, "kafka.Kafka", str(properties))
    except (JarsError, KafkaError) as error:
        raise SystemExit(str(error)) from None
    os.execv(command[0], command)  # noqa: S606  (our own command)


if __name__ == "__main__":
    main()
