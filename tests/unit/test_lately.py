"""Answers that many want: each is asked for once, and who need not wait does not."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable

import pytest

from services.console.lately import Lately


class Oracle:
    """Counts how often it is asked, and answers when it may."""

    def __init__(self) -> None:
        self.asked, self.may_answer, self.fails = 0, asyncio.Event(), False
        self.may_answer.set()

    async def __call__(self) -> int:
        self.asked += 1
        number = self.asked
        await self.may_answer.wait()
        if self.fails:
            raise LookupError
        return number


async def test_whoever_asks_while_it_is_asked_gets_the_same_answer() -> None:
    lately, oracle = Lately[int](fresh_s=math.inf), Oracle()
    oracle.may_answer.clear()
    waiting = [asyncio.create_task(lately.fresh("a", oracle)) for _ in range(3)]
    await asyncio.sleep(0)
    oracle.may_answer.set()
    assert await asyncio.gather(*waiting) == [1, 1, 1]
    assert await lately.fresh("a", oracle) == 1
    assert await lately.fresh("b", oracle) == 2


async def test_an_answer_about_what_was_before_is_none() -> None:
    lately, oracle = Lately[int](fresh_s=math.inf), Oracle()
    assert await lately.fresh("a", oracle, of="before") == 1
    oracle.may_answer.clear()
    waiting = [asyncio.create_task(lately.fresh("a", oracle, of=of)) for of in ("after", "later still")]
    await asyncio.sleep(0)
    oracle.may_answer.set()
    assert await asyncio.gather(*waiting) == [2, 3]
    assert await lately.lately("a", oracle, of="later still") == 3


@pytest.mark.parametrize("ways", [Lately.fresh, Lately.lately])
async def test_a_failure_is_told_to_all_who_wait_and_asked_again_afterwards(
    ways: Callable[[Lately[int], str, Oracle], Awaitable[int]],
) -> None:
    lately, oracle = Lately[int](fresh_s=math.inf), Oracle()
    oracle.fails = True
    found = await asyncio.gather(*(ways(lately, "a", oracle) for _ in range(2)), return_exceptions=True)
    assert [type(each) for each in found] == [LookupError, LookupError]
    assert oracle.asked == 1
    oracle.fails = False
    assert await ways(lately, "a", oracle) == 2


async def test_who_need_not_wait_gets_the_last_answer_while_the_next_is_asked_for() -> None:
    lately, oracle = Lately[int](fresh_s=-1, late_s=math.inf), Oracle()
    assert lately.known("a") is None
    assert await lately.lately("a", oracle) == 1
    oracle.may_answer.clear()
    assert await lately.lately("a", oracle) == 1
    assert await lately.lately("a", oracle) == 1
    waiting = asyncio.create_task(lately.fresh("a", oracle))
    await asyncio.sleep(0)
    oracle.may_answer.set()
    assert await waiting == lately.known("a") == oracle.asked == 2


async def test_one_who_goes_away_takes_the_answer_from_nobody() -> None:
    lately, oracle = Lately[int](fresh_s=math.inf), Oracle()
    oracle.may_answer.clear()
    first, second = [asyncio.create_task(lately.fresh("a", oracle)) for _ in range(2)]
    await asyncio.sleep(0)
    first.cancel()
    await asyncio.sleep(0)
    oracle.may_answer.set()
    assert await second == 1
