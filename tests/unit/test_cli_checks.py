"""A missing prerequisite, a taken port, a full disk: one clear sentence with what to do."""

from __future__ import annotations

import json
import shutil
import socket
from collections import namedtuple
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner

from deploy.local.free_ports import free_ports
from services.cli import checks
from services.cli.main import app

Usage = namedtuple("Usage", "total used free")


@pytest.fixture
def listener() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_taken_port_is_named_with_what_wants_it_who_has_it_and_the_way_out(listener: int) -> None:
    (check,) = checks.check_ports({"kafka": listener}, None)
    assert not check.ok
    for part in (f"port {listener}", "(kafka)", f"pid {psutil.Process().pid}", "PEAL_PORT_BASE"):
        assert part in check.problem


def test_ports_that_this_installation_itself_holds_are_no_problem(listener: int) -> None:
    (check,) = checks.check_ports({"kafka": listener}, running_pid=17)
    assert check.ok
    assert "17" in check.found


def test_ports_of_parts_that_run_elsewhere_are_not_needed() -> None:
    names = checks.needed_ports(free_ports(), kafka=False, clickhouse=True)
    assert "clickhouse" in names
    assert not {"kafka", "kafka controller"} & set(names)


def test_a_full_disk_is_told_with_what_is_free_and_how_to_use_another(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: Usage(10 << 30, 9 << 30, 500 << 20))
    check = checks.check_disk(tmp_path / "not" / "yet" / "made")
    assert check.problem.startswith(f"only 500 MiB free at {tmp_path}, and Peal needs 1 GiB")
    assert "PEAL_DATA_DIR" in check.problem


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ('openjdk version "17.0.15" 2025-04-15', 17),
        ('java version "1.8.0_392"', 8),
        ('openjdk version "21" 2023-09-19', 21),
        ("The operation couldn't be completed. Unable to locate a Java Runtime.", None),
    ],
)
def test_the_version_of_java_is_read_from_what_it_prints(text: str, version: int | None) -> None:
    assert checks.parse_java_version(text) == version


def test_missing_programs_are_told_with_how_to_install_them(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("PEAL_JARS_DIR", str(tmp_path / "jars"))
    for check, word in [(checks.check_java(), "Java"), (checks.check_jars(), "Maven"), (checks.check_make(), "make")]:
        assert check.problem.startswith(f"{word} is missing")
        assert "install" in check.problem


def test_an_old_python_is_refused() -> None:
    assert checks.check_python((3, 11)).ok
    assert "3.10" in checks.check_python((3, 10)).problem


def test_an_external_kafka_that_does_not_answer_is_named_with_its_setting(listener: int) -> None:
    assert checks.check_reachable("Kafka", "PEAL_KAFKA_BOOTSTRAP", f"127.0.0.1:{listener},other:9092").ok
    problem = checks.check_reachable("ClickHouse", "PEAL_CLICKHOUSE_URL", "http://user:secret@127.0.0.1:1/db").problem
    assert problem.startswith("ClickHouse does not answer at 127.0.0.1:1")
    assert "PEAL_CLICKHOUSE_URL" in problem
    assert "secret" not in problem


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert "PEAL_DATA_DIR" in checks.check_folder(tmp_path / "file" / "data").problem


def test_doctor_answers_in_json_and_with_an_exit_code(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PEAL_DATA_DIR", str(tmp_path))
    base = free_ports().console
    monkeypatch.setenv("PEAL_PORT_BASE", str(base))
    runner = CliRunner()
    assert runner.invoke(app, ["doctor"]).exit_code == 0
    with socket.create_server(("127.0.0.1", base + 3)):
        result = runner.invoke(app, ["doctor", "--json"])
    assert result.exit_code == 1
    (problem,) = [line for line in json.loads(result.stdout) if not line["ok"]]
    assert f"port {base + 3} (kafka) is taken" in problem["problem"]
