"""Errors as `application/problem+json` (RFC 9457): what is wrong, where, and what to do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, cast

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic_core import ErrorDetails
from starlette.exceptions import HTTPException
from starlette.responses import Response

from schemas import FieldError
from services.domain.field_errors import field_errors_of

log = structlog.get_logger("console")
MEDIA_TYPE = "application/problem+json"
KINDS = {404: "not_found", 405: "method_not_allowed"}
TITLES = {
    400: "Bad request",
    401: "Not signed in",
    403: "Not allowed",
    404: "Not found",
    405: "Method not allowed",
    409: "Conflict",
    413: "Too large",
    415: "Unsupported kind of content",
    422: "Something in it is wrong",
    429: "Too often",
    500: "Something went wrong here",
    503: "Not available now",
}


class Problem(Exception):  # noqa: N818  the word of RFC 9457
    """Ends a request with this answer. `kind` is one word for machines; `extra` goes into the body as it is."""

    def __init__(self, status: int, kind: str, detail: str, errors: Sequence[FieldError] = (), **extra: Any) -> None:
        super().__init__(detail)
        self.status, self.kind, self.detail, self.errors, self.extra = status, kind, detail, list(errors), extra

    def body(self) -> dict[str, Any]:
        return {
            "type": f"urn:peal:problem:{self.kind}",
            "title": TITLES.get(self.status, "Error"),
            "status": self.status,
            "detail": self.detail,
            "errors": [error.model_dump() for error in self.errors],
            **self.extra,
        }


def not_found(what: str, name: str) -> Problem:
    """Also for what belongs to another brand."""
    return Problem(404, "not_found", f"there is no {what} '{name}'")


def one_field(field: str, problem: str, message: str, status: int = 422) -> Problem:
    return Problem(status, problem, message, [FieldError(field=field, problem=problem, message=message)])


def rejected_fields(errors: Sequence[FieldError], **extra: Any) -> Problem:
    messages = dict.fromkeys(error.message for error in errors)
    detail = "; ".join(list(messages)[:3]) or "the request was rejected"
    return Problem(422, "invalid", detail, errors, **extra)


def problem_response(problem: Problem) -> Response:
    headers = {"WWW-Authenticate": "Bearer"} if problem.status == 401 else {}
    if wait_s := problem.extra.get("retry_after_s"):
        headers["Retry-After"] = str(wait_s)
    return JSONResponse(problem.body(), status_code=problem.status, media_type=MEDIA_TYPE, headers=headers)


def errors_of(error: RequestValidationError) -> list[FieldError]:
    """Fields as their author wrote them: a body's are paths in the campaign file, a query's its parameters."""
    details = [{**item, "loc": _path(item)} for item in error.errors()]
    return field_errors_of(cast(list[ErrorDetails], details), root="body")


def _path(details: dict[str, Any]) -> tuple[int | str, ...]:
    path = tuple(details["loc"])
    return ("body",) if details["type"] == "json_invalid" else path[1:] or ("body",)


Show = Callable[[Request, Problem], Response]


def install(app: FastAPI, api: str, show: Show) -> None:
    """Every error leaves as a problem: as JSON under the path `api`, elsewhere as the page that `show` makes of it."""

    def answer(request: Request, problem: Problem) -> Response:
        return problem_response(problem) if request.url.path.startswith(api) else show(request, problem)

    async def problem(request: Request, error: Exception) -> Response:
        assert isinstance(error, Problem)
        return answer(request, error)

    async def invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        return answer(request, rejected_fields(errors_of(error)))

    async def http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        detail = f"there is nothing at {request.url.path}" if error.status_code == 404 else str(error.detail)
        return answer(request, Problem(error.status_code, KINDS.get(error.status_code, "http"), detail))

    async def unexpected(request: Request, error: Exception) -> Response:
        log.error("request failed", path=request.url.path, exc_info=error)
        return answer(request, Problem(500, "internal", "the console failed at this: its log has the details"))

    app.add_exception_handler(Problem, problem)
    app.add_exception_handler(RequestValidationError, invalid)
    app.add_exception_handler(HTTPException, http)
    app.add_exception_handler(Exception, unexpected)
