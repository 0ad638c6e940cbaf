"""The interface's description (OpenAPI): every operation's problems stand in it too, in the shape that they have."""

from __future__ import annotations

from typing import Any, Final

from fastapi import FastAPI

from services.console.problems import MEDIA_TYPE, TITLES

PROBLEM: Final[dict[str, Any]] = {
    "title": "Problem",
    "description": "What is wrong, where, and what to do (RFC 9457). Some kinds say more.",
    "type": "object",
    "required": ["type", "title", "status", "detail", "errors"],
    "properties": {
        "type": {"type": "string", "description": "urn:peal:problem: and a word for machines"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "In words, for people."},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["field", "problem", "message"],
                "properties": {name: {"type": "string"} for name in ("field", "problem", "message")},
            },
        },
    },
}
EVERYWHERE: Final = (400, 401, 403, 404, 422, 503)
"""503: Kafka, ClickHouse or the planner does not answer just now; what to do stands in `detail`."""
CSV: Final[dict[int | str, dict[str, Any]]] = {200: {"content": {"text/csv": {"schema": {"type": "string"}}}}}
"""For routes that give a file, or may."""
ON_CHANGE: Final = (409, 413, 415, 429)
_REF: Final = {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
_THEIRS: Final = ("HTTPValidationError", "ValidationError")


def describe(app: FastAPI) -> None:
    """From here on `app` is described so."""
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = plain()
            _complete(document)
            app.openapi_schema = document
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]


def _complete(document: dict[str, Any]) -> None:
    schemas = document.setdefault("components", {}).setdefault("schemas", {})
    for name in _THEIRS:
        schemas.pop(name, None)
    schemas["Problem"] = PROBLEM
    document["components"]["securitySchemes"] = {"key": {"type": "http", "scheme": "bearer"}}
    document["security"] = [{"key": []}]
    for methods in document["paths"].values():
        for method, operation in methods.items():
            statuses = EVERYWHERE if method == "get" else (*EVERYWHERE, *ON_CHANGE)
            for status in statuses:
                answer = {"description": TITLES.get(status, "Problem"), "content": _REF}
                operation["responses"][str(status)] = answer
