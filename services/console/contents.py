"""Messages as one person would get them, and the people that they are filled from."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from typing import Any, Final

import structlog
from pydantic import ValidationError

from schemas import AudienceFilter, BrandLook, InlineRecipient
from services.console.core.placeholders import Placeholder, placeholders
from services.console.core.previews import Around, ChannelPreview, Person, preview
from services.console.core.sheets import Written, read_written
from services.console.hub import Hub, Row
from services.console.known import KnownNames
from services.console.lately import Lately
from services.console.people import People
from services.console.problems import Problem, not_found
from services.console.queries import content as queries
from services.console.queries.contacts import Wanted, page_parameters, people_page, words_of
from services.console.security import Identity
from services.domain.audience import CONTACT_FIELDS, filter_parameters, listed_names
from services.domain.brands import brand_named
from services.domain.content import present

log = structlog.get_logger("console")
COUNTED_S: Final = 15.0
"""How long a count of who lacks what is told again."""
MADE_UP: Final = {
    "name": "Asha Rao", "city": "Pune", "pincode": "411001", "role": "customer", "zone": "Asia/Kolkata",
    "email": "asha@example.com", "phone": "+919812345678",
}  # fmt: skip
Audience = AudienceFilter | list[InlineRecipient]


class ContentDesk:
    def __init__(self, hub: Hub, names: KnownNames) -> None:
        self.hub, self.names = hub, names
        self._counted = Lately[tuple[int, dict[str, int]]](COUNTED_S)

    def read(self, identity: Identity, sheet: Mapping[str, Any]) -> Written:
        return read_written(sheet, identity.brand, self.hub.templates.items)

    async def previews(
        self,
        identity: Identity,
        written: Written,
        person: Person,
        audience: Audience | None,
        look: BrandLook | None = None,
    ) -> list[ChannelPreview]:
        """Beside the loop: a template may take its time, and others are waiting."""
        around = await self.around(identity, audience, look)
        return await asyncio.to_thread(
            lambda: [preview(written, channel, person, around) for channel in written.channels]
        )

    async def around(self, identity: Identity, audience: Audience | None, look: BrandLook | None = None) -> Around:
        """`look`: in place of the brand's own."""
        hub = self.hub
        brand = brand_named(hub.brands.items, identity.brand)
        brand = brand.model_copy(update={"look": look}) if look else brand
        return Around(
            brand, hub.account_lookup(identity.brand), hub.settings.public_url, "preview",
            await self._known(identity, audience), bool(hub.settings.link_secret.get_secret_value()),
        )  # fmt: skip

    async def _known(self, identity: Identity, audience: Audience | None) -> frozenset[str] | None:
        if isinstance(audience, list):
            return listed_names(audience)
        return await self.names.of(identity.brand)

    async def person(self, identity: Identity, contact: str, audience: Audience | None) -> Person:
        """Raises `Problem` 404, 503."""
        if isinstance(audience, list):
            for listed in audience:
                if listed.id == contact:
                    return listed_person(listed)
        row = await People(self.hub).contact(identity.recipient(contact))
        if row is None:
            raise not_found("contact", contact)
        return contact_person(contact, row)

    async def made_up(self, identity: Identity, given: Mapping[str, Any]) -> Person:
        """Somebody with a value for everything that the brand's people may have, but for what is given."""
        known = await self.names.of(identity.brand) or CONTACT_FIELDS
        data: dict[str, Any] = {name: MADE_UP.get(name, f"[{name}]") for name in known | MADE_UP.keys()} | dict(given)
        fields = {name: str(data[name] or "") for name in ("name", "email", "phone")}
        return Person(**fields, data=data)

    async def people(self, identity: Identity, audience: Audience | None, text: str, most: int) -> list[Row]:
        """Raises `Problem` 503."""
        if isinstance(audience, list):
            wanted = text.lower()
            found = [
                each for each in audience
                if wanted in each.name.lower() or each.id == text or each.email.startswith(wanted)
                or each.phone.startswith(text)
            ]  # fmt: skip
            return [
                {"contact": each.id, "name": each.name, "email": each.email, "phone": each.phone,
                 "city": str(each.attributes.get("city") or "")}
                for each in found[:most]
            ]  # fmt: skip
        chosen, brand, now = audience or AudienceFilter(), identity.brand, self.hub.now()
        if words := words_of(text):  # by the index
            among = Wanted(tuple(words), filter=chosen)
            parameters = page_parameters(among, brand, now, most)
            rows = await self.hub.rows(people_page(among, queries.SHOWN), **parameters)
            return list({row["contact"]: row for row in rows}.values())
        parameters = filter_parameters(chosen, brand, now)
        return await self.hub.rows(queries.people(chosen), **parameters, text=text, most=most)

    async def placeholders(
        self, identity: Identity, written: Written, audience: Audience | None
    ) -> tuple[list[Placeholder], int | None]:
        """And of how many people; None: ClickHouse does not answer."""
        used = placeholders(written)
        names = tuple(each.name for each in used)
        if isinstance(audience, list):
            known = [present(listed_person(person).data) for person in audience]
            lacking = {name: sum(name not in each for each in known) for name in names}
            return placeholders(written, lacking), len(known)
        if not names:
            return used, None
        try:
            people, lacking = await self._lacking(identity, audience or AudienceFilter(), names)
        except Problem as problem:
            log.warning("people without a value are not counted now", problem=problem.detail)
            return used, None
        return placeholders(written, lacking), people

    async def _lacking(
        self, identity: Identity, audience: AudienceFilter, names: tuple[str, ...]
    ) -> tuple[int, dict[str, int]]:
        key = (identity.brand, audience.model_dump_json(by_alias=True), names)
        return await self._counted.fresh(key, lambda: self._count(identity.brand, audience, names))

    async def _count(self, brand: str, audience: AudienceFilter, names: tuple[str, ...]) -> tuple[int, dict[str, int]]:
        parameters = filter_parameters(audience, brand, self.hub.now())
        row: Sequence[Any] = (await self.hub.tuples(queries.lacking(audience, names), **parameters))[0]
        return int(row[0]), {name: int(count) for name, count in zip(names, row[1:], strict=True)}


def audience_of(sheet: Mapping[str, Any]) -> Audience | None:
    """Whom it goes to as far as that can be read; None: everybody of the brand."""
    given = sheet.get("audience")
    if not isinstance(given, Mapping):
        return None
    try:
        if isinstance(people := given.get("recipients"), list):
            return [InlineRecipient.model_validate_json(json.dumps(person)) for person in people]
        return AudienceFilter.model_validate(given.get("filter") or {})
    except (ValidationError, TypeError, ValueError):
        return None


def contact_person(contact: str, row: Mapping[str, Any]) -> Person:
    """As the planner fills a message: fields and attributes."""
    data = {name: row[name] for name in sorted(CONTACT_FIELDS)} | dict(row["attributes"])
    return Person(contact=contact, name=row["name"], email=row["email"], phone=row["phone"], data=data)


def listed_person(person: InlineRecipient) -> Person:
    fields = {"name": person.name, "email": person.email, "phone": person.phone, "zone": person.zone or ""}
    data = {**fields, **person.attributes}
    return Person(contact=person.id, name=person.name, email=person.email, phone=person.phone, data=data)
