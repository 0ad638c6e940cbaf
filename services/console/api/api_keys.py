"""`/api-keys`: keys for machines. A key is told once; only its hash is kept."""

from __future__ import annotations

import secrets
from typing import Any

from fastapi import APIRouter
from ulid import ULID

from schemas import Operator, Role, Wire
from schemas.base import Identifier
from services.console.api.operators import MACHINE, OperatorPage, check_installation, grade_of, take_off, view_of
from services.console.auditing import entry
from services.console.core.operators import KEY_PREFIX, digest, of_brand
from services.console.hub import HubOf
from services.console.problems import Problem
from services.console.security import Caller

router = APIRouter(prefix="/api-keys", tags=["operators"])


class KeyBody(Wire):
    id: Identifier | None = None
    """Name of the key in lists and in the audit log; made where it is not given."""
    name: str = ""
    role: Role = "marketer"
    installation: bool = False


@router.get("")
async def listing(hub: HubOf, caller: Caller) -> OperatorPage:
    """The keys of the brand, by id; never the keys themselves."""
    return OperatorPage(items=[view_of(each) for each in of_brand(hub.operators.items, caller.brand, MACHINE)])


@router.post("", status_code=201)
async def create(body: KeyBody, hub: HubOf, caller: Caller) -> dict[str, Any]:
    """`key` is in this answer and nowhere else: whoever loses it makes another one."""
    check_installation(caller, body.role, body.installation, None)
    key_id, key = body.id or f"key-{str(ULID()).lower()}", KEY_PREFIX + secrets.token_urlsafe(32)
    await hub.operators.catch_up()
    if key_id in hub.operators.items:
        raise Problem(409, "taken", f"the id '{key_id}' is taken: choose another")
    made = Operator(
        operator_id=key_id, brand=caller.brand, name=body.name, role=body.role, kind="machine",
        installation=body.installation, key_hash=digest(key), created_at=hub.now(), created_by=caller.name,
    )  # fmt: skip
    told = entry(caller, hub.now(), "api-key.create", f"operator/{key_id}", detail=grade_of(made))
    await hub.keep(hub.operators, key_id, made, told)
    return view_of(made) | {"key": key}


@router.delete("/{key_id}")
async def revoke(key_id: Identifier, hub: HubOf, caller: Caller) -> dict[str, Any]:
    """It is worth nothing from then on."""
    return await take_off(hub, caller, key_id, MACHINE)
