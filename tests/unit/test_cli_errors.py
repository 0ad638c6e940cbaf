"""The `peal` command explains what went wrong; it shows no traceback and no secret."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from services.cli.local import held, running_pid


def peal(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "services.cli.main", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=os.environ | environment, check=False)


@pytest.mark.parametrize(
    ("arguments", "environment", "sentence"),
    [
        (["config"], {"PEAL_RATE_EMAIL": "fast"}, "PEAL_RATE_EMAIL is wrong: Input should be a valid number"),
        (["doctor"], {"PEAL_PORT_BASE": "abc"}, "PEAL_PORT_BASE is 'abc': set it to a number from 1024 to 65000"),
        (["up", "--scale", "fax=2"], {}, "SCALE: 'fax' cannot be scaled here"),
    ],
)
def test_an_error_is_a_sentence(arguments: list[str], environment: dict[str, str], sentence: str) -> None:
    done = peal(*arguments, **environment)
    assert done.returncode == 1
    assert done.stderr.startswith(f"error: {sentence}")
    assert "Traceback" not in done.stderr


def test_config_shows_where_things_are_and_no_secret() -> None:
    done = peal("config", "--json", PEAL_CLICKHOUSE_URL="http://peal:hidden@db:8123", PEAL_RATE_SMS="7")
    assert '"PEAL_RATE_SMS": 7.0' in done.stdout
    assert '"PEAL_CLICKHOUSE_URL": "(set)"' in done.stdout
    assert "hidden" not in done.stdout


def test_down_has_nothing_to_do_where_peal_does_not_run(tmp_path: Path) -> None:
    done = peal("down", PEAL_DATA_DIR=str(tmp_path))
    assert (done.returncode, done.stderr) == (0, "")
    assert "does not run" in done.stdout


def test_a_data_directory_is_held_by_one_up_at_a_time(tmp_path: Path) -> None:
    (tmp_path / "up.pid").write_text("1\n")  # left behind by one that was killed
    assert running_pid(tmp_path) is None
    with held(tmp_path):
        assert running_pid(tmp_path) == os.getpid()
        done = peal("up", PEAL_DATA_DIR=str(tmp_path))
        assert done.returncode == 1
        assert f"(pid {os.getpid()}): use it, or end it with `peal down` first" in done.stderr
    assert running_pid(tmp_path) is None
