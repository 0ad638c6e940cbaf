"""`/brands`: on whose behalf messages go, and the rules that each of them has."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, StringConstraints, ValidationError

from schemas import Brand, BrandRules, Wire
from schemas.base import BrandKey
from services.console.auditing import entry
from services.console.hub import HubOf
from services.console.problems import Problem, not_found, one_field, rejected_fields
from services.console.security import Caller
from services.domain.brands import brand_named, is_known
from services.domain.field_errors import field_errors

router = APIRouter(prefix="/brands", tags=["brands"])
_NAMES = {field.alias or name for name, field in BrandRules.model_fields.items()}


class BrandPage(BaseModel):
    items: list[dict[str, Any]]
    next: str | None = None


@router.get("")
async def listing(hub: HubOf, caller: Caller) -> BrandPage:
    """Those for which the caller may act."""
    return BrandPage(items=[_view(each) for each in hub.brands_of(caller)])


class NewBrand(Wire):
    brand_id: BrandKey
    name: Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)] = ""


@router.post("", status_code=201)
async def create(body: NewBrand, hub: HubOf, caller: Caller) -> dict[str, Any]:
    """One of which nothing is said yet but its name."""
    if not caller.installation:
        raise Problem(403, "not_allowed", "only an admin of the whole installation may make or change a brand")
    await hub.brands.catch_up()
    if is_known(hub.brands.items, body.brand_id):
        raise one_field("brand_id", "taken", f"there is a brand '{body.brand_id}' already: choose another id", 409)
    return await put(body.brand_id, BrandRules(name=body.name), hub, caller)


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
    await hub.keep(hub.brands, brand, made, told)
    return _view(made)


@router.patch("/{brand}")
async def change(brand: BrandKey, body: dict[str, Any], hub: HubOf, caller: Caller) -> dict[str, Any]:
    """Replace what is named, whole; all else that is said of the brand stays."""
    await hub.brands.catch_up()
    await show(brand, hub, caller)
    now = _view(brand_named(hub.brands.items, brand))
    kept = {name: value for name, value in now.items() if name in _NAMES}
    try:
        rules = BrandRules.model_validate(kept | body)
    except ValidationError as error:
        raise rejected_fields(field_errors(error, "body")) from None
    return await put(brand, rules, hub, caller)


def _view(brand: Brand) -> dict[str, Any]:
    return brand.model_dump(mode="json", by_alias=True)
