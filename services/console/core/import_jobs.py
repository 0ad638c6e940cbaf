"""An import as it stands: what was brought, how its columns are read, how far it is, what was wrong with it."""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import BaseModel

from schemas.base import Time
from services.console.core.column_maps import mapped
from services.console.core.contact_files import BadRow, ContactFile, Kind, RowFile
from services.console.core.contact_rows import Imported, read_row

SAMPLE_ROWS: Final = 5
State = Literal["uploaded", "waiting", "running", "done", "failed", "interrupted", "cancelled"]
OVER: Final = frozenset({"done", "failed", "interrupted", "cancelled"})
MOST_KINDS: Final = 100
"""Of mistakes that are told apart."""


class Mistake(BaseModel):
    """Rows that were turned away for one reason."""

    field: str
    problem: str
    rows: int
    message: str
    """Of the first of them."""
    line: int


class ImportJob(BaseModel):
    import_id: str
    brand: str
    name: str
    kind: Kind
    state: State
    bytes: int
    bytes_read: int = 0
    header: list[str] = []
    sample: list[dict[str, Any]] = []
    """The first rows."""
    mapping: dict[str, str] = {}
    """Column -> what it is."""
    onto: str = ""
    """The list that all of them come onto."""
    imported: int = 0
    opt_ins: int = 0
    rejected: int = 0
    mistakes: list[Mistake] = []
    """Most rows first."""
    problem: str = ""
    """Why it has ended, where it did not go well; a sentence."""
    made_at: Time
    made_by: str
    started_at: Time | None = None
    ended_at: Time | None = None

    @property
    def over(self) -> bool:
        return self.state in OVER

    @property
    def share(self) -> float:
        """How much of the file is read, percent."""
        return 100.0 * self.bytes_read / self.bytes if self.bytes else 0.0


class Mistakes:
    """Counts rows that are turned away, by reason."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], Mistake] = {}

    def add(self, row: BadRow) -> None:
        key = (row.field, row.problem)
        if key not in self._found and len(self._found) >= MOST_KINDS:
            key = ("row", "other")
        if found := self._found.get(key):
            found.rows += 1
        else:
            self._found[key] = Mistake(field=key[0], problem=key[1], rows=1, message=row.message, line=row.line)

    def listed(self) -> list[Mistake]:
        return sorted(self._found.values(), key=lambda each: (-each.rows, each.field, each.problem))


class MappedFile(ContactFile):
    """A file of contacts whose columns have other names."""

    def __init__(self, kind: Kind, imported: Imported, mapping: dict[str, str]) -> None:
        super().__init__(kind, imported)
        RowFile.__init__(self, kind, lambda row: read_row(mapped(row, mapping, imported.region), imported), ())


def sample_of(kind: Kind, beginning: bytes, whole: bool) -> tuple[list[str], list[dict[str, Any]]]:
    """Names of the columns, and the first rows, of a file's beginning. `whole`: it is all of the file.

    Raises `FileError`.
    """
    rows: list[dict[str, Any]] = []
    file: RowFile[dict[str, Any]] = RowFile(kind, dict, ())
    for found in (*file.feed(beginning), *(file.finish() if whole else ())):
        if isinstance(found, dict) and len(rows) < SAMPLE_ROWS:
            rows.append(found)
    header = file.header or list(dict.fromkeys(name for row in rows for name in row))
    return header, rows
