"""Calls under one declared intent: begun in offset order, each only while the lease and the doorstep allow it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence

import aiohttp
import structlog

from services.runtime import metrics
from services.runtime.clock import boot_seconds, utc_now
from services.senders.core.doorstep import LATE, Do, Verdict
from services.senders.core.outcomes import Failed, Outcome, Refused, Retryable, Uncertain
from services.senders.departures import Departure, NotSentError, current_departure
from services.senders.items import Item
from services.senders.knowledge import KnowledgeBase
from services.senders.pace import Pace
from services.senders.tracing import call_span
from services.senders.transport import Transport

KNOWLEDGE_S = 0.02
log = structlog.get_logger("calls")


class Caller:
    """Makes the calls of one account."""

    def __init__(
        self, transport: Transport, pace: Pace, knowledge: KnowledgeBase, *, timeout_s: float, concurrency: int,
        stale_after: float,
    ) -> None:  # fmt: skip
        self.transport, self.pace, self.knowledge = transport, pace, knowledge
        self.timeout_s, self.stale_after = timeout_s, stale_after
        self.slots = asyncio.Semaphore(concurrency)
        self.labels = (str(transport.channel), transport.account.account_id)
        self.seconds = metrics.provider_call_seconds.labels(*self.labels)
        self.last_call = metrics.last_call_at.labels(*self.labels)

    async def call(self, work: Sequence[Item], deadline: float, stopping: Callable[[], bool]) -> list[Outcome]:
        """Start calls until something stops it. All of `work` is held at the limiter; None: not started."""
        outcomes: list[Outcome] = [None] * len(work)
        batches = [work] if work[0].batch_key is not None else [work[i : i + 1] for i in range(len(work))]
        unstarted, start = len(work), 0

        async def one(first: int, batch: Sequence[Item]) -> None:
            try:
                outcomes[first : first + len(batch)] = await self._insist(batch, deadline, stopping)
            finally:
                self.slots.release()

        async with asyncio.TaskGroup() as calls:
            for batch in batches:
                await self.slots.acquire()
                if stopping() or self.pace.closed or boot_seconds() >= deadline:
                    self.slots.release()
                    break
                unstarted -= len(batch)
                calls.create_task(one(start, batch))
                start += len(batch)
                await asyncio.sleep(0)  # one by one: little lies between the last look and the bytes
            self.pace.release(unstarted)
        return outcomes

    async def _insist(self, batch: Sequence[Item], deadline: float, stopping: Callable[[], bool]) -> list[Outcome]:
        """Again, for those whose answer is "not now", while the next try is within the lease."""
        outcomes = await self._once(batch, deadline)
        while again := [i for i, o in enumerate(outcomes) if isinstance(o, Refused) and o.wait > 0]:
            wait = max(o.wait for o in outcomes if isinstance(o, Refused))
            if wait >= deadline - boot_seconds() or stopping():
                break
            await asyncio.sleep(wait)
            if not await self.pace.hold(len(again), lambda: boot_seconds() < deadline and not stopping()):
                break
            retried = await self._once([batch[i] for i in again], deadline)
            for i, outcome in zip(again, retried, strict=True):
                outcomes[i] = outcome
        return outcomes

    async def _once(self, batch: Sequence[Item], deadline: float) -> list[Outcome]:
        """At most one request for these. Releases or uses what was held for them."""
        if any(item.problem for item in batch):
            self.pace.release(len(batch))
            return [Failed("template_error", item.problem) for item in batch]
        messages = [item.sure for item in batch]

        def leave() -> Verdict:
            if boot_seconds() >= deadline:
                return LATE
            verdict = self.knowledge.door(self.stale_after).for_all(messages)
            if verdict.do is Do.CALL:
                self.pace.use(len(batch))
                self.last_call.set(utc_now().timestamp())
            return verdict

        await self.knowledge.freshen(max(0.0, deadline - boot_seconds()))
        departure = Departure(leave)
        with call_span(self.transport, batch) as tell:
            outcomes = await self._request(batch, departure)
            tell(outcomes)
        if departure.left_at is None:
            self.pace.release(len(batch))
        else:
            self.seconds.observe(boot_seconds() - departure.left_at)
        closing = [o for o in outcomes if isinstance(o, Refused) and o.closes]
        if closing:
            self.pace.close_for(max(o.wait for o in closing))
            log.warning("the account waits", account=self.labels[1], channel=self.labels[0],
                        seconds=round(closing[0].wait, 2), reason=closing[0].detail)  # fmt: skip
        answer = type(outcomes[0]).__name__.lower()
        metrics.provider_calls.labels(*self.labels, answer).inc()
        return outcomes

    async def _request(self, batch: Sequence[Item], departure: Departure) -> list[Outcome]:
        token = current_departure.set(departure)
        try:
            async with asyncio.timeout(self.timeout_s):
                return await self.transport.call(batch)
        except NotSentError as error:
            waits = error.verdict.do is Do.WAIT  # for fresher knowledge, which comes within the lease or not at all
            outcome: Outcome = Refused(KNOWLEDGE_S if waits else 0, error.verdict.reason)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            detail = f"{type(error).__name__}: {error}"[:300]
            if departure.left:
                outcome = Uncertain("timeout" if isinstance(error, TimeoutError) else "connection_lost", detail)
            else:
                outcome = Refused(random.uniform(0.3, 0.7), closes=True, detail=detail)
        except Exception as error:
            log.exception("a call failed in an unknown way", channel=self.labels[0], send_id=batch[0].sure.send_id)
            detail = f"{type(error).__name__}: {error}"[:300]
            outcome = Uncertain("unreadable_answer", detail) if departure.left else Retryable("internal_error", detail)
        finally:
            current_departure.reset(token)
        return [outcome] * len(batch)
