"""An import under way: pieces of a file in, changes and consents out, memory bounded."""

from __future__ import annotations

import asyncio

from aiokafka.errors import KafkaError

from schemas.topics import CONSENTS, CONTACT_CHANGES
from services.console.core.contact_files import BadRow, ContactFile, Kind
from services.console.core.contact_rows import GoodRow, Imported
from services.console.hub import Hub
from services.console.problems import Problem

MOST_ERRORS = 10_000
UNDER_WAY = 5_000
"""Records that may wait for their acknowledgement."""
BREATH = 100
"""Rows after which other requests have their turn."""


class ImportRun:
    def __init__(self, hub: Hub, kind: Kind, imported: Imported) -> None:
        self.hub, self.file = hub, ContactFile(kind, imported)
        self.good = self.opt_ins = self.bad = self.bytes = 0
        self.errors: list[BadRow] = []
        self._acks: list[asyncio.Future[object]] = []

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
        await self._settle()

    async def _take(self, row: GoodRow | BadRow) -> None:
        if isinstance(row, BadRow):
            self.bad += 1
            if len(self.errors) < MOST_ERRORS:
                self.errors.append(row)
            return
        self.good += 1
        self.opt_ins += len(row.consents)
        key, send = row.change.recipient.encode(), self.hub.producer.send
        try:
            self._acks.append(await send(CONTACT_CHANGES, row.change.write(), key=key))
            for consent in row.consents:
                self._acks.append(await send(CONSENTS, consent.write(), key=key))
        except KafkaError as error:
            raise self._failed(error) from error
        if len(self._acks) >= UNDER_WAY:
            await self._settle()

    async def _settle(self) -> None:
        acks, self._acks = self._acks, []
        try:
            await asyncio.gather(*acks)
        except KafkaError as error:
            raise self._failed(error) from error

    def _failed(self, error: KafkaError) -> Problem:
        detail = "Kafka does not take it now: import the file again; what is in already does no harm"
        return Problem(503, "kafka_unavailable", detail, cause=type(error).__name__)
