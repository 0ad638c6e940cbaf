"""Styles and scripts: npm's are sent as they were compressed at set-up; browsers keep them until they change."""

from __future__ import annotations

import hashlib
import mimetypes
from functools import cache
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

STATIC = Path(__file__).parent / "static"
KEPT = "public, max-age=31536000, immutable"
PATH = "/static"


class Assets(StaticFiles):
    """As `StaticFiles`, but `x.js.gz` answers for `x.js`, and an address that names its version may be kept."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        packed = "gzip" in Headers(scope=scope).get("accept-encoding", "") and (STATIC / f"{path}.gz").is_file()
        response = await super().get_response(f"{path}.gz" if packed else path, scope)
        if packed:
            response.headers["Content-Encoding"] = "gzip"
            response.headers["Content-Type"] = mimetypes.guess_type(path)[0] or "application/octet-stream"
        response.headers["Vary"] = "Accept-Encoding"
        response.headers["Cache-Control"] = KEPT if scope["query_string"].startswith(b"v=") else "no-cache"
        return response


@cache
def asset(name: str) -> str:
    """Where a file of `static` is found, with its version. One that set-up should have brought may be missing."""
    file = STATIC / name
    if not file.is_file():
        return f"{PATH}/{name}"
    return f"{PATH}/{name}?v={hashlib.sha256(file.read_bytes()).hexdigest()[:12]}"
