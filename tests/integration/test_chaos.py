"""A few runs of the chaos harness, chosen so that every kind of fault of the services has its turn: all books agree."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy.local.free_ports import free_ports
from deploy.local.installation import Installation
from tests.chaos.__main__ import chaos_installation, idle_extras
from tests.chaos.kinds import MAKERS
from tests.chaos.plan import make_plan
from tests.chaos.run import Run
from tests.chaos.strings import Strings

SEEDS = (2, 3)


@dataclass
class Arena:
    runner: asyncio.Runner
    installation: Installation
    strings: Strings


@pytest.fixture(scope="module")
def arena(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    folder: Path = tmp_path_factory.mktemp("chaos")
    strings = Strings(folder)
    installation = chaos_installation(folder, free_ports(), strings)
    with asyncio.Runner() as runner:
        try:
            runner.run(installation.stack.start())
            runner.run(idle_extras(installation))
            yield Arena(runner, installation, strings)
        finally:
            runner.run(installation.stack.stop())


@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", SEEDS)
def test_whatever_breaks_every_book_agrees_in_the_end(arena: Arena, seed: int) -> None:
    outcome = arena.runner.run(Run(arena.installation, make_plan(seed), arena.strings).run())
    assert outcome.books.differences == 0, "\n".join([*outcome.told, *outcome.books.notes])
    assert outcome.books.planned > 0


def test_a_seed_repeats_its_plan_and_every_kind_of_fault_comes_up() -> None:
    plans = [make_plan(seed) for seed in range(60)]
    assert plans == [make_plan(seed) for seed in range(60)]
    chosen = {(f.kind, f.target) for plan in plans for f in plan.faults}
    assert {kind for kind, _ in chosen} == {"kill", "terminate", "freeze", "fail-point", "clock", "scale", "gone",
                                            "world", "poison"}  # fmt: skip
    assert len(MAKERS) > 15
