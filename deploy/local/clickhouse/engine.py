"""The engine's connections: one a running statement, one a session, a bounded number at work at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import chdb

from deploy.local.clickhouse.errors import SESSION_IS_LOCKED, TOO_MANY_SIMULTANEOUS_QUERIES, ServerError
from deploy.local.clickhouse.statement import literal

MAX_SESSIONS = 256
Connection = Any
"""chDB's connection, which has no usable types."""


@dataclass(frozen=True)
class Limits:
    """Memory in bytes (0: the engine's own limits), threads a query (0: one a core), statements at once."""

    server_memory: int = 0
    query_memory: int = 0
    threads: int = 0
    slots: int = 6
    wait_seconds: float = 30.0

    def connection_string(self, path: Path) -> str:
        """Limits of the whole engine are part of the path that it opens."""
        if not self.server_memory:
            return str(path)
        return f"{path}?max_server_memory_usage={self.server_memory}&mark_cache_size={self.server_memory // 16}"

    def settings(self) -> dict[str, str]:
        """Settings of every connection. Without asynchronous inserts a batch is a block, acknowledged once it is in."""
        settings = {"async_insert": "0"}
        if self.query_memory:
            settings["max_memory_usage"] = str(self.query_memory)
            settings["max_bytes_before_external_group_by"] = str(self.query_memory // 2)
            settings["max_bytes_before_external_sort"] = str(self.query_memory // 2)
        if self.threads:
            settings["max_threads"] = str(self.threads)
        return settings


@dataclass
class _Session:
    connection: Connection
    expires: float
    lock: threading.Lock = field(default_factory=threading.Lock)


class Engine:
    """Hands out connections; close it when nothing runs any more."""

    def __init__(self, path: Path, limits: Limits) -> None:
        self._source, self._settings = limits.connection_string(path), limits.settings()
        self._wait = limits.wait_seconds
        self._lock = threading.Lock()
        self._gate = threading.BoundedSemaphore(limits.slots)
        self._sessions: dict[str, _Session] = {}
        self._free: list[Connection] = [self._connect()]
        self.version: str = self._free[0].query("SELECT version()", "TSV").bytes().decode().strip()

    def _connect(self) -> Connection:
        connection = chdb.connect(self._source)
        connection.query("SET " + ", ".join(f"{name} = {value}" for name, value in self._settings.items()))
        return connection

    @contextmanager
    def connection(
        self, session_id: str | None, ttl: float, database: str | None, settings: Mapping[str, str]
    ) -> Iterator[Connection]:
        """A connection of one's own in `database` and with `settings`, both put back afterwards.

        Raises ServerError 202 when no slot comes free in time, 373 when the session is in use.
        """
        connection, session = self._take(session_id, ttl)
        undo: list[str] = []
        try:
            if database:
                undo.append(f"USE `{_scalar(connection, 'SELECT currentDatabase()')}`")
                connection.query("USE `" + database.replace("`", "") + "`")
            if settings:
                undo.append(self._undo_of(connection, settings, keep=session is not None))
                connection.query("SET " + ", ".join(f"{name} = {literal(v)}" for name, v in settings.items()))
            yield connection
        finally:
            self._give(connection, session, broken=not _run(connection, undo))

    def _undo_of(self, connection: Connection, settings: Mapping[str, str], *, keep: bool) -> str:
        """What puts the settings back; a session (`keep`) may have set some of them itself."""
        if not keep:
            return "SET " + ", ".join(f"{name} = {self._settings.get(name, 'DEFAULT')}" for name in settings)
        now = {name: _scalar(connection, f"SELECT toString(getSetting({literal(name)}))") for name in settings}
        return "SET " + ", ".join(f"{name} = {literal(value)}" for name, value in now.items())

    def _take(self, session_id: str | None, ttl: float) -> tuple[Connection, _Session | None]:
        if not self._gate.acquire(timeout=self._wait):
            raise _too_many("queries")
        try:
            with self._lock:
                if session_id is None:
                    return (self._free.pop() if self._free else self._connect()), None
                session = self._session(session_id, ttl)
                return session.connection, session
        except BaseException:
            self._gate.release()
            raise

    def _session(self, session_id: str, ttl: float) -> _Session:
        now = time.monotonic()
        for key in [k for k, s in self._sessions.items() if s.expires < now and not s.lock.locked()]:
            self._sessions.pop(key).connection.close()
        session = self._sessions.get(session_id)
        if session is None:
            if len(self._sessions) >= MAX_SESSIONS:
                raise _too_many("sessions")
            session = self._sessions[session_id] = _Session(self._connect(), now)
        if not session.lock.acquire(blocking=False):
            raise ServerError(
                SESSION_IS_LOCKED, f"Session {session_id} is locked by a concurrent client.", "SESSION_IS_LOCKED"
            )
        session.expires = now + ttl
        return session

    def _give(self, connection: Connection, session: _Session | None, *, broken: bool) -> None:
        with self._lock:
            if broken:  # its settings could not be put back: replace it rather than leak them into the next request
                connection.close()
                connection = self._connect()
            if session:
                session.connection = connection
                session.lock.release()
            else:
                self._free.append(connection)
        self._gate.release()

    def close(self) -> None:
        for connection in [*self._free, *(s.connection for s in self._sessions.values())]:
            connection.close()


def _run(connection: Connection, statements: list[str]) -> bool:
    try:
        for statement in statements:
            connection.query(statement)
    except Exception:  # the engine raises several types; whichever it is, the connection is no longer trusted
        return False
    return True


def _scalar(connection: Connection, query: str) -> str:
    return str(connection.query(query, "TSVRaw").bytes().decode().rstrip("\n"))


def _too_many(what: str) -> ServerError:
    return ServerError(TOO_MANY_SIMULTANEOUS_QUERIES, f"Too many simultaneous {what}.", "TOO_MANY_SIMULTANEOUS_QUERIES")
