"""A task that was told to end ends, also where a library makes an error of its own of it."""

from __future__ import annotations

import asyncio
from typing import Any, NoReturn, cast

import pytest
from aiokafka.errors import KafkaTimeoutError

from schemas import Channel
from services.runtime.endings import watch_endings
from services.runtime.registry import Registry
from services.runtime.settings import Settings
from services.senders.accounts import Accounts
from services.senders.knowledge import KnowledgeBase
from services.senders.settings import SenderSettings
from services.senders.transport import Transport, find_transports


class Turning:
    """In place of a registry's consumer: waits, and tells of its cancellation as a time-out, as aiokafka may."""

    def __init__(self) -> None:
        self.waiting = asyncio.Event()

    async def end_offsets(self, _partitions: object) -> NoReturn:
        self.waiting.set()
        try:
            while True:
                await asyncio.Event().wait()
        except asyncio.CancelledError:
            raise KafkaTimeoutError("Failed to get offsets by times in 40000 ms") from None


async def _cancelled(task: asyncio.Task[None], turning: Turning) -> None:
    await turning.waiting.wait()
    task.cancel()
    await asyncio.wait([task], timeout=5)
    assert task.cancelled()


async def test_following_a_registry_ends_when_its_cancellation_comes_back_as_a_time_out() -> None:
    registry, turning = Registry(Settings(), "brands", bytes.decode), Turning()
    registry._consumer = cast(Any, turning)
    await _cancelled(asyncio.create_task(registry.follow()), turning)


async def test_a_senders_knowledge_ends_when_its_cancellation_comes_back_as_a_time_out() -> None:
    knowledge, turning = KnowledgeBase(SenderSettings()), Turning()
    knowledge.campaigns._consumer = knowledge.recalls._consumer = cast(Any, turning)
    await _cancelled(asyncio.create_task(knowledge._follow()), turning)


async def test_a_sender_goes_on_while_the_accounts_cannot_be_read() -> None:
    def make(*_: Any) -> Any:
        raise AssertionError("no account is known here")

    transport: type[Transport] = find_transports()[Channel.SMS]
    accounts, stop = Accounts(SenderSettings(), Channel.SMS, transport, make), asyncio.Event()
    looks = 0

    async def refuse() -> None:
        nonlocal looks
        looks += 1
        stop.set()
        raise KafkaTimeoutError("Failed to get offsets by times in 40000 ms")

    accounts.registry.catch_up = refuse  # type: ignore[method-assign]
    async with asyncio.TaskGroup() as tasks:
        await accounts.run(stop, tasks)
    assert looks == 1


async def test_a_process_ends_once_a_part_of_it_outlives_its_cancellation() -> None:
    class Ended(Exception):  # noqa: N818 - stands for the end of the process
        pass

    def end(sentence: str) -> NoReturn:
        raise Ended(sentence)

    over = asyncio.Event()

    async def deaf() -> None:
        while not over.is_set():
            try:
                await over.wait()
            except asyncio.CancelledError:
                continue

    task = asyncio.create_task(deaf(), name="deaf")
    await asyncio.sleep(0)
    watching = asyncio.create_task(watch_endings(0.05, 0.01, end))
    task.cancel()
    with pytest.raises(Ended, match="deaf"):
        await watching
    over.set()
    await task


async def test_a_time_out_that_was_caught_is_no_ending() -> None:
    ended: list[str] = []
    caught, over = asyncio.Event(), asyncio.Event()

    async def patient() -> None:
        try:
            async with asyncio.timeout(0):
                await asyncio.Event().wait()
        except TimeoutError:
            caught.set()
            await over.wait()

    task = asyncio.create_task(patient())
    await caught.wait()
    watching = asyncio.create_task(watch_endings(0.0, 0.001, cast(Any, ended.append)))
    for _ in range(20):
        await asyncio.sleep(0.001)
    watching.cancel()
    over.set()
    await task
    assert not ended
