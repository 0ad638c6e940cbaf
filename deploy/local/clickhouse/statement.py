"""What a statement is: an INSERT whose rows follow, a SELECT that streams, or anything else. Pure text, no engine."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

HEAD_LIMIT = 1 << 18
"""Bytes of a body that are searched for the head of an INSERT."""

_COMMENTS = re.compile(r"\A(?:\s+|--[^\n]*\n|/\*.*?\*/)*", re.DOTALL)
# INSERT INTO t (columns) [SETTINGS ...] FORMAT F, then a line end or the end: what follows is data.
_INSERT_FORMAT = re.compile(
    rb"\s*INSERT\s+INTO\s+(?:TABLE\s+)?(?:FUNCTION\s+)?(?:`[^`]*`|\"[^\"]*\"|[\w.])+"
    rb"[^']*?(?:'[^']*'[^']*?)*?\bFORMAT\s+(\w+)[ \t]*(?:;|\r?\n|\Z)",
    re.IGNORECASE | re.DOTALL,
)
_INSERT_VALUES = re.compile(rb"\s*INSERT\s+INTO\b[^']*\bVALUES\s*\Z", re.IGNORECASE | re.DOTALL)
_SELECT_INSIDE = re.compile(rb"\b(SELECT|WITH|VALUES)\b", re.IGNORECASE)
_QUOTED = re.compile(rb"'[^']*'|`[^`]*`|\([^)]*\)")
_READS = ("SELECT", "WITH", "SHOW", "DESC", "EXPLAIN", "EXISTS", "CHECK")
_STREAMS = ("SELECT", "WITH")
_LASTS = ("SET", "USE", "CREATE TEMPORARY")


@dataclass(frozen=True)
class Insert:
    """`INSERT INTO ... (columns)` without its FORMAT, the format, and the first of its data."""

    text: str
    format: str
    data: bytes


@dataclass(frozen=True)
class Other:
    """Any statement that carries no data. `reads`: allowed with GET; `streams`: the engine gives it in parts; `lasts`:
    its connection is another one after it."""

    text: str
    reads: bool
    streams: bool
    lasts: bool


def literal(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'") + "'"


def read_statement(query: bytes, body: Iterator[bytes]) -> Insert | Other:
    """Parse the statement of a request from its `query` parameter and as much of its body as that needs."""
    head = _read_head(query, body)
    found = _INSERT_FORMAT.match(head)
    if found and not _SELECT_INSIDE.search(_QUOTED.sub(b"", found.group(0))):
        text = head[: found.start(1)].rstrip()[: -len("FORMAT")].decode()
        return Insert(text, found.group(1).decode(), head[found.end() :])
    if query and _INSERT_VALUES.match(query):
        return Insert(re.sub(r"\s*VALUES\s*\Z", "", query.decode(), flags=re.IGNORECASE), "Values", b"")
    text = (head + b"".join(body)).decode().rstrip().rstrip(";")
    word = _COMMENTS.sub("", text[:4096]).lstrip("( \n\t").upper()
    return Other(text, word.startswith(_READS), word.startswith(_STREAMS), word.startswith(_LASTS))


def _read_head(query: bytes, body: Iterator[bytes]) -> bytes:
    head, joined = query, not query
    while len(head) < HEAD_LIMIT and not _is_whole(query, head):
        chunk = next(body, None)
        if chunk is None:
            break
        if not joined:
            head, joined = head + b"\n", True
        head += chunk
    return head


def _is_whole(query: bytes, head: bytes) -> bool:
    """Whether `head` holds all of an INSERT's head, so that the rest of the body is data."""
    if query and _INSERT_VALUES.match(query):
        return True
    found = _INSERT_FORMAT.match(head)
    if found is None:
        return False
    ended = found.end() < len(head) or head[found.end() - 1 : found.end()] in (b"\n", b";")
    return ended or bool(query)
