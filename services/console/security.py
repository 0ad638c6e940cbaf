"""Who asks: a machine with an API key, or a person with a session; for which brand; and whether they may."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, Request
from itsdangerous import BadSignature, URLSafeTimedSerializer
from starlette.responses import Response

from schemas import Operator, Role
from schemas.base import DEFAULT_BRAND, BrandId
from services.console.core.operators import holder_of_key, holder_of_link
from services.console.core.roles import refusal
from services.console.problems import Problem, not_found
from services.console.settings import ConsoleSettings
from services.domain.brands import is_known

API = "/api/v1"
COOKIE = "peal_session"
CSRF_HEADER = "X-CSRF-Token"
CSRF_FIELD = "csrf_token"
BRAND_HEADER = "X-Peal-Brand"
"""For which brand an admin of the installation acts; absent: for their own."""
SESSION_S = 14 * 24 * 3600
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
Operators = Mapping[str, Operator]


@dataclass(frozen=True)
class Identity:
    """On whose behalf a request acts."""

    brand: BrandId
    role: Role
    name: str
    """For the audit log: the operator's id, or `api-key` and `admin` for what `peal up` has made."""
    csrf: str = ""
    """What a page must send back when it changes something; empty for API keys, which no browser sends by itself."""
    installation: bool = False
    """May make brands, and act for each of them."""
    operator: str = ""
    """Id on the registry; empty for the key and the link of the installation itself."""
    by: str = ""
    """How a session was opened: `link`, `password` or `key`."""

    def recipient(self, contact: str) -> str:
        return f"{self.brand}/{contact}"


def identity_of(operator: Operator, csrf: str = "") -> Identity:
    return Identity(
        operator.brand, operator.role, operator.operator_id, csrf, operator.installation, operator.operator_id
    )


class Keeper:
    """Keys, sessions and one-time links. What is on the registry of operators counts at once: whoever is taken off it
    is out, whatever they hold."""

    def __init__(self, settings: ConsoleSettings, operators: Callable[[], Operators] = dict) -> None:
        self._operators = operators
        self._api_key = settings.api_key.get_secret_value()
        self._admin_token = settings.admin_token.get_secret_value()
        self._used: set[str] = set()
        """Links that were used since this process began."""
        self._signer = URLSafeTimedSerializer(_session_secret(settings), salt="peal-session")

    def identity_of_key(self, key: str) -> Identity | None:
        """Whom an API key stands for."""
        if self._api_key and hmac.compare_digest(key.encode(), self._api_key.encode()):
            return Identity(DEFAULT_BRAND, "admin", "api-key", installation=True)
        found = holder_of_key(self._operators().values(), key) if key else None
        return identity_of(found) if found else None

    def redeem(self, token: str, now: datetime) -> tuple[Identity, Operator | None] | None:
        """Whom a login link stands for, and whose record must forget it; None: it is wrong, too old or was used."""
        if not token or token in self._used:
            return None
        if self._admin_token and hmac.compare_digest(token.encode(), self._admin_token.encode()):
            self._used.add(token)
            return Identity(DEFAULT_BRAND, "admin", "admin", installation=True), None
        found = holder_of_link(self._operators().values(), token, now)
        if found is None:
            return None
        self._used.add(token)
        return identity_of(found), found

    def identity_of_session(self, cookie: str) -> Identity | None:
        """As the operator stands now, not as they stood when they signed in."""
        try:
            content = self._signer.loads(cookie, max_age=SESSION_S)
            name, csrf, operator, made = (str(content[field]) for field in ("name", "csrf", "operator", "made"))
            brand, by = (str(content.get(field, "")) for field in ("brand", "by"))
        except (BadSignature, KeyError, TypeError, AttributeError):
            return None
        if not operator:
            identity = Identity(DEFAULT_BRAND, "admin", name, csrf, installation=True, by=by)
        else:
            found = self._operators().get(operator)
            if found is None or (_made(found), found.sessions) != (made, content.get("sessions", 0)):
                return None
            identity = replace(identity_of(found, csrf), by=by)
        return replace(identity, brand=BrandId(brand)) if brand and identity.installation else identity

    def open_session(self, identity: Identity, response: Response, secure: bool) -> None:
        """`identity.brand`: the one that an admin of the installation acts for until they choose another."""
        operator = self._operators().get(identity.operator)
        content = {
            "name": identity.name, "csrf": secrets.token_urlsafe(16), "operator": identity.operator,
            "made": _made(operator) if operator else "", "sessions": operator.sessions if operator else 0,
            "brand": identity.brand if identity.installation else "", "by": identity.by,
        }  # fmt: skip
        response.set_cookie(
            COOKIE, str(self._signer.dumps(content)), max_age=SESSION_S, httponly=True, samesite="lax", secure=secure
        )


def _made(operator: Operator) -> str:
    """Tells an operator from another one who was given the same id later."""
    return operator.created_at.isoformat() if operator.created_at else ""


def _session_secret(settings: ConsoleSettings) -> str:
    """Stable over restarts where there is anything to make it from."""
    if own := settings.session_secret.get_secret_value():
        return own
    base = settings.link_secret.get_secret_value() or settings.api_key.get_secret_value()
    return hashlib.sha256(f"session {base or secrets.token_urlsafe(32)}".encode()).hexdigest()


def keeper_of(request: Request) -> Keeper:
    keeper: Keeper = request.app.state.keeper
    return keeper


def session_of(request: Request) -> Identity | None:
    cookie = request.cookies.get(COOKIE)
    return keeper_of(request).identity_of_session(cookie) if cookie else None


async def require_identity(request: Request) -> Identity:
    """The bearer's, else the session's; for the brand that is asked for, and with the role that the route needs.

    Raises `Problem`: 401; 403 where the role is too small, or a page's change comes without its token; 404 for a brand
    that is none of theirs. Every route under the interface depends on it: here alone is decided who may.
    """
    identity = await _authenticated(request)
    if refused := refusal(identity.role, request.method, request.scope["path"].removeprefix(API)):
        raise Problem(403, "not_allowed", refused)
    return acting_for(identity, request.headers.get(BRAND_HEADER, ""), request.app.state.hub.brands.items)


def acting_for(identity: Identity, brand: str, brands: Mapping[str, Any]) -> Identity:
    """The same person for another brand. Raises `Problem` 404: to all others there is no such brand."""
    if not brand or brand == identity.brand:
        return identity
    if not identity.installation or not is_known(brands, brand):
        raise not_found("brand", brand)
    return replace(identity, brand=BrandId(brand))


async def _authenticated(request: Request) -> Identity:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        if identity := keeper_of(request).identity_of_key(key.strip()):
            return identity
        raise Problem(
            401, "wrong_key", "this API key is not known: use the one in .peal/access.json (api_key), or one that an "
            "admin has made (`peal key create`)",
        )  # fmt: skip
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
