"""The places in Faust where the intake and the restore take over.

Faust keeps what it is good at: group membership, the assignor that gives one worker the same partition of every topic,
the table with its changelog, the life of an app and its agent. Its path for single records (a task, a message, an event
and an ack for each) is replaced.
"""

from __future__ import annotations

from typing import Any

from faust.tables.recovery import Recovery
from faust.transport.drivers.aiokafka import Consumer

from services.router.intake import Intake
from services.router.offsets import committed_offsets
from services.router.restore import Restore
from services.runtime.errors import StopProcessError, exit_fatally
from services.runtime.patching import patch


def install(intake: Intake, restore: Restore) -> None:
    """Before `app.start()`."""
    _install_restore(intake, restore)
    _install_intake(intake)


def _install_restore(intake: Intake, restore: Restore) -> None:
    stock = Recovery._build_offsets

    async def _build_offsets(recovery: Recovery, consumer: Any, tps: Any, offsets: Any, title: str) -> None:
        """Runs outside the rebalance callback, so heartbeats go on. Faust finds nothing left to recover after it."""
        fresh = {tp.partition for tp in tps if offsets[tp] is None}
        await stock(recovery, consumer, tps, offsets, title)
        if title != "active":
            return
        try:
            assignment = intake.kafka._subscription.subscription.assignment
            unwritten = await restore(recovery, tps, fresh)
            sources = [tp for tp in assignment.tps if tp.topic in {*intake.first, intake.then}]
            committed = await intake.in_thread(committed_offsets(intake.kafka, sources, unwritten))
            await intake.in_thread(intake.begin(assignment, committed))
        except StopProcessError as error:
            exit_fatally(str(error))
        except Exception as error:
            exit_fatally(f"cannot start on this assignment: {error!r}")

    patch(Recovery, _build_offsets)


def _install_intake(intake: Intake) -> None:
    async def _drain_messages(consumer: Any, fetcher: Any) -> None:
        await intake.in_thread(intake.pump(lambda: consumer.should_stop or fetcher.should_stop))

    async def wait_empty(consumer: Any) -> None:
        await intake.idle.wait()
        await consumer.commit()

    async def force_commit(consumer: Any, *_: Any, **__: Any) -> bool:
        return await intake.commit()

    async def perform_seek(consumer: Any) -> None:
        """Would move what `begin` has sought."""

    async def verify_all_partitions_active(consumer: Any) -> None:
        """Would report false stalls: Faust sees no single record."""

    patch(Consumer, _drain_messages, wait_empty, force_commit, perform_seek, verify_all_partitions_active)
