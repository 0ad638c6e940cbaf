"""`/brands/{brand}/look`: header, footer and colours of its mails, in one place."""

from __future__ import annotations

from dataclasses import replace

from fastapi import APIRouter

from schemas import BrandLook
from schemas.base import BrandKey
from services.console.auditing import entry
from services.console.hub import Hub, HubOf
from services.console.problems import not_found
from services.console.security import Caller, Identity
from services.domain.brands import brand_named, is_known

router = APIRouter(prefix="/brands", tags=["brands"])


@router.get("/{brand}/look")
async def show(brand: BrandKey, hub: HubOf, caller: Caller) -> BrandLook:
    _require(hub, caller, brand)
    return brand_named(hub.brands.items, brand).look


@router.put("/{brand}/look")
async def put(brand: BrandKey, body: BrandLook, hub: HubOf, caller: Caller) -> BrandLook:
    """Mails that leave from now on have it. The rest of what is said of the brand stays."""
    _require(hub, caller, brand)
    await hub.brands.catch_up()
    made = brand_named(hub.brands.items, brand).model_copy(update={"look": body, "updated_at": hub.now()})
    told = entry(replace(caller, brand=brand), hub.now(), "brand.look", f"brand/{brand}")
    await hub.keep(hub.brands, brand, made, told)
    return body


def _require(hub: Hub, caller: Identity, brand: str) -> None:
    if brand != caller.brand and not (caller.installation and is_known(hub.brands.items, brand)):
        raise not_found("brand", brand)
