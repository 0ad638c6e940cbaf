"""Which condition of a campaign's audience somebody does not meet, in words, with the person's own value."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from schemas import AudienceFilter
from schemas.audience import AttributeTest
from services.domain.explain.facts import ContactFacts
from services.domain.explain.words import alternatives, listed, moment

MOST_SHOWN = 5
"""Values of a condition that are named."""


def unmet(audience: AudienceFilter, person: ContactFacts, chosen_at: datetime, name: str, zone: str) -> list[str]:
    """Each a clause such as `Asha lives in Goa, and the campaign is for Pune`. Empty: everything holds."""
    return list(_Reader(person, chosen_at, name, zone).unmet(audience))


class _Reader:
    def __init__(self, person: ContactFacts, chosen_at: datetime, name: str, zone: str) -> None:
        self.person, self.chosen_at, self.name, self.zone = person, chosen_at, name, zone

    def unmet(self, audience: AudienceFilter) -> Iterator[str]:
        yield from self._own_values(audience)
        yield from self._attributes(audience)
        yield from self._lists_and_campaigns(audience)
        for part in audience.all:
            yield from self.unmet(part)
        if audience.any:
            ways = [list(self.unmet(part)) for part in audience.any]
            if all(ways):
                yield f"none of the {len(ways)} ways into the audience is open: {'; or '.join(way[0] for way in ways)}"
        if audience.not_ is not None and not list(self.unmet(audience.not_)):
            yield f"{self.name} is among those whom the campaign leaves out ({', '.join(described(audience.not_))})"

    def _own_values(self, audience: AudienceFilter) -> Iterator[str]:
        person, name = self.person, self.name
        if audience.role not in (None, "all") and person.role != audience.role:
            is_ = f"{name} is a {person.role}" if person.role else f"no role is recorded for {name}"
            yield f"{is_}, and the campaign is for {audience.role}s"
        if audience.cities and person.city not in audience.cities:
            is_ = f"{name} lives in {person.city}" if person.city else f"no city is recorded for {name}"
            yield f"{is_}, and the campaign is for {_shown(audience.cities)}"
        if audience.pincodes and person.pincode not in audience.pincodes:
            is_ = f"{name}'s pincode is {person.pincode}" if person.pincode else f"no pincode is recorded for {name}"
            yield f"{is_}, and the campaign is for {_shown(audience.pincodes)}"
        days = audience.active_within_days
        if days is not None:
            last = person.last_active_at
            if last is None:
                yield f"{name} was never seen active, and the campaign is for people active within {days} days"
            elif last < self.chosen_at - timedelta(days=days):
                when = moment(last, self.chosen_at, self.zone)
                yield f"{name} was last active {when}, and the campaign is for people active within {days} days"

    def _attributes(self, audience: AudienceFilter) -> Iterator[str]:
        for attribute, wanted in audience.attributes.items():
            own = _text(self.person.attributes.get(attribute.replace(".", "_")))
            if _meets(own, wanted):
                continue
            is_ = f"{self.name}'s {attribute} is {own}" if own else f"no {attribute} is recorded for {self.name}"
            yield f"{is_}, and the campaign is for {_demand(wanted)}"

    def _lists_and_campaigns(self, audience: AudienceFilter) -> Iterator[str]:
        if audience.lists and not set(audience.lists) & set(self.person.lists):
            yield f"{self.name} is not on the list {_shown(audience.lists)}"
        for campaign in audience.not_in_campaigns:
            if campaign in self.person.member_of:
                yield f"{self.name} was in the audience of '{campaign}', and that campaign's people are left out"
        for campaign in audience.not_reached_by:
            if campaign in self.person.reached_by:
                yield f"'{campaign}' had reached {self.name}, and the people whom it reached are left out"


def described(audience: AudienceFilter) -> list[str]:
    """The conditions of a filter in short."""
    parts = []
    if audience.role not in (None, "all"):
        parts.append(f"{audience.role}s")
    if audience.cities:
        parts.append(f"in {_shown(audience.cities)}")
    if audience.pincodes:
        parts.append(f"with pincode {_shown(audience.pincodes)}")
    if audience.active_within_days is not None:
        parts.append(f"active within {audience.active_within_days} days")
    parts += [f"{name}: {_demand(wanted)}" for name, wanted in audience.attributes.items()]
    if audience.lists:
        parts.append(f"on the list {_shown(audience.lists)}")
    return parts or ["by several conditions together"]


def _meets(own: str, wanted: str | int | float | bool | list[str] | AttributeTest) -> bool:
    if isinstance(wanted, AttributeTest):
        if wanted.exists is not None and wanted.exists != bool(own):
            return False
        number = _number(own)
        for bound, fits in ((wanted.at_least, 1), (wanted.at_most, -1)):
            if bound is not None and (number is None or (number - bound) * fits < 0):
                return False
        return True
    return own in [_text(value) for value in (wanted if isinstance(wanted, list) else [wanted])]


def _demand(wanted: str | int | float | bool | list[str] | AttributeTest) -> str:
    if not isinstance(wanted, AttributeTest):
        return _shown([_text(value) for value in (wanted if isinstance(wanted, list) else [wanted])])
    parts = [] if wanted.exists is None else ["any value" if wanted.exists else "people without one"]
    parts += [f"at least {wanted.at_least:g}"] if wanted.at_least is not None else []
    parts += [f"at most {wanted.at_most:g}"] if wanted.at_most is not None else []
    return listed(parts)


def _shown(values: Sequence[str]) -> str:
    if len(values) <= MOST_SHOWN:
        return alternatives(list(values))
    return f"{', '.join(values[:MOST_SHOWN])} or {len(values) - MOST_SHOWN} others"


def _text(value: object) -> str:
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
