"""Fail-points: off unless armed, each strikes once, and every one that is named is somewhere in the code."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from services.runtime.fail_points import PLACES, fail_point, set_fail_points

SERVICES = Path(__file__).parents[2] / "services"


@pytest.fixture
def struck() -> Iterator[list[int]]:
    found: list[int] = []
    before = signal.signal(signal.SIGUSR1, lambda number, _: found.append(number))
    yield found
    signal.signal(signal.SIGUSR1, before)
    set_fail_points(None, "")


def test_an_armed_place_strikes_the_process_that_comes_by_once(tmp_path: Path, struck: list[int]) -> None:
    (tmp_path / "router").mkdir()
    (tmp_path / "router" / "router.states-acked").write_text("SIGUSR1\n")
    set_fail_points(tmp_path, "router")
    fail_point("router.outputs-acked")
    assert struck == []
    fail_point("router.states-acked")
    fail_point("router.states-acked")
    assert struck == [signal.SIGUSR1]
    assert not os.listdir(tmp_path / "router")


def test_nothing_happens_where_no_folder_is_set(tmp_path: Path, struck: list[int]) -> None:
    set_fail_points(None, "router")
    fail_point("router.states-acked")
    assert struck == []


def test_every_place_that_is_named_is_in_the_code_once_and_the_other_way_round() -> None:
    used = [
        place
        for file in SERVICES.rglob("*.py")
        if file.name != "fail_points.py"
        for place in re.findall(r'fail_point\("([^"]+)"\)', file.read_text())
    ]
    assert sorted(used) == sorted(PLACES)
