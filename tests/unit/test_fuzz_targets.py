"""What the fuzzer begins with is sound: each target takes its own seeds, and what is torn from them."""

from __future__ import annotations

import pytest

from tests.fuzz.targets import TARGETS, seeds


@pytest.mark.parametrize("name", TARGETS)
def test_a_target_takes_its_seeds_whole_and_torn(name: str) -> None:
    found = seeds(name)
    assert found
    for seed in filter(None, found):
        for data in (seed, seed[: len(seed) // 2], seed[:1] + seed[::-1]):
            TARGETS[name](data)
