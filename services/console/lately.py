"""Answers that are asked for at most once in a while, however many people want them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Hashable
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

from services.runtime.clock import boot_seconds

LATELY_S: Final = 10.0
"""How old the figures of a page may be that is told at once what has changed since."""
MOST: Final = 500
"""Answers that are kept, the latest."""
T = TypeVar("T")


class Behind:
    """Work that nobody waits for. What it raises is told to whoever asks for the same and waits."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def busy(self) -> bool:
        return bool(self._tasks)

    def begin(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            task.exception()


@dataclass(frozen=True)
class _Answer(Generic[T]):
    value: T
    of: object
    at_s: float
    """When it was asked for."""

    @property
    def age_s(self) -> float:
        return boot_seconds() - self.at_s


@dataclass(frozen=True)
class _Question(Generic[T]):
    task: asyncio.Task[T]
    of: object


class Lately(Generic[T]):
    """One answer a key. `ask` finds it out; `of` is what it is about: an answer about what was before is none."""

    def __init__(self, fresh_s: float, late_s: float = LATELY_S) -> None:
        """An answer is fresh for `fresh_s`, and good enough for who is not to wait until `late_s`."""
        self.fresh_s, self.late_s = fresh_s, late_s
        self._answers: dict[Hashable, _Answer[T]] = {}
        self._questions: dict[Hashable, _Question[T]] = {}
        self._behind = Behind()

    async def fresh(self, key: Hashable, ask: Callable[[], Awaitable[T]], of: object = None) -> T:
        """Raises what asking raises."""
        while True:
            answer = self._answer(key, of)
            if answer is not None and answer.age_s <= self.fresh_s:
                return answer.value
            question = self._begin(key, ask, of)
            if question.of == of:
                return await asyncio.shield(question.task)
            await asyncio.wait({question.task})

    async def lately(self, key: Hashable, ask: Callable[[], Awaitable[T]], of: object = None) -> T:
        """Where it is not fresh any more, but good enough, the next one is asked for behind it. Raises what asking
        raises."""
        answer = self._answer(key, of)
        if answer is None or answer.age_s > self.late_s:
            return await self.fresh(key, ask, of)
        if answer.age_s > self.fresh_s:
            self._begin(key, ask, of)
        return answer.value

    def known(self, key: Hashable) -> T | None:
        """However old; None: there is none yet."""
        answer = self._answers.get(key)
        return answer.value if answer else None

    def renew(self, key: Hashable, ask: Callable[[], Awaitable[T]]) -> None:
        """Ask behind whoever calls, where there is no fresh one."""
        answer = self._answers.get(key)
        if answer is None or answer.age_s > self.fresh_s:
            self._begin(key, ask, None)

    def _answer(self, key: Hashable, of: object) -> _Answer[T] | None:
        answer = self._answers.get(key)
        return answer if answer is not None and answer.of == of else None

    def _begin(self, key: Hashable, ask: Callable[[], Awaitable[T]], of: object) -> _Question[T]:
        """What is asked now under this key; it may be about something else."""
        if (question := self._questions.get(key)) is None:
            question = self._questions[key] = _Question(self._behind.begin(self._ask(key, ask, of)), of)
        return question

    async def _ask(self, key: Hashable, ask: Callable[[], Awaitable[T]], of: object) -> T:
        asked_s = boot_seconds()
        try:
            value = await ask()
        finally:
            self._questions.pop(key, None)
        self._answers.pop(key, None)
        self._answers[key] = _Answer(value, of, asked_s)
        while len(self._answers) > MOST:
            self._answers.pop(next(iter(self._answers)))
        return value
