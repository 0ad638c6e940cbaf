"""The life of a service process: logging, health, a stop that drains, exit codes that mean something."""

from __future__ import annotations

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Awaitable, Callable

import structlog
import uvloop

from services.runtime.endings import watch_endings
from services.runtime.errors import FATAL_EXIT_CODE, StopProcessError
from services.runtime.fail_points import set_fail_points
from services.runtime.health import Health, serve_health
from services.runtime.logging import configure_logging
from services.runtime.reconnecting import pause_between_connections
from services.runtime.settings import Settings
from services.runtime.telemetry import start_telemetry, stop_telemetry

Main = Callable[[Health, asyncio.Event], Awaitable[None]]
"""Runs until the event is set (SIGTERM, SIGINT), then drains and returns."""


def run_service(name: str, settings: Settings, main: Main) -> None:
    """Run `main` to its end. Exit code 0 after a drain, 70 where going on would break a promise. Does not return.

    `name` is the name that the metrics port goes by, such as `sender-email`.
    """
    configure_logging(settings, name)
    set_fail_points(settings.fail_points, name)
    pause_between_connections()
    gc.set_threshold(100_000, 50, 100)  # batches allocate much and keep little: the default costs up to a third
    log = structlog.get_logger(name)

    async def life() -> None:
        stop, health = asyncio.Event(), Health()
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, stop.set)
        runner = await serve_health(health, settings.ports.metrics(name, settings.instance), settings.host)
        start_telemetry(name, settings)
        log.info("started")
        watching = asyncio.create_task(watch_endings())
        try:
            await main(health, stop)
        finally:
            watching.cancel()
            health.set_unready("stopping")
            await runner.cleanup()
        await stop_telemetry()
        log.info("stopped")

    try:
        uvloop.run(life())
    except StopProcessError as error:
        log.critical(str(error))
    except BaseExceptionGroup as group:
        if stops := group.subgroup(StopProcessError):
            log.critical("; ".join(str(error) for error in stops.exceptions))
        else:
            log.critical("unexpected", exc_info=group)
    except Exception:
        log.critical("unexpected", exc_info=True)
    else:
        sys.exit(0)
    sys.stderr.flush()
    os._exit(FATAL_EXIT_CODE)  # without clean-up, so that nothing is sent or committed after the last word
