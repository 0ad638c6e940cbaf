"""Signing in and out: by name and password, by a link that works once, or by API key; and for which brand."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Form, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from schemas.base import BrandId
from services.console.core.operators import without_link
from services.console.hub import hub_of
from services.console.pages.common import page
from services.console.problems import Problem
from services.console.security import COOKIE, Identity, keeper_of, require_csrf, session_of
from services.console.signing_in import SignIn, TooOftenError
from services.console.texts import gettext
from services.domain.brands import is_known

router = APIRouter()


@router.get("/login")
async def form(request: Request, token: str = "") -> Response:
    return await _by_link(request, token) if token else _form(request)


@router.get("/login/{token}")
async def by_link(request: Request, token: str) -> Response:
    """The admin link, or an operator's. It works once; whoever is signed in already just goes on."""
    return await _by_link(request, token)


@router.post("/login")
async def sign_in(
    request: Request,
    name: Annotated[str, Form(max_length=300)] = "",
    password: Annotated[str, Form(max_length=1000)] = "",
    api_key: Annotated[str, Form(max_length=1000)] = "",
) -> Response:
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise Problem(403, "cross_site", "sign in on the console's own page")
    desk: SignIn = request.app.state.sign_in
    by_key = bool(api_key.strip())
    try:
        identity = (
            await desk.by_key(request, api_key.strip()) if by_key
            else await desk.by_password(request, name.strip(), password)
        )  # fmt: skip
    except TooOftenError as error:
        return _too_often(request, error.wait_s, name)
    if identity is not None:
        return _welcome(request, identity)
    if by_key:
        return _form(request, 401, gettext("This key is not known. Copy api_key from .peal/access.json."), by_key=True)
    message = gettext(
        "Name and password do not fit together. Who has no password yet signs in by a link from an admin."
    )
    return _form(request, 401, message, name=name)


@router.post("/logout")
async def logout(request: Request) -> Response:
    if identity := session_of(request):
        await require_csrf(request, identity)
    response = RedirectResponse("/login", status_code=303)
    response.delete_cookie(COOKIE)
    return response


@router.post("/brand")
async def choose_brand(request: Request, brand: Annotated[str, Form(max_length=200)] = "") -> Response:
    """For which brand an admin of the installation acts from here on. Pages of the other brand can change nothing."""
    identity = session_of(request)
    if identity is None:
        return RedirectResponse("/login", status_code=303)
    await require_csrf(request, identity)
    if not identity.installation or not is_known(hub_of(request).brands.items, brand):
        raise Problem(404, "not_found", f"there is no brand '{brand}'")
    return _welcome(request, replace(identity, brand=BrandId(brand)))


async def _by_link(request: Request, token: str) -> Response:
    if session_of(request):
        return RedirectResponse("/", status_code=303)
    hub, desk = hub_of(request), request.app.state.sign_in
    try:
        desk.admit(request, "")
    except TooOftenError as error:
        return _too_often(request, error.wait_s)
    if found := keeper_of(request).redeem(token, hub.now()):
        identity, operator = found
        identity = replace(identity, by="link")
        desk.attempts.succeed("", desk.address(request))
        if operator is not None:
            await hub.keep(hub.operators, operator.operator_id, without_link(operator), desk.entry(request, identity))
        else:
            await desk.tell(request, identity)
        return _welcome(request, identity)
    return _form(
        request,
        403,
        gettext(
            "This link has been used, is too old, or is not the present one. Ask an admin for another, or sign in "
            "with your password or the API key."
        ),
    )


def _welcome(request: Request, identity: Identity) -> Response:
    response = RedirectResponse("/", status_code=303)
    keeper_of(request).open_session(identity, response, secure=request.url.scheme == "https")
    return response


def _too_often(request: Request, wait_s: int, name: str = "") -> HTMLResponse:
    minutes = max(1, round(wait_s / 60))
    message = gettext("That was tried too often. Wait %(minutes)s minutes, then try again.") % {"minutes": minutes}
    response = _form(request, 429, message, name=name)
    response.headers["Retry-After"] = str(wait_s)
    return response


def _form(
    request: Request, status: int = 200, message: str = "", *, name: str = "", by_key: bool = False
) -> HTMLResponse:
    return page(request, "login.html", status, message=message, name=name, by_key=by_key)
