"""`/operators`: the people who may act for a brand. They sign in by a link that works once."""

from __future__ import annotations

import secrets
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel

from schemas import Operator, Role, Wire
from schemas.base import Identifier
from services.console.auditing import entry
from services.console.core.operators import of_brand, with_link
from services.console.hub import Hub, HubOf
from services.console.problems import Problem, not_found, one_field
from services.console.security import Caller, Identity

router = APIRouter(prefix="/operators", tags=["operators"])
PERSON, MACHINE = "person", "machine"


class OperatorBody(Wire):
    name: str = ""
    email: str = ""
    role: Role
    installation: bool = False
    """Of all brands; only such an admin may give it."""


class OperatorPage(BaseModel):
    items: list[dict[str, Any]]
    next: str | None = None


class LoginLink(BaseModel):
    operator_id: str
    url: str
    """Works once."""
    expires_at: datetime


@router.get("")
async def listing(hub: HubOf, caller: Caller) -> OperatorPage:
    """The people of the brand, by id."""
    return OperatorPage(items=[view_of(each) for each in of_brand(hub.operators.items, caller.brand, PERSON)])


@router.put("/{operator_id}")
async def put(operator_id: Identifier, body: OperatorBody, hub: HubOf, caller: Caller) -> dict[str, Any]:
    """Add a person, or change one. A new role counts at once, also for who is signed in."""
    await hub.operators.catch_up()
    was = hub.operators.items.get(operator_id)
    if was is not None and (was.brand != caller.brand or was.kind != PERSON):
        raise Problem(409, "taken", f"the id '{operator_id}' is taken: choose another")
    check_installation(caller, body.role, body.installation, was)
    made = Operator.model_validate(
        (was.model_dump() if was else {"created_at": hub.now(), "created_by": caller.name})
        | body.model_dump()
        | {"operator_id": operator_id, "brand": caller.brand, "kind": PERSON}
    )
    told = entry(caller, hub.now(), "operator.put", f"operator/{operator_id}", detail=grade_of(made))
    await hub.keep(hub.operators, made.operator_id, made, told)
    return view_of(made)


@router.delete("/{operator_id}")
async def remove(operator_id: Identifier, hub: HubOf, caller: Caller) -> dict[str, Any]:
    """Take a person off: sessions and links of theirs are worth nothing from then on."""
    return await take_off(hub, caller, operator_id, PERSON)


@router.post("/{operator_id}/login-link", status_code=201)
async def login_link(operator_id: Identifier, request: Request, hub: HubOf, caller: Caller) -> LoginLink:
    """A link that signs this person in, once, within a day. One that was open before is closed."""
    operator = of_the_brand(hub, caller, operator_id, PERSON)
    token = secrets.token_urlsafe(32)
    made = with_link(operator, token, hub.now())
    told = entry(caller, hub.now(), "operator.login-link", f"operator/{operator_id}")
    await hub.keep(hub.operators, made.operator_id, made, told)
    assert made.link_expires_at is not None, "just given"
    url = f"{request.base_url}login/{token}"
    return LoginLink(operator_id=operator_id, url=url, expires_at=made.link_expires_at)


async def take_off(hub: Hub, caller: Identity, operator_id: str, kind: str) -> dict[str, Any]:
    operator = of_the_brand(hub, caller, operator_id, kind)
    check_installation(caller, operator.role, operator.installation, operator)
    action = "operator.remove" if kind == PERSON else "api-key.revoke"
    told = entry(caller, hub.now(), action, f"operator/{operator_id}", detail=grade_of(operator))
    await hub.keep(hub.operators, operator_id, None, told)
    return view_of(operator)


def of_the_brand(hub: Hub, caller: Identity, operator_id: str, kind: str) -> Operator:
    """Raises `Problem` 404, also for another brand's."""
    found = hub.operators.items.get(operator_id)
    if found is None or found.brand != caller.brand or found.kind != kind:
        raise not_found("operator" if kind == PERSON else "API key", operator_id)
    return found


def check_installation(caller: Identity, role: Role, installation: bool, was: Operator | None) -> None:
    """Who is not an admin of the installation makes none, and touches none. Raises `Problem` 403, 422."""
    if (installation or (was is not None and was.installation)) and not caller.installation:
        raise Problem(403, "not_allowed", "only an admin of the whole installation may make or change another one")
    if installation and role != "admin":
        raise one_field(
            "installation", "wrong_role", "it goes with the role admin alone: give that role, or leave it out"
        )


def grade_of(operator: Operator) -> str:
    return f"{operator.role}{', all brands' if operator.installation else ''}"


def view_of(operator: Operator) -> dict[str, Any]:
    """Without hashes."""
    hidden = {"key_hash", "link_hash", "password_hash", "sessions", "kind"}
    return operator.model_dump(mode="json", exclude=hidden) | {"has_password": bool(operator.password_hash)}
