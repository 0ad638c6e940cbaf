"""Does to a running installation what a plan says, and undoes what has to be undone."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import time
from collections.abc import Awaitable, Callable
from typing import Final

from aiokafka.errors import KafkaError

from deploy.local.stack import Stack
from schemas.topics import load_topics
from services.runtime.kafka import make_producer
from tests.chaos.desk import Desk
from tests.chaos.disks import Disks
from tests.chaos.kinds import CALM_WORLD, MOST_INSTANCES, WORLDS, Fault
from tests.chaos.recovery import Blow
from tests.chaos.strings import CLOCK_LIBRARY, Strings

UNSTRUCK_S: Final = 8.0
"""An armed fail-point by which nobody has come by then is taken away again."""
READY_S: Final = 120.0
TOGETHER_S: Final = 3.0
"""For a second instance to be given its share."""
NOBODY: Final = -1
"""As the pid of a predecessor: whoever runs will do."""
RUBBISH: Final = (
    b"", b"{", b"null", b"[]", b"\xff\xfe\x00", b'{"send_id": 7}', b'{"recipient": "default/x"}', b"9" * 2_000,
    b'{"type": "campaign.send"}', b'{"type":"campaign.pause","command_id":"x","campaign_id":"none"}',
)  # fmt: skip
POISONED_RECORDS: Final = 12
"""A topic, in one fault: a percent or so of what runs through in the meantime."""


class Faults:
    def __init__(
        self, stack: Stack, desk: Desk, strings: Strings, chance: random.Random, disks: Disks | None = None
    ) -> None:
        self.stack, self.desk, self.strings, self.chance = stack, desk, strings, chance
        self.disks = disks or Disks(stack.data_dir)
        self.told: list[str] = []
        """What was really done, in words."""
        self.blows: list[Blow] = []
        self._acts: dict[str, Callable[[Fault], Awaitable[None]]] = {
            "kill": self._kill, "terminate": self._terminate, "freeze": self._freeze, "fail-point": self._fail_point,
            "scale": self._scale, "gone": self._gone, "clock": self._clock, "world": self._world,
            "poison": self._poison, "kill-of-two": self._kill_of_two, "disk-full": self._disk_full,
        }  # fmt: skip
        self._turns: dict[str, asyncio.Lock] = {}

    async def strike(self, fault: Fault) -> None:
        """Raises whatever keeps a part from coming back: that is a finding."""
        self.told.append(str(fault))
        async with self._turns.setdefault(fault.target, asyncio.Lock()):
            await self._acts[fault.kind](fault)

    async def _kill(self, fault: Fault) -> None:
        with contextlib.suppress(LookupError, ProcessLookupError):  # just dead already
            pid = self.stack.kill(fault.target)
            self._strikes()
            await self.stack.wait_restarted(fault.target, pid, READY_S)

    async def _kill_of_two(self, fault: Fault) -> None:
        """Two share the work; one of them is killed, and the other has to take over what it had."""
        other = f"{fault.target}-1"
        await self.stack.start_service(other)
        await asyncio.sleep(TOGETHER_S)
        await self._kill(fault)
        await self.stack.stop_service(other)

    async def _disk_full(self, fault: Fault) -> None:
        """Comes back by itself, whether it died of that or not."""
        self._strikes(fault.seconds)
        await self.disks.keep_full(fault.target, fault.seconds)
        await self.stack.wait_restarted(fault.target, NOBODY, READY_S)

    def _strikes(self, held_s: float = 0.0) -> None:
        self.blows.append(Blow(time.time(), held_s))

    async def _terminate(self, fault: Fault) -> None:
        self._strikes()
        async with asyncio.timeout(READY_S):
            await self.stack.restart(fault.target)

    async def _freeze(self, fault: Fault) -> None:
        try:
            pid = self.stack.kill(fault.target, signal.SIGSTOP)
        except LookupError:
            return
        self._strikes(fault.seconds)
        await asyncio.sleep(fault.seconds)
        await self._thaw(fault.target, pid)

    async def _thaw(self, name: str, pid: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)

    async def _fail_point(self, fault: Fault) -> None:
        name = fault.target
        folder = self.strings.fail_points / name
        folder.mkdir(parents=True, exist_ok=True)
        armed = folder / fault.detail
        try:
            pid = self.stack.pid(name)
        except LookupError:
            return
        armed.write_text("SIGSTOP" if fault.seconds else "SIGKILL")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(UNSTRUCK_S):
                while armed.exists():
                    await asyncio.sleep(0.05)
        if armed.exists():
            armed.unlink(missing_ok=True)
            self.told.append(f"({fault.detail}: nobody came by)")
        elif fault.seconds:
            await asyncio.sleep(fault.seconds)
            await self._thaw(name, pid)
        else:
            with contextlib.suppress(LookupError):
                await self.stack.wait_restarted(name, pid, READY_S)

    async def _scale(self, fault: Fault) -> None:
        """1 to 2 to all, and back."""
        others = [f"{fault.target}-{number}" for number in range(1, MOST_INSTANCES)]
        for name in others:
            await self.stack.start_service(name)
            await asyncio.sleep(fault.seconds / len(others))
        for name in reversed(others):
            await self.stack.stop_service(name)

    async def _gone(self, fault: Fault) -> None:
        """Connections are refused."""
        self._strikes(fault.seconds)
        await self.stack.stop_service(fault.target)
        await asyncio.sleep(fault.seconds)
        await self.stack.start_service(fault.target)
        await self.desk.set_world(CALM_WORLD)

    async def _clock(self, fault: Fault) -> None:
        """Of this process alone, there and back."""
        if CLOCK_LIBRARY is None:
            self.told.append("(clock: not stepped, libfaketime is missing)")
        self.strings.set_clock(fault.target, fault.detail)
        await asyncio.sleep(fault.seconds)
        self.strings.set_clock(fault.target, "+0s")

    async def _world(self, fault: Fault) -> None:
        await self.desk.set_world(CALM_WORLD | WORLDS[fault.target])
        await asyncio.sleep(fault.seconds)
        await self.desk.set_world(CALM_WORLD)

    async def _poison(self, fault: Fault) -> None:
        """Rubbish on every topic, under keys of anybody's."""
        producer = make_producer(self.stack.settings, enable_idempotence=False)  # what is refused leaves a gap
        refused = 0
        try:
            await producer.start()
            for topic in (*load_topics().topics, "send-email", "send-sms", "send-whatsapp"):
                told = [await producer.send(topic, *self._rubbish(topic)) for _ in range(POISONED_RECORDS)]
                refused += sum(
                    isinstance(one, KafkaError) for one in await asyncio.gather(*told, return_exceptions=True)
                )
        except KafkaError as error:
            self.told.append(f"(poison: {error!r})")  # the broker was being killed
        finally:
            await producer.stop()
        if refused:
            self.told.append(f"(poison: {refused} records refused by the broker)")

    def _rubbish(self, topic: str) -> tuple[bytes | None, bytes | None]:
        """Value and key. A compacted topic takes no record without a key; nor does a client one of neither."""
        keys = (b"", b"nobody", b"default/x", b"\xff", b"default/" + b"k" * 300)
        known = load_topics().topics.get(topic)
        if known is not None and known.compacted:
            return self.chance.choice((*RUBBISH, None)), self.chance.choice(keys)
        return self.chance.choice(RUBBISH), self.chance.choice((*keys, None))

    async def settle(self) -> None:
        """All parts run again, as one instance each, in a calm world."""
        for name in self.stack.names:
            with contextlib.suppress(LookupError):
                await self._thaw(name, self.stack.pid(name))
        await self.desk.set_world(CALM_WORLD)
