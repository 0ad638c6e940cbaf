"""The listening socket, the count of requests under way, and the orderly end."""

from __future__ import annotations

import signal
import threading
import time
from http.server import ThreadingHTTPServer
from types import FrameType

from deploy.local.clickhouse.engine import Engine
from deploy.local.clickhouse.handler import Handler


class Server(ThreadingHTTPServer):
    daemon_threads, allow_reuse_address, request_queue_size = True, True, 128

    def __init__(self, host: str, port: int, engine: Engine, password: str = "") -> None:
        super().__init__((host, port), Handler)
        self.engine, self.password = engine, password
        self._busy, self._closing = 0, False
        self._idle = threading.Condition()

    def begin(self) -> bool:
        """Count a request in; False once the server is closing."""
        with self._idle:
            if self._closing:
                return False
            self._busy += 1
            return True

    def end(self) -> None:
        with self._idle:
            self._busy -= 1
            self._idle.notify_all()

    def run_until_signal(self, grace_seconds: float) -> int:
        """Serve until SIGTERM or SIGINT, let what runs end, close the engine. Returns the exit code: 0, or 1 when
        statements were still running after the grace."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        self.serve_forever(poll_interval=0.1)
        left = self._drain(time.monotonic() + grace_seconds)
        self.server_close()
        if not left:
            self.engine.close()
        return 1 if left else 0

    def _stop(self, number: int, frame: FrameType | None) -> None:
        threading.Thread(target=self.shutdown, daemon=True).start()

    def _drain(self, deadline: float) -> int:
        with self._idle:
            self._closing = True
            while self._busy and time.monotonic() < deadline:
                self._idle.wait(0.2)
            return self._busy
