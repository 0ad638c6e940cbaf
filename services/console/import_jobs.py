"""Imports that go on by themselves: the file is brought first, read when somebody has said what its columns are, and
forgotten when it is in. One at a time; what a process leaves unfinished is said to be so."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Final

import structlog
from fastapi import Request
from pydantic import ValidationError
from ulid import ULID

from services.console.auditing import entry
from services.console.core.column_maps import guess, map_problems
from services.console.core.contact_files import FileError, kind_of
from services.console.core.contact_rows import Imported
from services.console.core.csv_text import csv_text
from services.console.core.import_jobs import ImportJob, MappedFile, sample_of
from services.console.hub import Hub
from services.console.imports import JobRun, refused_file
from services.console.problems import Problem, not_found, rejected_fields
from services.console.security import Identity

log = structlog.get_logger("console")
KEPT: Final = timedelta(days=7)
"""What is left of an import, rejected rows included: as long as topics with personal data."""
UNTOUCHED: Final = timedelta(days=1)
"""A file that nobody has told the columns of."""
PIECE: Final = 1 << 18
LOOKED_AT: Final = 1 << 18
"""Bytes of a file's beginning in which its first rows are looked for."""
FILE, REJECTED, STATE = "file", "rejected.csv", "job.json"


class ImportJobs:
    def __init__(self, hub: Hub) -> None:
        self.hub, self.folder = hub, hub.settings.data_dir / "imports"
        self.jobs: dict[str, ImportJob] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._turn = asyncio.Lock()
        self._load()

    def of(self, identity: Identity) -> list[ImportJob]:
        """The brand's, the newest first."""
        self._forget()
        own = [job for job in self.jobs.values() if job.brand == identity.brand]
        return sorted(own, key=lambda job: job.import_id, reverse=True)

    def job(self, import_id: str, identity: Identity) -> ImportJob:
        """Raises `Problem` 404."""
        found = self.jobs.get(import_id)
        if found is None or found.brand != identity.brand:
            raise not_found("import", import_id)
        return found

    async def take(self, request: Request, identity: Identity, name: str) -> ImportJob:
        """The file: all of a request's body, onto the disk. Raises `Problem` (413, 415, 422)."""
        self._forget()
        import_id = str(ULID())
        place = self.folder / import_id
        try:
            kind = kind_of(request.headers.get("content-type", ""), name)
            place.mkdir(parents=True, mode=0o700)
            size = await self._store(request, place / FILE)
            beginning = await asyncio.to_thread(_beginning, place / FILE)
            header, sample = sample_of(kind, beginning, whole=len(beginning) == size)
        except FileError as error:
            shutil.rmtree(place, ignore_errors=True)
            raise refused_file(error) from None
        except BaseException:
            shutil.rmtree(place, ignore_errors=True)
            raise
        job = ImportJob(
            import_id=import_id, brand=identity.brand, name=name[:200], kind=kind, state="uploaded", bytes=size,
            header=header, sample=sample, mapping=guess(header), made_at=self.hub.now(), made_by=identity.name,
        )  # fmt: skip
        self._keep(job)
        return job

    def start(self, job: ImportJob, identity: Identity, mapping: dict[str, str], onto: str) -> ImportJob:
        """Read it. Once more, after it was interrupted: what is in already does no harm. Raises `Problem` 409, 422."""
        if job.state not in ("uploaded", "interrupted", "cancelled", "failed") or not self._path(job, FILE).exists():
            raise Problem(409, "wrong_state", f"this import is {job.state}: bring the file again to import it again")
        if errors := map_problems(job.header, mapping):
            raise rejected_fields(errors)
        made = job.model_copy(update={
            "state": "waiting", "mapping": mapping, "onto": onto, "imported": 0, "opt_ins": 0, "rejected": 0,
            "mistakes": [], "problem": "", "bytes_read": 0, "started_at": None, "ended_at": None,
        })  # fmt: skip
        self._keep(made)
        task = asyncio.create_task(self._run(made, identity))
        self._tasks[job.import_id] = task
        task.add_done_callback(lambda _: self._tasks.pop(job.import_id, None))
        return made

    async def cancel(self, job: ImportJob) -> ImportJob:
        """Read no more of it: what is in stays. One that is over is forgotten, with its file."""
        if task := self._tasks.get(job.import_id):
            task.cancel()
            await asyncio.wait([task])
            return self.jobs[job.import_id]
        self._drop(job)
        return job.model_copy(update={"state": "cancelled"}) if not job.over else job

    async def rejected(self, job: ImportJob) -> AsyncIterator[bytes]:
        """The rows that were turned away, as CSV, each with its line and the reason."""
        path = self._path(job, REJECTED)
        if not path.exists():
            yield csv_text([[*job.header, "line", "reason"]]).encode()
            return
        with path.open("rb") as file:
            while piece := await asyncio.to_thread(file.read, PIECE):
                yield piece

    async def stop(self) -> None:
        for task in list(self._tasks.values()):
            task.cancel()
        if self._tasks:
            await asyncio.wait(list(self._tasks.values()))

    async def _run(self, job: ImportJob, identity: Identity) -> None:
        run: JobRun | None = None
        try:
            async with self._turn:
                job.state, job.started_at = "running", self.hub.now()
                region = self.hub.settings.phone_region or None
                imported = Imported(job.brand, job.started_at, f"import {job.name}".strip(), region, job.onto)
                with self._path(job, REJECTED).open("wb") as rejected, self._path(job, FILE).open("rb") as file:
                    run = JobRun(self.hub, job, MappedFile(job.kind, imported, job.mapping), rejected)
                    while piece := await asyncio.to_thread(file.read, PIECE):
                        await run.feed(piece)
                        job.bytes_read += len(piece)
                        run.tell()
                    await run.finish()
            job.state = "done"
        except asyncio.CancelledError:
            job.state, job.problem = "cancelled", "it was stopped before its end; what is in stays"
        except (Problem, FileError) as error:
            job.state, job.problem = "failed", error.detail if isinstance(error, Problem) else error.error.message
        except Exception as error:
            log.error("import failed", import_id=job.import_id, exc_info=error)
            job.state, job.problem = "failed", "the console failed at this: its log has the details"
        if run is not None:
            run.tell()
        job.ended_at = self.hub.now()
        if job.state == "done":
            self._path(job, FILE).unlink(missing_ok=True)
        self._keep(job)
        counts = f"{job.imported:,} people, {job.opt_ins:,} opt-ins, {job.rejected:,} bad rows"
        try:
            await self.hub.audit(entry(identity, job.ended_at, "contact.import", "contacts", detail=counts))
        except Problem as problem:
            log.error("an import is not in the audit log", import_id=job.import_id, error=problem.detail)

    async def _store(self, request: Request, path: Path) -> int:
        size, largest = 0, self.hub.settings.largest_import_bytes
        with path.open("wb") as file:
            async for piece in request.stream():
                size += len(piece)
                if size > largest:
                    raise Problem(413, "too_large", f"the file is larger than {largest:,} bytes: import it in parts")
                file.write(piece)
        return size

    def _path(self, job: ImportJob, name: str) -> Path:
        return self.folder / job.import_id / name

    def _keep(self, job: ImportJob) -> None:
        self.jobs[job.import_id] = job
        self._path(job, STATE).write_text(job.model_dump_json())

    def _load(self) -> None:
        """What an earlier process left. What it had not finished can be started again."""
        for path in self.folder.glob(f"*/{STATE}"):
            try:
                job = ImportJob.model_validate_json(path.read_text())
            except (ValidationError, OSError) as error:
                log.error("an import cannot be read", path=str(path), error=repr(error)[:300])
                continue
            if job.state in ("waiting", "running"):
                job.state, job.problem = "interrupted", "the console was stopped in the middle of it: start it again"
            self.jobs[job.import_id] = job

    def _forget(self) -> None:
        now = self.hub.now()
        for job in list(self.jobs.values()):
            age = now - (job.ended_at or job.made_at)
            if job.import_id not in self._tasks and age > (UNTOUCHED if job.state == "uploaded" else KEPT):
                self._drop(job)

    def _drop(self, job: ImportJob) -> None:
        self.jobs.pop(job.import_id, None)
        shutil.rmtree(self.folder / job.import_id, ignore_errors=True)


def _beginning(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(LOOKED_AT)
