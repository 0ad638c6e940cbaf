"""Who asks: a machine with an API key, or a person with a session. One function looks keys up: more can come."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from typing import Annotated, Literal, cast

from fastapi import Depends, Request
from itsdangerous import BadSignature, URLSafeTimedSerializer
from starlette.responses import Response

from schemas.base import DEFAULT_BRAND, BrandId
from services.console.problems import Problem
from services.console.settings import ConsoleSettings

COOKIE = "peal_session"
CSRF_HEADER = "X-CSRF-Token"
CSRF_FIELD = "csrf_token"
SESSION_S = 14 * 24 * 3600
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
Role = Literal["admin", "marketer", "viewer"]


@dataclass(frozen=True)
class Identity:
    """On whose behalf a request acts."""

    brand: BrandId
    role: Role
    name: str
    """For the audit log."""
    csrf: str = ""
    """What a page must send back when it changes something; empty for API keys, which no browser sends by itself."""

    def recipient(self, contact: str) -> str:
        return f"{self.brand}/{contact}"


class Keeper:
    """Keys, sessions and the one-time link."""

    def __init__(self, settings: ConsoleSettings) -> None:
        self._api_key = settings.api_key.get_secret_value()
        self._admin_token = settings.admin_token.get_secret_value()
        self._token_used = False
        self._signer = URLSafeTimedSerializer(_session_secret(settings), salt="peal-session")

    def identity_of_key(self, key: str) -> Identity | None:
        """Whom an API key stands for."""
        if self._api_key and hmac.compare_digest(key.encode(), self._api_key.encode()):
            return Identity(DEFAULT_BRAND, "admin", "api-key")
        return None

    def redeem(self, token: str) -> Identity | None:
        """Whom the admin link stands for; None: it is wrong, or it was used since this process began."""
        right = bool(self._admin_token) and hmac.compare_digest(token.encode(), self._admin_token.encode())
        if not right or self._token_used:
            return None
        self._token_used = True
        return Identity(DEFAULT_BRAND, "admin", "admin")

    def identity_of_session(self, cookie: str) -> Identity | None:
        try:
            content = self._signer.loads(cookie, max_age=SESSION_S)
            return Identity(BrandId(content["brand"]), cast(Role, content["role"]), content["name"], content["csrf"])
        except (BadSignature, KeyError, TypeError):
            return None

    def open_session(self, identity: Identity, response: Response, secure: bool) -> None:
        content = {
            "brand": identity.brand, "role": identity.role, "name": identity.name, "csrf": secrets.token_urlsafe(16),
        }  # fmt: skip
        response.set_cookie(
            COOKIE, str(self._signer.dumps(content)), max_age=SESSION_S, httponly=True, samesite="lax", secure=secure
        )


def _session_secret(settings: ConsoleSettings) -> str:
    """Stable over restarts where there is anything to make it from."""
    if own := settings.session_secret.get_secret_value():
        return own
    base = settings.link_secret.get_secret_value() or settings.api_key.get_secret_value()
    return hashlib.sha256(f"session {base or secrets.token_urlsafe(32)}".encode()).hexdigest()


def keeper_of(request: Request) -> Keeper:
    return cast(Keeper, request.app.state.keeper)


def session_of(request: Request) -> Identity | None:
    cookie = request.cookies.get(COOKIE)
    return keeper_of(request).identity_of_session(cookie) if cookie else None


async def require_identity(request: Request) -> Identity:
    """The bearer's, else the session's. Raises `Problem` 401, or 403 where a page's change comes without its token."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        if identity := keeper_of(request).identity_of_key(key.strip()):
            return identity
        raise Problem(401, "wrong_key", "this API key is not known: use the one in .peal/access.json (api_key)")
    identity = session_of(request)
    if identity is None:
        raise Problem(401, "no_key", "send an API key as `Authorization: Bearer ...`; .peal/access.json holds one")
    if request.method not in SAFE_METHODS:
        await require_csrf(request, identity)
    return identity


async def require_csrf(request: Request, identity: Identity) -> None:
    """A change asked for by a page must carry the session's token, in a header or a form's field."""
    sent = request.headers.get(CSRF_HEADER, "")
    if not sent and request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
        sent = str((await request.form()).get(CSRF_FIELD, ""))
    if not hmac.compare_digest(sent.encode(), identity.csrf.encode()):
        raise Problem(403, "csrf", "this page is too old to change anything: load it again")


Caller = Annotated[Identity, Depends(require_identity)]
