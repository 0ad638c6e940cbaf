"""`python -m deploy.local.clickhouse`: the embedded ClickHouse in the foreground."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from deploy.local.clickhouse.engine import Engine, Limits
from deploy.local.clickhouse.server import Server

MEBIBYTE = 1 << 20


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m deploy.local.clickhouse", description="ClickHouse over HTTP.")
    parser.add_argument("--path", type=Path, required=True, help="data directory, owned by this process alone")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8123, help="0: any free one, printed")
    parser.add_argument("--slots", type=int, default=6, help="statements at once; others wait")
    parser.add_argument("--wait", type=float, default=30.0, help="seconds that a statement waits for a slot")
    parser.add_argument("--grace", type=float, default=20.0, help="seconds that statements have to end after SIGTERM")
    parser.add_argument("--server-memory", type=int, default=2048, help="MiB for the engine; 0: its own limit")
    parser.add_argument("--query-memory", type=int, default=1024, help="MiB for one query; 0: no limit")
    parser.add_argument("--threads", type=int, default=0, help="threads for one query; 0: one a core")
    return parser.parse_args()


def main() -> int:
    arguments = parse_arguments()
    limits = Limits(
        server_memory=arguments.server_memory * MEBIBYTE,
        query_memory=arguments.query_memory * MEBIBYTE,
        threads=arguments.threads,
        slots=arguments.slots,
        wait_seconds=arguments.wait,
    )
    arguments.path.mkdir(parents=True, exist_ok=True)
    engine = Engine(arguments.path, limits)
    server = Server(arguments.host, arguments.port, engine, os.environ.get("CLICKHOUSE_PASSWORD", ""))
    print(f"ClickHouse {engine.version} at http://{arguments.host}:{server.server_port}", flush=True)
    return server.run_until_signal(arguments.grace)


if __name__ == "__main__":
    code = main()
    sys.stdout.flush()
    os._exit(code)  # the engine's threads outlive a cut statement; leaving is all that is left to do
