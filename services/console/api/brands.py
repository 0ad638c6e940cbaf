"""`/brands`: on whose behalf messages go, and the rules that each of them has."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from schemas import DEFAULT_BRAND, Brand, BrandRules
from schemas.base import BrandKey
from schemas.topics import BRANDS
from services.console.auditing import entry
from services.console.hub import HubOf
from services.console.problems import Problem, not_found
from services.console.security import Caller
from services.domain.brands import brand_named, is_known

router = APIRouter(prefix="/brands", tags=["brands"])


class BrandPage(BaseModel):
    items: list[dict[str, Any]]
    next: str | None = None


@router.get("")
async def listing(hub: HubOf, caller: Caller) -> BrandPage:
    """Those for which the caller may act."""
    known = hub.brands.items
    names = sorted({DEFAULT_BRAND, *known}) if caller.installation else [caller.brand]
    return BrandPage(items=[_view(brand_named(known, name)) for name in names])


@router.get("/{brand}")
async def show(brand: BrandKey, hub: HubOf, caller: Caller) -> dict[str, Any]:
    if brand != caller.brand and not (caller.installation and is_known(hub.brands.items, brand)):
        raise not_found("brand", brand)
    return _view(brand_named(hub.brands.items, brand))


@router.put("/{brand}")
async def put(brand: BrandKey, body: BrandRules, hub: HubOf, caller: Caller) -> dict[str, Any]:
    """Make it, or replace all that is said of it. Campaigns that run keep what they were launched with."""
    if not caller.installation:
        if brand != caller.brand:
            raise not_found("brand", brand)
        raise Problem(403, "not_allowed", "only an admin of the whole installation may make or change a brand")
    made = Brand(
        brand_id=brand, updated_at=hub.now(), **{name: getattr(body, name) for name in BrandRules.model_fields}
    )
    was = hub.brands.items.get(brand)
    changed = [name for name in BrandRules.model_fields if getattr(was, name, None) != getattr(made, name)]
    told = entry(replace(caller, brand=brand), hub.now(), "brand.put", f"brand/{brand}", detail=", ".join(changed))
    await hub.publish(BRANDS, [(brand, made.write())], told)
    await hub.brands.catch_up()
    return _view(made)


def _view(brand: Brand) -> dict[str, Any]:
    return brand.model_dump(mode="json", by_alias=True)
