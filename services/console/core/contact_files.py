"""A file of contacts, CSV or NDJSON, fed in pieces: each row comes out good, or bad with its line number."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any, Literal

from pydantic import BaseModel

from schemas import FieldError
from services.console.core.contact_rows import COLUMNS, BadRowError, GoodRow, Imported, read_row
from services.console.core.csv_records import Records

Kind = Literal["csv", "ndjson"]


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


class ContactFile:
    """Splits pieces into records, reads each by `kind`, and tells ids that come twice."""

    def __init__(self, kind: Kind, imported: Imported) -> None:
        self.kind, self.imported = kind, imported
        self._records = Records(quoted=kind == "csv")
        self._empty = True
        self._header: list[str] | None = None
        self._seen: dict[str, int] = {}

    def feed(self, piece: bytes) -> Iterator[GoodRow | BadRow]:
        """Rows that are complete now. Raises `FileError` where the header is of no use."""
        for line, record in self._records.feed(piece):
            yield from self._record(line, record)

    def finish(self) -> Iterator[GoodRow | BadRow]:
        """The last row, where the file does not end with a line feed. Raises `FileError` where nothing was in it."""
        for line, record in self._records.finish():
            yield from self._record(line, record)
        if self._empty:
            raise FileError("empty", "the file is empty")

    def _record(self, line: int, raw: bytes) -> Iterator[GoodRow | BadRow]:
        if line == 1:
            raw = raw.removeprefix(b"\xef\xbb\xbf")
        if not raw.strip():
            return
        self._empty = False
        try:
            text = raw.decode().rstrip("\r")
        except UnicodeDecodeError:
            message = "the row is not UTF-8: save the file as UTF-8"
            if self.kind == "csv" and self._header is None:
                raise FileError("bad_header", "the header is not UTF-8: save the file as UTF-8") from None
            yield BadRow(line=line, field="row", problem="not_utf8", message=message)
            return
        if self.kind == "csv" and self._header is None:
            self._header = _header(text)
            return
        try:
            row = read_row(self._parse(text), self.imported)
            self._check_new(row.change.recipient, line)
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

    def _check_new(self, recipient: str, line: int) -> None:
        before = self._seen.setdefault(recipient, line)
        if before != line:
            contact = recipient.partition("/")[2]
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


def _header(text: str) -> list[str]:
    try:
        names = [name.strip() for name in _cells(text)]
    except BadRowError as error:
        raise FileError("bad_header", error.error.message) from None
    known = ",".join(COLUMNS)
    if "id" not in names:
        raise FileError("no_header", f"the first line names no column 'id': it must be a header such as {known}")
    if "" in names or len(set(names)) != len(names):
        raise FileError("bad_header", "the header has an empty name or one twice: name each column once")
    return names


def _cells(text: str) -> list[str]:
    try:
        rows = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except csv.Error as error:
        raise BadRowError("row", "not_csv", f"the row is not CSV ({error}): check its quotes") from None
    return rows[0] if rows else []


def _json_object(text: str) -> dict[str, Any]:
    try:
        row = json.loads(text)
    except ValueError:
        raise BadRowError("row", "not_json", "the row is not JSON: one object a line") from None
    if not isinstance(row, dict):
        raise BadRowError("row", "not_json", "the row is not a JSON object")
    return row
