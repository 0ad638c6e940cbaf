"""Lines into records: a quoted field may hold line feeds, and one that is never closed must not swallow the file."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator

MOST_LINES = 100
"""A record over more lines has an unclosed quote: its first line is bad, and the others are read for themselves."""

_FIELD = re.compile(rb'(?:"(?:[^"]|"")*"(?!")[^,]*|[^",][^,]*|)(?:,|$)')


def is_open(record: bytes) -> bool:
    """The record ends inside a quoted field. A quote in the middle of a field opens nothing."""
    if b'"' not in record:
        return False
    at = 0
    while at < len(record):
        field = _FIELD.match(record, at)
        if field is None:
            return True
        at = field.end()
    return False


class Records:
    """`feed` pieces, then `finish`: (number of the first line, record) each, in order."""

    def __init__(self, quoted: bool) -> None:
        self.quoted = quoted
        """CSV; else each line is a record."""
        self._piece = b""
        self._lines: deque[bytes] = deque()
        self._next_line = 1

    def feed(self, piece: bytes) -> Iterator[tuple[int, bytes]]:
        *lines, self._piece = (self._piece + piece).split(b"\n")
        self._lines.extend(lines)
        yield from self._complete(last=False)

    def finish(self) -> Iterator[tuple[int, bytes]]:
        if self._piece:
            self._lines.append(self._piece)
            self._piece = b""
        yield from self._complete(last=True)

    def _complete(self, last: bool) -> Iterator[tuple[int, bytes]]:
        while self._lines:
            count = self._length(last)
            if count == 0:
                return
            lines = [self._lines.popleft() for _ in range(count)]
            record = b"\n".join(lines) if count > 1 else lines[0]
            first, self._next_line = self._next_line, self._next_line + count
            yield first, record

    def _length(self, last: bool) -> int:
        """Lines of the next record; 0: its end has not come yet."""
        if not self.quoted or b'"' not in self._lines[0]:
            return 1
        record = b""
        for count, line in enumerate(self._lines, start=1):
            record = record + b"\n" + line if count > 1 else line
            if not is_open(record.rstrip(b"\r")):
                return count
            if count == MOST_LINES:
                return 1
        return 1 if last else 0
