"""What the supervisor is told, and what it tells."""

from __future__ import annotations

from configparser import RawConfigParser
from pathlib import Path

import pytest

from deploy.local.services import ServiceSpec, default_services, infrastructure, parse_scale
from deploy.local.supervisor_config import ServiceEvent, parse_event, render_config, socket_path
from services.runtime.ports import Ports


@pytest.mark.parametrize(
    ("line", "event"),
    [
        ("2026-11-21 10:12:49,618 INFO spawned: 'kafka' with pid 8068", ServiceEvent("started", "kafka", 8068)),
        (
            "2026-11-21 10:12:52,455 WARN exited: sender-email-1 (exit status 70; not expected)",
            ServiceEvent("exited", "sender-email-1", detail="exit status 70"),
        ),
        (
            "2026-11-21 10:12:52,455 WARN exited: router (terminated by SIGKILL (core dumped); not expected)",
            ServiceEvent("exited", "router", detail="terminated by SIGKILL (core dumped)"),
        ),
        (
            "2026-11-21 10:12:52,455 INFO exited: console (exit status 0; expected)",
            ServiceEvent("exited", "console", detail="exit status 0"),
        ),
        (
            "2026-11-21 10:12:54,862 WARN stopped: kafka (exit status 143)",
            ServiceEvent("stopped", "kafka", detail="exit status 143"),
        ),
        (
            "2026-11-21 10:12:54,862 INFO gave up: kafka entered FATAL state, too many start retries too quickly",
            ServiceEvent("gave_up", "kafka", detail="too many start retries too quickly"),
        ),
        ("2026-11-21 10:12:52,455 INFO success: kafka entered RUNNING state, process has stayed up", None),
        ("2026-11-21 10:12:53,461 INFO waiting for kafka, clickhouse to die", None),
    ],
)
def test_a_line_of_the_supervisor_is_told_as_an_event(line: str, event: ServiceEvent | None) -> None:
    assert parse_event(line) == event


def test_services_stop_before_what_they_stand_on(tmp_path: Path) -> None:
    ports = Ports()
    specs = [*infrastructure(ports, tmp_path, {}), *default_services(ports)]
    config = RawConfigParser()
    config.read_string(render_config(tmp_path, tmp_path / "s.sock", specs, tmp_path))
    priority = {
        name: config.getint(section, "priority")
        for section in config.sections()
        if section.startswith("group:")
        for name in config[section]["programs"].split(",")
    }
    assert set(priority) == {spec.name for spec in specs}
    assert priority["sender-email"] > priority["sandbox"] > priority["kafka"] == priority["clickhouse"]


def test_a_percent_sign_in_a_path_is_not_taken_for_an_expansion() -> None:
    folder = Path("/data/100%/peal here")
    spec = ServiceSpec("planner", ("python",), "pipeline")
    text = render_config(folder, Path("/tmp/s"), [spec], folder / "run")
    assert "stdout_logfile = /data/100%%/peal here/logs/planner.log" in text
    assert "'/data/100%%/peal here/run/planner.json'" in text


def test_the_socket_has_a_short_path_of_its_own_for_each_data_directory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / ("long" * 40)))
    paths = {socket_path(Path(f"/{'deep/' * 50}{n}")) for n in range(3)}
    assert len(paths) == 3
    assert all(len(str(path)) < 80 for path in paths)


def test_what_runs_elsewhere_is_not_started_here(tmp_path: Path) -> None:
    specs = infrastructure(Ports(), tmp_path, {"kafka": True})
    assert [spec.name for spec in specs] == ["clickhouse"]


def test_a_scale_names_services_and_counts() -> None:
    assert parse_scale("sender-email=2, tracker=3") == {"sender-email": 2, "tracker": 3}
    assert parse_scale("") == {}


@pytest.mark.parametrize("text", ["sender-fax=2", "sender-email", "sender-email=0", "sender-email=x", "console=2"])
def test_a_wrong_scale_is_refused_with_what_is_allowed(text: str) -> None:
    with pytest.raises(ValueError, match=r"SCALE: .*sender-email"):
        parse_scale(text)
