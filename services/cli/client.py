"""The console's REST interface, for commands: where it is, with which key, and its problems as sentences."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx

from services.cli.errors import CommandError
from services.cli.local import data_dir

API = "/api/v1"
TIMEOUT_S = 30.0
NOT_FOUND_EXIT = 3
REJECTED_EXIT = 4


@dataclass(frozen=True)
class Door:
    url: str
    key: str
    brand: str = ""
    """For which brand to act; empty: the key's own."""


def find_door(environment: Mapping[str, str] | None = None) -> Door:
    """`PEAL_CONSOLE_URL` and `PEAL_API_KEY`, else as `peal up` left them in access.json; `PEAL_BRAND`. Raises
    CommandError."""
    given = os.environ if environment is None else environment
    url, key, brand = (given.get(name, "") for name in ("PEAL_CONSOLE_URL", "PEAL_API_KEY", "PEAL_BRAND"))
    if url and key:
        return Door(url.rstrip("/"), key, brand)
    file = data_dir() / "access.json"
    try:
        access = json.loads(file.read_text())
        return Door(url.rstrip("/") or access["console_url"], key or access["api_key"], brand)
    except FileNotFoundError:
        raise CommandError(
            f"there is no {file}: start Peal with `peal up`, or set PEAL_CONSOLE_URL and PEAL_API_KEY"
        ) from None
    except (OSError, ValueError, KeyError, TypeError):
        raise CommandError(
            f"{file} cannot be read: start Peal again, or set PEAL_CONSOLE_URL and PEAL_API_KEY"
        ) from None


class ConsoleClient:
    """Raises CommandError for everything that is not a success."""

    def __init__(self, door: Door | None = None, transport: httpx.BaseTransport | None = None) -> None:
        self.door = door or find_door()
        self._http = httpx.Client(
            base_url=self.door.url + API,
            headers={"Authorization": f"Bearer {self.door.key}"}
            | ({"X-Peal-Brand": self.door.brand} if self.door.brand else {}),
            timeout=TIMEOUT_S,
            transport=transport,
        )

    def __enter__(self) -> ConsoleClient:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def get(self, path: str, **parameters: Any) -> dict[str, Any]:
        return self.call("GET", path, params={k: v for k, v in parameters.items() if v not in (None, "")})

    def post(self, path: str, body: Any = None, **arguments: Any) -> dict[str, Any]:
        return self.call("POST", path, **({"json": body} if body is not None else {}), **arguments)

    def put(self, path: str, body: Any) -> dict[str, Any]:
        return self.call("PUT", path, json=body)

    def delete(self, path: str) -> dict[str, Any]:
        return self.call("DELETE", path)

    def text(self, path: str, **parameters: Any) -> str:
        """What is no JSON, such as CSV."""
        return self._request("GET", path, params=parameters).text

    def call(self, method: str, path: str, **arguments: Any) -> dict[str, Any]:
        return dict(self._request(method, path, **arguments).json())

    def _request(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        try:
            response = self._http.request(method, path, **arguments)
        except httpx.TransportError as error:
            raise CommandError(
                f"the console does not answer at {self.door.url} ({error or type(error).__name__}): "
                "start Peal with `peal up`, or mend PEAL_CONSOLE_URL"
            ) from None
        if response.is_error:
            raise problem_of(response)
        return response

    def pages(self, path: str, **parameters: Any) -> Iterator[dict[str, Any]]:
        """Every item of a list, page by page."""
        cursor: str | None = ""
        while cursor is not None:
            page = self.get(path, **parameters, cursor=cursor)
            yield from page["items"]
            cursor = page["next"]


def problem_of(response: httpx.Response) -> CommandError:
    """A problem+json as a sentence for each field."""
    try:
        problem = response.json()
        detail, errors = problem["detail"], problem["errors"]
    except (ValueError, KeyError, TypeError):
        return CommandError(f"{response.url} answered {response.status_code}: is PEAL_CONSOLE_URL the console?")
    code = {404: NOT_FOUND_EXIT, 409: REJECTED_EXIT, 422: REJECTED_EXIT}.get(response.status_code, 1)
    lines = [f"{error['field']}: {error['message']}" for error in errors] or [detail]
    return CommandError("\n       ".join(lines), code)


def segment(name: str) -> str:
    """A name as a part of a path."""
    return quote(name, safe="")
