"""`/imports`: a file of contacts, brought first, looked at, and read when its columns are known."""

from __future__ import annotations

from typing import Annotated, Any, cast

from fastapi import APIRouter, Depends, Query, Request
from pydantic import BaseModel
from starlette.responses import StreamingResponse

from schemas import Wire
from schemas.audience import ListName
from services.console.core.column_maps import TARGETS
from services.console.core.import_jobs import ImportJob
from services.console.import_jobs import ImportJobs
from services.console.security import Caller

router = APIRouter(prefix="/imports", tags=["contacts"])


def jobs_of(request: Request) -> ImportJobs:
    return cast(ImportJobs, request.app.state.imports)


JobsOf = Annotated[ImportJobs, Depends(jobs_of)]


class StartBody(Wire):
    mapping: dict[str, str]
    """Column of the file -> what it is; "" or left out: passed over. See `targets` of the list of imports."""
    onto: ListName | None = None
    """The list that all of them come onto."""


class ImportPage(BaseModel):
    items: list[ImportJob]
    targets: list[str] = list(TARGETS)
    """What a column can be: a field; `consent.<channel>`, where a yes is an opt-in; `attribute`, under its own name."""
    next: str | None = None


@router.get("")
async def listing(jobs: JobsOf, caller: Caller) -> ImportPage:
    """The newest first. They are kept for seven days."""
    return ImportPage(items=jobs.of(caller))


@router.post(
    "", status_code=201,
    openapi_extra={"requestBody": {"content": {"text/csv": {"schema": {"type": "string", "format": "binary"}}}}},
)  # fmt: skip
async def upload(
    request: Request, jobs: JobsOf, caller: Caller, name: Annotated[str, Query(description="of the file")] = ""
) -> ImportJob:
    """Bring a file, CSV or NDJSON, as the body. Nothing of it is read yet but the first rows: `mapping` is what its
    columns seem to be. Then start it."""
    return await jobs.take(request, caller, name)


@router.get("/{import_id}")
async def show(import_id: str, jobs: JobsOf, caller: Caller) -> ImportJob:
    """How far it is. It goes on whoever watches."""
    return jobs.job(import_id, caller)


@router.post("/{import_id}/start", status_code=202)
async def start(import_id: str, body: StartBody, jobs: JobsOf, caller: Caller) -> ImportJob:
    return jobs.start(jobs.job(import_id, caller), caller, body.mapping, body.onto or "")


@router.delete("/{import_id}")
async def cancel(import_id: str, jobs: JobsOf, caller: Caller) -> dict[str, Any]:
    """Stop it: who is in stays in. One that is over is forgotten."""
    job = await jobs.cancel(jobs.job(import_id, caller))
    return {"import_id": job.import_id, "state": job.state, "imported": job.imported}


@router.get("/{import_id}/rejected.csv")
async def rejected(import_id: str, jobs: JobsOf, caller: Caller) -> StreamingResponse:
    """The rows that were turned away, each with its line and the reason: mend them and import the file again."""
    job = jobs.job(import_id, caller)
    headers = {"Content-Disposition": f'attachment; filename="rejected-{job.import_id}.csv"'}
    return StreamingResponse(jobs.rejected(job), media_type="text/csv; charset=utf-8", headers=headers)
