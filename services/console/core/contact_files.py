"""A file of contacts or consents, CSV or NDJSON, fed in pieces: each row comes out good, or bad with its line."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Generic, Literal, TypeVar

from pydantic import BaseModel

from schemas import FieldError
from services.console.core.contact_rows import COLUMNS, BadRowError, GoodRow, Imported, read_row
from services.console.core.csv_records import Records

Kind = Literal["csv", "ndjson"]
R = TypeVar("R")


class BadRow(BaseModel):
    line: int
    """From 1, the header included; of a row over several lines, the first."""
    field: str
    problem: str
    message: str


class FileError(ValueError):
    """Nothing of the file can be used."""

    def __init__(self, problem: str, message: str) -> None:
        super().__init__(message)
        self.error = FieldError(field="file", problem=problem, message=message)


class RowFile(Generic[R]):
    """Splits pieces into records, and reads each by `kind`."""

    def __init__(self, kind: Kind, read: Callable[[Mapping[str, Any]], R], columns: Sequence[str]) -> None:
        """`read`: a row by names of columns; raises `BadRowError`. `columns`: the usual ones; the first must be. Empty:
        any will do."""
        self.kind, self._read, self._columns = kind, read, columns
        self._records = Records(quoted=kind == "csv")
        self._empty = True
        self._header: list[str] | None = None
        self.record = b""
        """The last record that was read, as it stands in the file."""

    @property
    def header(self) -> list[str]:
        """Names of the columns; empty where they are not read yet, or the file has none."""
        return self._header or []

    def feed(self, piece: bytes) -> Iterator[R | BadRow]:
        """Rows that are complete now. Raises `FileError` where the header is of no use."""
        for line, record in self._records.feed(piece):
            yield from self._record(line, record)

    def finish(self) -> Iterator[R | BadRow]:
        """The last row, where the file does not end with a line feed. Raises `FileError` where nothing was in it."""
        for line, record in self._records.finish():
            yield from self._record(line, record)
        if self._empty:
            raise FileError("empty", "the file is empty")

    def check(self, row: R, line: int) -> None:
        """What only the whole file can tell. Raises `BadRowError`."""

    def _record(self, line: int, raw: bytes) -> Iterator[R | BadRow]:
        if line == 1:
            raw = raw.removeprefix(b"\xef\xbb\xbf")
        if not raw.strip():
            return
        self._empty, self.record = False, raw
        try:
            text = raw.decode().rstrip("\r")
        except UnicodeDecodeError:
            message = "the row is not UTF-8: save the file as UTF-8"
            if self.kind == "csv" and self._header is None:
                raise FileError("bad_header", "the header is not UTF-8: save the file as UTF-8") from None
            yield BadRow(line=line, field="row", problem="not_utf8", message=message)
            return
        if self.kind == "csv" and self._header is None:
            self._header = _header(text, self._columns)
            return
        try:
            row = self._read(self._parse(text))
            self.check(row, line)
            yield row
        except BadRowError as error:
            yield BadRow(line=line, **error.error.model_dump())

    def _parse(self, text: str) -> dict[str, Any]:
        if self.kind == "ndjson":
            return _json_object(text)
        assert self._header is not None, "the header comes first"
        values = _cells(text)
        if len(values) != len(self._header):
            message = f"the row has {len(values)} columns and the header {len(self._header)}: is a comma unquoted?"
            raise BadRowError("row", "wrong_columns", message)
        return dict(zip(self._header, values, strict=True))


class ContactFile(RowFile[GoodRow]):
    """Tells ids that come twice, too."""

    def __init__(self, kind: Kind, imported: Imported) -> None:
        super().__init__(kind, lambda row: read_row(row, imported), COLUMNS)
        self._seen: dict[str, int] = {}

    def check(self, row: GoodRow, line: int) -> None:
        before = self._seen.setdefault(row.change.recipient, line)
        if before != line:
            contact = row.change.recipient.partition("/")[2]
            raise BadRowError("id", "duplicate_id", f"'{contact}' is in line {before} already: keep one of them")


def kind_of(content_type: str, name: str) -> Kind:
    """By the content's type, else by the file's name. Raises `FileError`."""
    by_type: dict[str, Kind] = {
        "text/csv": "csv", "application/csv": "csv", "application/x-ndjson": "ndjson", "application/jsonl": "ndjson",
    }  # fmt: skip
    by_ending: dict[str, Kind] = {".csv": "csv", ".ndjson": "ndjson", ".jsonl": "ndjson"}
    if kind := by_type.get(content_type.partition(";")[0].strip().lower()):
        return kind
    for ending, kind in by_ending.items():
        if name.lower().endswith(ending):
            return kind
    raise FileError("unknown_type", "send CSV (Content-Type: text/csv) or NDJSON (application/x-ndjson)")


def _header(text: str, columns: Sequence[str]) -> list[str]:
    try:
        names = [name.strip() for name in _cells(text)]
    except BadRowError as error:
        raise FileError("bad_header", error.error.message) from None
    if columns and columns[0] not in names:
        message = f"the first line names no column '{columns[0]}': it must be a header such as {','.join(columns)}"
        raise FileError("no_header", message)
    if "" in names or len(set(names)) != len(names):
        raise FileError("bad_header", "the header has an empty name or one twice: name each column once")
    return names


def _cells(text: str) -> list[str]:
    if '"' not in text and "\r" not in text and len(text) < csv.field_size_limit():
        return text.split(",")  # as the reader would
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise BadRowError("row", "not_csv", f"the row is not CSV ({error}): check its quotes") from None
    return rows[0] if rows else []


def _json_object(text: str) -> dict[str, Any]:
    try:
        row = json.loads(text)
        if "\\u" in text:
            json.dumps(row, ensure_ascii=False).encode()  # half a character has no UTF-8
    except ValueError:
        raise BadRowError("row", "not_json", "the row is not JSON: one object a line") from None
    if not isinstance(row, dict):
        raise BadRowError("row", "not_json", "the row is not a JSON object")
    return row
