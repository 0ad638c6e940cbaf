"""One HTTP connection: reads a request, runs its statement, answers as ClickHouse's server does."""

from __future__ import annotations

import base64
import hmac
import re
import urllib.parse
import uuid
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any, cast

from deploy.local.clickhouse import bodies, errors
from deploy.local.clickhouse.errors import ServerError
from deploy.local.clickhouse.inserting import insert
from deploy.local.clickhouse.responses import Response, summary_of
from deploy.local.clickhouse.statement import Insert, Other, read_statement

if TYPE_CHECKING:
    from deploy.local.clickhouse.server import Server

NOT_SETTINGS = frozenset({
    "query", "database", "default_format", "session_id", "session_timeout", "session_check", "query_id", "user",
    "password", "quota_key", "compress", "decompress", "buffer_size", "wait_end_of_query", "role",
    "client_protocol_version", "enable_http_compression", "http_zlib_compression_level",
    "send_progress_in_http_headers", "http_headers_progress_interval_ms",
    "cancel_http_readonly_queries_on_client_close", "close_session",
})  # fmt: skip
"""URL parameters that mean something to the server itself; any other is a setting of the query."""
SESSION_SECONDS = 60.0


class Handler(BaseHTTPRequestHandler):
    protocol_version, server_version, sys_version = "HTTP/1.1", "ClickHouse-chDB", ""
    disable_nagle_algorithm, wbufsize, rbufsize = True, 1 << 16, 1 << 18
    timeout = 300

    _response: Response
    _drained: bool

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  (the name is the base class's)
        pass

    def do_GET(self) -> None:
        self._serve(readonly=True)

    def do_HEAD(self) -> None:
        self._serve(readonly=True)

    def do_POST(self) -> None:
        self._serve(readonly=False)

    @property
    def _owner(self) -> Server:
        return cast("Server", self.server)

    def _serve(self, *, readonly: bool) -> None:
        if not self._owner.begin():
            self.close_connection = True
            return
        self._drained = not self._has_body()
        self._response = Response(self)
        try:
            self._answer(readonly)
        except (ConnectionError, TimeoutError):
            self.close_connection = True
        except Exception as error:  # the engine's errors come as several types
            self._fail(error)
        finally:
            if not self._drained:
                self.close_connection = True  # an unread body: this connection cannot carry another request
            self._owner.end()

    def _has_body(self) -> bool:
        return self.headers.get("Content-Length", "0") != "0" or bool(self.headers.get("Transfer-Encoding"))

    def _answer(self, readonly: bool) -> None:
        url = urllib.parse.urlsplit(self.path)
        arguments = dict(urllib.parse.parse_qsl(url.query, keep_blank_values=True))
        self._response.query_id = arguments.get("query_id") or str(uuid.uuid4())
        alive = url.path in ("/ping", "/replicas_status") or (url.path == "/" and "query" not in arguments)
        if readonly and alive:
            self._response.send(200, b"Ok.\n")
        elif url.path not in ("/", "/query"):
            self._response.send(404, b"There is no handle " + url.path.encode() + b"\n")
        else:
            self._check_password(arguments)
            self._run(arguments, readonly)

    def _check_password(self, arguments: dict[str, str]) -> None:
        wanted = self._owner.password
        if not wanted:
            return
        given = self.headers.get("X-ClickHouse-Key") or arguments.get("password")
        basic = self.headers.get("Authorization") or ""
        if given is None and basic.startswith("Basic "):
            given = base64.b64decode(basic[6:]).decode().partition(":")[2]
        if not hmac.compare_digest((given or "").encode(), wanted.encode()):
            text = "Authentication failed: password is incorrect, or there is no such user."
            raise ServerError(errors.AUTHENTICATION_FAILED, text, "AUTHENTICATION_FAILED")

    def _body(self) -> Iterator[bytes]:
        if "chunked" in (self.headers.get("Transfer-Encoding") or "").lower():
            yield from bodies.read_chunked(cast(Any, self.rfile))
        else:
            yield from bodies.read_by_length(cast(Any, self.rfile), int(self.headers.get("Content-Length") or 0))
        self._drained = True

    def _run(self, arguments: dict[str, str], readonly: bool) -> None:
        body = bodies.decompress(self._body(), self.headers.get("Content-Encoding"))
        content_type = self.headers.get("Content-Type") or ""
        if content_type.startswith("multipart/form-data"):
            arguments |= bodies.read_form(content_type, body)
            body = iter(())
        statement = read_statement(arguments.get("query", "").encode(), body)
        if readonly and not (isinstance(statement, Other) and statement.reads):
            text = "Cannot execute query in readonly mode. For queries over HTTP, method GET implies readonly."
            raise ServerError(errors.READONLY, text, "READONLY")
        ttl = float(arguments.get("session_timeout") or SESSION_SECONDS)
        session, database, settings = arguments.get("session_id"), arguments.get("database"), _settings(arguments)
        again = isinstance(statement, Insert) or not statement.lasts
        with self._owner.engine.connection(session, ttl, database, settings, again=again) as connection:
            if isinstance(statement, Insert):
                self._insert(connection, statement, body)
            else:
                self._query(connection, statement, arguments)

    def _insert(self, connection: Any, statement: Insert, body: Iterator[bytes]) -> None:
        done = insert(connection, statement, body)
        elapsed = int(done.elapsed * 1e9)
        written = {"written_rows": done.rows_written, "written_bytes": done.bytes_written, "elapsed_ns": elapsed}
        self._response.send(200, b"", summary=summary_of(written))

    def _query(self, connection: Any, statement: Other, arguments: dict[str, str]) -> None:
        form = arguments.get("default_format") or self.headers.get("X-ClickHouse-Format") or "TabSeparated"
        params = {name[6:]: value for name, value in arguments.items() if name.startswith("param_")} or None
        if statement.streams:
            self._response.stream(connection.send_query(statement.text, form, params=params), form)
        else:
            result = connection.query(statement.text, form, params=params)
            self._response.send(200, result.bytes() or b"", form, summary_of({}))

    def _fail(self, error: Exception) -> None:
        if self._response.started or not self._drained:
            self.close_connection = True
        if self._response.started:
            return  # the body has begun: cutting it is all that can be said
        code, text = errors.describe(error, self._owner.engine.version)
        try:
            self._response.send(errors.http_status(code), text.encode() + b"\n", code=code)
        except OSError:
            self.close_connection = True


def _settings(arguments: dict[str, str]) -> dict[str, str]:
    settings = {k: v for k, v in arguments.items() if k not in NOT_SETTINGS and not k.startswith("param_")}
    for name in settings:
        if not re.fullmatch(r"\w+", name):
            raise ServerError(errors.UNKNOWN_SETTING, f"Unknown setting {name}.", "UNKNOWN_SETTING")
    return settings
