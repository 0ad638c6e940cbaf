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
MAX_IDLE = 32
"""Connections that are kept for the next statement."""
Connection = Any
"""chDB's connection, which has no usable types."""
Scope = tuple[str, frozenset[tuple[str, str]]]
"""Database and settings of a connection, beside those of every connection. Whoever asks often asks in the same one:
setting a connection up and back costs as much as a small statement itself."""
PLAIN: Scope = ("", frozenset())


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
        self._idle: list[tuple[Scope, Connection]] = []
        self._own = self._connect(PLAIN)  # nobody else's: the engine would stop with its last connection
        self.version = _scalar(self._own, "SELECT version()")

    def _connect(self, scope: Scope) -> Connection:
        database, settings = scope
        connection = chdb.connect(self._source)
        try:
            connection.query(_set(self._settings))
            if database:
                connection.query(_use(database))
            if settings:
                connection.query(_set(dict(settings)))
        except BaseException:
            connection.close()
            raise
        return connection

    @contextmanager
    def connection(
        self, session_id: str | None, ttl: float, database: str | None, settings: Mapping[str, str], *, again: bool
    ) -> Iterator[Connection]:
        """A connection of one's own in `database` and with `settings`; a session's gets back what it had.

        `again`: without a session it may serve others afterwards, for the statement leaves it as it is. Raises
        ServerError 202 when no slot comes free in time, 373 when the session is in use.
        """
        if not self._gate.acquire(timeout=self._wait):
            raise _too_many("queries")
        try:
            if session_id is None:
                with self._pooled((database or "", frozenset(settings.items())), again) as connection:
                    yield connection
            else:
                with self._in_session(session_id, ttl, database, settings) as connection:
                    yield connection
        finally:
            self._gate.release()

    @contextmanager
    def _pooled(self, scope: Scope, again: bool) -> Iterator[Connection]:
        connection = self._take(scope)
        try:
            yield connection
        except BaseException:
            connection.close()  # a statement may have been left in its middle
            raise
        spare: Connection | None = connection
        if again:
            with self._lock:
                self._idle.append((scope, connection))
                spare = self._idle.pop(0)[1] if len(self._idle) > MAX_IDLE else None
        if spare:
            spare.close()

    def _take(self, scope: Scope) -> Connection:
        with self._lock:
            for place in reversed(range(len(self._idle))):
                if self._idle[place][0] == scope:
                    return self._idle.pop(place)[1]
        return self._connect(scope)

    @contextmanager
    def _in_session(
        self, session_id: str, ttl: float, database: str | None, settings: Mapping[str, str]
    ) -> Iterator[Connection]:
        session = self._session(session_id, ttl)
        connection, undo = session.connection, list[str]()
        try:
            if database:
                undo.append(_use(_scalar(connection, "SELECT currentDatabase()")))
                connection.query(_use(database))
            if settings:
                undo.append(_set({name: _setting(connection, name) for name in settings}))
                connection.query(_set(settings))
            yield connection
        finally:
            try:
                if not _run(connection, undo):  # replace it rather than leak what it was set to into the next request
                    connection.close()
                    session.connection = self._connect(PLAIN)
            finally:
                session.lock.release()

    def _session(self, session_id: str, ttl: float) -> _Session:
        """Locked for who asked."""
        with self._lock:
            now = time.monotonic()
            for key in [k for k, s in self._sessions.items() if s.expires < now and not s.lock.locked()]:
                self._sessions.pop(key).connection.close()
            session = self._sessions.get(session_id)
            if session is None:
                if len(self._sessions) >= MAX_SESSIONS:
                    raise _too_many("sessions")
                session = self._sessions[session_id] = _Session(self._connect(PLAIN), now)
            if not session.lock.acquire(blocking=False):
                raise ServerError(
                    SESSION_IS_LOCKED, f"Session {session_id} is locked by a concurrent client.", "SESSION_IS_LOCKED"
                )
            session.expires = now + ttl
            return session

    def close(self) -> None:
        sessions = [session.connection for session in self._sessions.values()]
        for connection in [*(idle for _, idle in self._idle), *sessions, self._own]:
            connection.close()


def _run(connection: Connection, statements: list[str]) -> bool:
    try:
        for statement in statements:
            connection.query(statement)
    except Exception:  # the engine raises several types; whichever it is, the connection is no longer trusted
        return False
    return True


def _use(database: str) -> str:
    return "USE `" + database.replace("`", "") + "`"


def _set(settings: Mapping[str, str]) -> str:
    return "SET " + ", ".join(f"{name} = {literal(value)}" for name, value in settings.items())


def _setting(connection: Connection, name: str) -> str:
    return _scalar(connection, f"SELECT toString(getSetting({literal(name)}))")


def _scalar(connection: Connection, query: str) -> str:
    return str(connection.query(query, "TSVRaw").bytes().decode().rstrip("\n"))


def _too_many(what: str) -> ServerError:
    return ServerError(TOO_MANY_SIMULTANEOUS_QUERIES, f"Too many simultaneous {what}.", "TOO_MANY_SIMULTANEOUS_QUERIES")
