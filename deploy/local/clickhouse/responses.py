"""Answers with ClickHouse's headers, whole or in chunks."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from http.server import BaseHTTPRequestHandler
from typing import Any

from deploy.local.clickhouse.bodies import CHUNK

_SUMMARY = (
    "read_rows", "read_bytes", "written_rows", "written_bytes", "total_rows_to_read", "result_rows", "result_bytes",
    "elapsed_ns",
)  # fmt: skip
_BINARY = ("Native", "RowBinary")


def summary_of(counts: Mapping[str, int]) -> str:
    """The value of `X-ClickHouse-Summary`: every count of the server's, those not known as 0."""
    return json.dumps({name: str(counts.get(name, 0)) for name in _SUMMARY})


class Response:
    """The one answer to a request. `started` is true from the moment its head is written."""

    def __init__(self, handler: BaseHTTPRequestHandler) -> None:
        self._handler = handler
        self.started = False
        self.query_id = ""

    def send(
        self, status: int, body: bytes, form: str | None = None, summary: str = "", code: int | None = None
    ) -> None:
        """A whole answer; `code` is an exception's, `form` the data format of `body`."""
        self._head(status, form, summary, len(body), code)
        if self._handler.command != "HEAD":
            self._handler.wfile.write(body)
        self._handler.wfile.flush()

    def stream(self, result: Any, form: str) -> None:
        """A SELECT's result (chDB's streaming one): at once if it is small, else in chunks as it comes.

        An error after the head leaves the last chunk out, so that the client sees a broken answer.
        """
        parts = iter(result)
        try:
            first, rows, ended = self._first_part(parts)
            if ended:
                self.send(200, first, form, summary_of({"read_rows": rows}))
                return
            self._head(200, form, summary_of({}), None)
            self._chunk(first)
            for part in parts:
                self._chunk(part.bytes())
            self._handler.wfile.write(b"0\r\n\r\n")
            self._handler.wfile.flush()
        except BaseException:
            _cancel(result)
            raise

    def _first_part(self, parts: Iterable[Any]) -> tuple[bytes, int, bool]:
        collected, size, rows = [], 0, 0
        for part in parts:
            data = part.bytes()
            rows += part.rows_read() or 0
            collected.append(data)
            size += len(data)
            if size > CHUNK:
                return b"".join(collected), rows, False
        return b"".join(collected), rows, True

    def _chunk(self, data: bytes) -> None:
        if data:
            self._handler.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))

    def _head(self, status: int, form: str | None, summary: str, length: int | None, code: int | None = None) -> None:
        self.started = True
        handler = self._handler
        content_type = "application/octet-stream" if form in _BINARY else "text/plain; charset=UTF-8"
        headers = {
            "Content-Type": content_type,
            "X-ClickHouse-Query-Id": self.query_id,
            "X-ClickHouse-Server-Display-Name": "chdb",
            "X-ClickHouse-Timezone": "UTC",
        }
        if form:
            headers["X-ClickHouse-Format"] = form
        if code is not None:
            headers["X-ClickHouse-Exception-Code"] = str(code)
        elif summary:
            headers["X-ClickHouse-Summary"] = summary
        headers |= {"Transfer-Encoding": "chunked"} if length is None else {"Content-Length": str(length)}
        if handler.close_connection:
            headers["Connection"] = "close"
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name, value)
        handler.end_headers()


def _cancel(result: Any) -> None:
    try:
        result.cancel()
    except Exception:  # it may have ended by itself
        return
