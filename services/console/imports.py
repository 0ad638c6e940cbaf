"""An import under way: pieces of a file in, records out, memory bounded."""

from __future__ import annotations

import asyncio
import csv
import io
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO, Generic, TypeVar

from aiokafka.errors import KafkaError
from fastapi import Request

from schemas.topics import CONSENTS, CONTACT_CHANGES, load_topics
from services.console.core.contact_files import BadRow, FileError, RowFile
from services.console.core.contact_rows import GoodRow
from services.console.core.csv_text import csv_text
from services.console.core.import_jobs import ImportJob, MappedFile, Mistakes
from services.console.hub import Hub
from services.console.problems import Problem
from services.domain.messages import encode_json
from services.runtime.kafka import send_batches
from services.runtime.partitions import placed

MOST_ERRORS = 10_000
UNDER_WAY = 5_000
"""Records that are sent at a time."""
BREATH = 100
"""Rows after which other requests have their turn."""


R = TypeVar("R")
Records = Iterable[tuple[str, str, bytes]]
"""Topic, key, value."""


class ImportRun(Generic[R]):
    def __init__(self, hub: Hub, file: RowFile[R], records: Callable[[R], Records]) -> None:
        """`records`: what a good row is told as."""
        self.hub, self.file, self._records = hub, file, records
        self.good = self.bad = self.bytes = 0
        self.told = Counter[str]()
        """Records by topic."""
        self.errors: list[BadRow] = []
        self._partitions = load_topics().partitions
        self._waiting: list[tuple[str, bytes, bytes]] = []
        """Topic, key, value."""
        self._sending: asyncio.Future[list[None]] | None = None

    async def take_body(self, request: Request) -> None:
        """All of a request's body. Raises `Problem` (413, 422, 503)."""
        try:
            async for piece in request.stream():
                await self.feed(piece)
            await self.finish()
        except FileError as error:
            raise refused_file(error) from None

    async def feed(self, piece: bytes) -> None:
        """Raises `FileError` and `Problem` (413, 503)."""
        self.bytes += len(piece)
        if self.bytes > self.hub.settings.largest_import_bytes:
            largest = self.hub.settings.largest_import_bytes
            raise Problem(413, "too_large", f"the file is larger than {largest:,} bytes: import it in parts")
        for number, row in enumerate(self.file.feed(piece)):
            await self._take(row)
            if number % BREATH == 0:
                await asyncio.sleep(0)

    async def finish(self) -> None:
        """All that was good is acknowledged when this returns."""
        for row in self.file.finish():
            await self._take(row)
        await self._send()
        await self._acknowledged()

    async def _take(self, row: R | BadRow) -> None:
        if isinstance(row, BadRow):
            self.bad += 1
            if len(self.errors) < MOST_ERRORS:
                self.errors.append(row)
            return
        self.good += 1
        for topic, key, value in self._records(row):
            self._waiting.append((topic, key.encode(), value))
            self.told[topic] += 1
        if len(self._waiting) >= UNDER_WAY:
            await self._send()

    async def _send(self) -> None:
        """What waits, while the next rows are read; no more than one such lot is under way."""
        await self._acknowledged()
        waiting, self._waiting = self._waiting, []
        records = placed(waiting, self._partitions)
        sends = (send_batches(self.hub.producer, *place, some) for place, some in records.items())
        self._sending = asyncio.gather(*sends)

    async def _acknowledged(self) -> None:
        sending, self._sending = self._sending, None
        if sending is None:
            return
        try:
            await sending
        except KafkaError as error:
            raise self._failed(error) from error
        except ValueError:  # of `send_batches`: nothing larger fits
            raise Problem(413, "too_large", "a row is larger than a megabyte: shorten its values") from None

    def _failed(self, error: KafkaError) -> Problem:
        detail = "Kafka does not take it now: import the file again; what is in already does no harm"
        return Problem(503, "kafka_unavailable", detail, cause=type(error).__name__)


def records_of_contact(row: GoodRow) -> Records:
    """The change, and what the row says of consent."""
    key = row.change.recipient
    yield CONTACT_CHANGES, key, encode_json(row.change)
    for consent in row.consents:
        yield CONSENTS, key, encode_json(consent)


class JobRun(ImportRun[GoodRow]):
    """Writes down what is turned away, as it is."""

    def __init__(self, hub: Hub, job: ImportJob, file: MappedFile, rejected: BinaryIO) -> None:
        super().__init__(hub, file, records_of_contact)
        self.job, self._rejected, self._mistakes = job, rejected, Mistakes()
        self._rejected.write(csv_text([[*job.header, "line", "reason"]]).encode())

    def tell(self) -> None:
        self.job.imported, self.job.rejected, self.job.opt_ins = self.good, self.bad, self.told[CONSENTS]
        self.job.mistakes = self._mistakes.listed()

    async def _take(self, row: GoodRow | BadRow) -> None:
        await super()._take(row)
        if isinstance(row, BadRow):
            self._mistakes.add(row)
            cells = list(_cells_of(self.file.record, self.job))
            self._rejected.write(csv_text([[*cells, row.line, row.message]]).encode())


def _cells_of(record: bytes, job: ImportJob) -> Iterator[Any]:
    """As many as the header has; of what is no row of it, all in the first."""
    text = record.decode(errors="replace").rstrip("\r")
    cells = next(csv.reader(io.StringIO(text, newline="")), []) if job.kind == "csv" else [text]
    if len(cells) != len(job.header):
        cells = [text]
    yield from cells
    yield from [""] * (len(job.header) - len(cells))


def refused_file(error: FileError) -> Problem:
    status = 415 if error.error.problem == "unknown_type" else 422
    return Problem(status, error.error.problem, error.error.message, [error.error])
