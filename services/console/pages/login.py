"""Signing in and out: the one-time admin link, or the API key."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from services.console.auditing import entry
from services.console.core.operators import without_link
from services.console.hub import hub_of
from services.console.pages.common import page
from services.console.security import COOKIE, Identity, keeper_of, require_csrf, session_of

router = APIRouter()


@router.get("/login")
async def form(request: Request, token: str = "") -> Response:
    return await _by_link(request, token) if token else _form(request)


@router.get("/login/{token}")
async def by_link(request: Request, token: str) -> Response:
    """The admin link, or an operator's. It works once; whoever is signed in already just goes on."""
    return await _by_link(request, token)


@router.post("/login")
async def by_key(request: Request, api_key: Annotated[str, Form()] = "") -> Response:
    if identity := keeper_of(request).identity_of_key(api_key.strip()):
        return _welcome(request, identity)
    return _form(request, 401, "This key is not known. Copy api_key from .peal/access.json.")


@router.post("/logout")
async def logout(request: Request) -> Response:
    if identity := session_of(request):
        await require_csrf(request, identity)
    response = RedirectResponse("/login", status_code=303)
    response.delete_cookie(COOKIE)
    return response


async def _by_link(request: Request, token: str) -> Response:
    if session_of(request):
        return RedirectResponse("/", status_code=303)
    hub = hub_of(request)
    if found := keeper_of(request).redeem(token, hub.now()):
        identity, operator = found
        if operator is not None:
            told = entry(identity, hub.now(), "operator.sign-in", f"operator/{operator.operator_id}")
            await hub.put_operator(without_link(operator), told)
        return _welcome(request, identity)
    return _form(
        request,
        403,
        "This link has been used, is too old, or is not the present one. Ask an admin for another, or sign in "
        "with the API key.",
    )


def _welcome(request: Request, identity: Identity) -> Response:
    response = RedirectResponse("/", status_code=303)
    keeper_of(request).open_session(identity, response, secure=request.url.scheme == "https")
    return response


def _form(request: Request, status: int = 200, message: str = "") -> HTMLResponse:
    return page(request, "login.html", status, message=message)
