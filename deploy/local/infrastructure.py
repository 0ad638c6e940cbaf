"""`python -m deploy.local.infrastructure --data-dir DIR --port-base BASE`: only Kafka and ClickHouse, until Ctrl-C."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
from pathlib import Path

from deploy.local.errors import LocalError
from deploy.local.processes import die_with_parent
from deploy.local.stack import Stack
from services.runtime.ports import Ports


async def run(data_dir: Path, ports: Ports) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with Stack(data_dir, ports, {}, []) as stack:
        settings = stack.settings
        print(f"PEAL_KAFKA_BOOTSTRAP={settings.kafka_bootstrap}")
        print(f"PEAL_CLICKHOUSE_URL={settings.clickhouse_url.get_secret_value()}", flush=True)
        events = asyncio.create_task(_show_events(stack))
        await stop.wait()
        events.cancel()


async def _show_events(stack: Stack) -> None:
    async for event in stack.events():
        print(f"{event.service} {event.kind} {event.detail or event.pid}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m deploy.local.infrastructure", description="Kafka and ClickHouse.")
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--port-base", type=int, default=0, help="0: the well-known ports")
    parser.add_argument("--die-with-parent", action="store_true", help="end when the process ends that started this")
    arguments = parser.parse_args()
    if arguments.die_with_parent:
        die_with_parent(os.getppid())
    ports = Ports.from_base(arguments.port_base) if arguments.port_base else Ports()
    try:
        asyncio.run(run(arguments.data_dir, ports))
    except LocalError as error:
        raise SystemExit(str(error)) from None


if __name__ == "__main__":
    main()
