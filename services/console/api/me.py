"""`/me`: whoever asks; their name, password and sessions."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field, SecretStr, StringConstraints

from schemas import Operator, Role, Wire
from services.console.auditing import entry
from services.console.core.operators import with_password
from services.console.hub import Hub, HubOf
from services.console.passwords import weakness
from services.console.problems import Problem, one_field
from services.console.security import Caller, Identity, keeper_of
from services.console.signing_in import SignIn, TooOftenError

router = APIRouter(prefix="/me", tags=["operators"])
Secret = Annotated[SecretStr, Field(max_length=1000)]


class Me(BaseModel):
    name: str
    """As the audit log has it."""
    operator_id: str
    """"": what the installation itself has made, which has no record."""
    full_name: str
    brand: str
    role: Role
    installation: bool
    has_password: bool


class Rename(Wire):
    name: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]


class NewPassword(Wire):
    password: Secret
    current: Secret = SecretStr("")
    """The one until now, where there is one; not asked for of whoever has just come in by a link."""


@router.get("")
async def show(hub: HubOf, caller: Caller) -> Me:
    return _view(caller, hub.operators.items.get(caller.operator))


@router.patch("")
async def rename(body: Rename, hub: HubOf, caller: Caller) -> Me:
    operator = await _person(hub, caller)
    made = operator.model_copy(update={"name": body.name})
    await _keep(hub, caller, made, "operator.rename")
    return _view(caller, made)


@router.put("/password")
async def set_password(body: NewPassword, request: Request, response: Response, hub: HubOf, caller: Caller) -> Me:
    """All other sessions end, and so does the login link that may be open."""
    operator, desk = await _person(hub, caller), _desk(request)
    if weak := weakness(body.password.get_secret_value(), operator.operator_id, operator.name):
        raise one_field("password", "too_weak", weak)
    if operator.password_hash and caller.by != "link":
        await _check(desk, request, operator, body.current.get_secret_value())
    made = with_password(operator, await desk.passwords.hash(body.password.get_secret_value()))
    made = made.model_copy(update={"link_hash": "", "link_expires_at": None})
    await _keep(hub, caller, made, "operator.password")
    _open_again(request, response, replace(caller, by="password"))
    return _view(caller, made)


@router.post("/end-sessions")
async def end_sessions(request: Request, response: Response, hub: HubOf, caller: Caller) -> Me:
    """Wherever else this person is signed in, they are no more."""
    operator = await _person(hub, caller)
    made = operator.model_copy(update={"sessions": operator.sessions + 1})
    await _keep(hub, caller, made, "operator.end-sessions")
    _open_again(request, response, caller)
    return _view(caller, made)


async def _keep(hub: Hub, caller: Identity, made: Operator, action: str) -> None:
    told = entry(caller, hub.now(), action, f"operator/{made.operator_id}")
    await hub.keep(hub.operators, made.operator_id, made, told)


async def _person(hub: Hub, caller: Identity) -> Operator:
    """Raises `Problem` 409 for whoever is none: a key, or what the installation itself has made."""
    await hub.operators.catch_up()
    operator = hub.operators.items.get(caller.operator)
    if operator is None or operator.kind != "person":
        raise Problem(
            409, "no_person", "this is no person's own account: make an operator for yourself, and sign in as that"
        )
    return operator


async def _check(desk: SignIn, request: Request, operator: Operator, current: str) -> None:
    """Raises `Problem`: 422 where it is another password, 429."""
    name = operator.operator_id.lower()
    try:
        desk.admit(request, name)
    except TooOftenError as error:
        raise Problem(
            429, "too_often", f"that was tried too often: try again in {error.wait_s} seconds",
            retry_after_s=error.wait_s,
        ) from None  # fmt: skip
    if not await desk.passwords.fits(operator.password_hash, current):
        raise one_field("current", "wrong", "this is not the password that you have now")
    desk.attempts.succeed(name, desk.address(request))


def _open_again(request: Request, response: Response, caller: Identity) -> None:
    """The session that asked goes on; a key has none."""
    if caller.csrf:
        keeper_of(request).open_session(caller, response, secure=request.url.scheme == "https")


def _desk(request: Request) -> SignIn:
    desk: SignIn = request.app.state.sign_in
    return desk


def _view(caller: Identity, operator: Operator | None) -> Me:
    return Me(
        name=caller.name, operator_id=caller.operator, full_name=operator.name if operator else "",
        brand=caller.brand, role=caller.role, installation=caller.installation,
        has_password=bool(operator and operator.password_hash),
    )  # fmt: skip
