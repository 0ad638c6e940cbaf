"""Every route of the console, REST and pages, and what guards it: for tests that leave none out."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from fastapi.routing import APIRoute
from pydantic import SecretStr

from services.console.app import make_app
from services.console.pages.common import require_session
from services.console.settings import ConsoleSettings

SETTINGS = ConsoleSettings(api_key=SecretStr("root"), admin_token=SecretStr("once"), link_secret=SecretStr("s"))
OPEN_PAGES = {"/login", "/login/{token}", "/logout", "/brand"}
"""For whoever is not signed in yet, or no more."""


def routes() -> list[APIRoute]:
    """However its router was put in; paths are without the interface's prefix."""
    found: list[APIRoute] = []

    def walk(routes: Any) -> None:
        for route in routes:
            if isinstance(route, APIRoute):
                found.append(route)
            elif (inner := getattr(route, "original_router", None)) is not None:
                walk(inner.routes)

    hub: Any = SimpleNamespace(settings=SETTINGS)
    walk(make_app(hub, SimpleNamespace(), SimpleNamespace()).routes)  # type: ignore[arg-type]
    return found


def guards(route: APIRoute) -> set[Any]:
    """What the route depends on, however deep."""
    waiting, found = [route.dependant], set()
    while waiting:
        dependant = waiting.pop()
        found.add(dependant.call)
        waiting += dependant.dependencies
    return found


def pages() -> list[APIRoute]:
    """What only a session opens."""
    return [route for route in routes() if require_session in guards(route)]
