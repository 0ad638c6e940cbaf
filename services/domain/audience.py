"""Who an audience's filter means: the same conditions on contacts for a preview, a plan and the launch.

Every value goes to ClickHouse as a parameter. The one thing that cannot is the name of an attribute, which is a column:
it stands in backticks, and a name that could end them is refused (`filter_problems`), and would match nobody.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from schemas import AudienceFilter, FieldError, InlineRecipient
from schemas.audience import AttributeTest

KNOWN_CAMPAIGNS = """
-- Which of these are campaigns of the brand.
SELECT DISTINCT campaign_id FROM campaigns WHERE brand = {brand:String} AND campaign_id IN {campaigns:Array(String)}
"""
CONTACT_FIELDS = frozenset({"name", "email", "phone", "city", "pincode", "role", "zone"})
"""What a contact has besides attributes; each is a placeholder too."""
ATTRIBUTE_NAMES = """
-- Every attribute that any contact of the brand has.
SELECT arrayJoin(distinctJSONPaths(attributes)) FROM v_contacts WHERE brand = {brand:String}
"""
_UNSAFE = re.compile(r"[`\\\x00-\x1f\x7f]")
_PERSON = "recipient_id"
_ARRIVED = "['delivered', 'read', 'clicked', 'replied', 'unsubscribed', 'complained']"
"""Where a send stands that reached somebody."""


def matching(audience: AudienceFilter) -> str:
    """`FROM ... WHERE ...` of the people that a filter means."""
    return f"\nFROM v_contacts\nWHERE {condition(audience)}\n"


def condition(audience: AudienceFilter) -> str:
    """True for the contacts of the brand that a filter means. Its values: `filter_parameters`."""
    return f"brand = {{brand:String}} AND {_Compiler().text(audience)}"


def filter_parameters(audience: AudienceFilter, brand: str, now: datetime) -> dict[str, Any]:
    """ClickHouse's parameters of `condition` and `matching`."""
    compiler = _Compiler()
    compiler.text(audience)
    return {"brand": brand, "now": now.replace(microsecond=0, tzinfo=None), **compiler.parameters}


def listed_names(people: Iterable[InlineRecipient]) -> frozenset[str]:
    """What placeholders may be called in messages to people whom a campaign lists itself."""
    return CONTACT_FIELDS.union(*(person.attributes for person in people))


def column_of(name: str) -> str:
    """The column of a field or an attribute, as a text; empty where there can be none."""
    if name in CONTACT_FIELDS:
        return f"toString({name})"
    return f"toString(attributes.`{_stored_name(name)}`)" if _usable(name) else ""


def filter_problems(audience: AudienceFilter, root: str = "audience.filter") -> list[FieldError]:
    """What the shape of a filter allows and Peal cannot ask for."""
    return [
        FieldError(
            field=f"{root}.{path}attributes.{name}" if name else f"{root}.{path}attributes",
            problem="invalid",
            message=f"{name[:60]!r} cannot be the name of an attribute: leave out backticks, backslashes and controls",
        )
        for path, part in walk(audience)
        for name in part.attributes
        if not _usable(name)
    ]


def named_campaigns(audience: AudienceFilter) -> dict[str, str]:
    """Campaigns that a filter refers to, each with the field that does."""
    found: dict[str, str] = {}
    for path, part in walk(audience):
        for field in ("not_in_campaigns", "not_reached_by"):
            for campaign_id in getattr(part, field):
                found.setdefault(campaign_id, f"audience.filter.{path}{field}")
    return found


def unknown_campaigns(audience: AudienceFilter, known: set[str]) -> list[FieldError]:
    """`known`: the brand's campaigns, or those of them that the filter names."""
    return [
        FieldError(
            field=field,
            problem="no_such_campaign",
            message=f"there is no campaign '{campaign_id}': correct its id, or leave it out",
        )
        for campaign_id, field in named_campaigns(audience).items()
        if campaign_id not in known
    ]


def walk(audience: AudienceFilter, path: str = "") -> Iterator[tuple[str, AudienceFilter]]:
    """The filter and all within it, each with its path, which is empty or ends with a dot."""
    yield path, audience
    for name, parts in (("all", audience.all), ("any", audience.any)):
        for number, part in enumerate(parts):
            yield from walk(part, f"{path}{name}.{number}.")
    if audience.not_ is not None:
        yield from walk(audience.not_, f"{path}not.")


class _Compiler:
    """The same filter always gets the same names of parameters."""

    def __init__(self) -> None:
        self.parameters: dict[str, Any] = {}

    def text(self, audience: AudienceFilter) -> str:
        """Never NULL, so that `NOT` means all others."""
        parts = list(self._parts(audience))
        return f"({' AND '.join(parts)})" if parts else "1"

    def _parts(self, audience: AudienceFilter) -> Iterator[str]:
        if audience.role not in (None, "all"):
            yield f"role = {self._give(audience.role, 'String')}"
        for column in ("cities", "pincodes"):
            if values := getattr(audience, column):
                name = {"cities": "city", "pincodes": "pincode"}[column]
                yield f"{name} IN {self._give(values, 'Array(String)')}"
        if audience.active_within_days is not None:
            days = self._give(audience.active_within_days, "UInt32")
            yield f"last_active_at >= {{now:DateTime('UTC')}} - toIntervalDay({days})"
        if audience.lists:
            yield self._on_lists(audience.lists)
        for name, wanted in audience.attributes.items():
            yield self._attribute(name, wanted)
        if audience.not_in_campaigns:
            yield f"{_PERSON} NOT IN ({self._members(audience.not_in_campaigns)})"
        if audience.not_reached_by:
            yield f"{_PERSON} NOT IN ({self._reached(audience.not_reached_by)})"
        yield from (self.text(part) for part in audience.all)
        if audience.any:
            yield f"({' OR '.join(self.text(part) for part in audience.any)})"
        if audience.not_ is not None:
            yield f"NOT {self.text(audience.not_)}"

    def _on_lists(self, names: list[str]) -> str:
        """One alone is looked for in half the time."""
        if len(names) == 1:
            return f"has(lists, {self._give(names[0], 'String')})"
        return f"hasAny(lists, {self._give(names, 'Array(String)')})"

    def _attribute(self, name: str, wanted: str | int | float | bool | list[str] | AttributeTest) -> str:
        if not _usable(name):
            return "0"
        text = f"toString(attributes.`{_stored_name(name)}`)"
        if not isinstance(wanted, AttributeTest):
            values = wanted if isinstance(wanted, list) else [wanted]
            return f"ifNull({text}, '') IN {self._give([_text(value) for value in values], 'Array(String)')}"
        tests = []
        if wanted.exists is not None:
            tests.append(f"ifNull({text}, '') {'!=' if wanted.exists else '='} ''")
        for sign, bound in ((">=", wanted.at_least), ("<=", wanted.at_most)):
            if bound is not None:
                tests.append(f"ifNull(toFloat64OrNull({text}) {sign} {self._give(bound, 'Float64')}, 0)")
        return f"({' AND '.join(tests)})"

    def _members(self, campaigns: list[Any]) -> str:
        """Of the frozen audiences, by the snapshot that counts."""
        given = self._give(campaigns, "Array(String)")
        return (
            "SELECT recipient_id FROM audience_members WHERE (campaign_id, snapshot_id) IN (SELECT campaign_id, "
            f"snapshot_id FROM campaigns FINAL WHERE brand = {{brand:String}} AND campaign_id IN {given})"
        )

    def _reached(self, campaigns: list[Any]) -> str:
        given = self._give(campaigns, "Array(String)")
        return f"SELECT recipient_id FROM sends WHERE campaign_id IN {given} AND status IN {_ARRIVED}"

    def _give(self, value: Any, kind: str) -> str:
        name = f"filter{len(self.parameters)}"
        self.parameters[name] = value
        return f"{{{name}:{kind}}}"


def _usable(name: str) -> bool:
    return bool(name) and not _UNSAFE.search(name)


def _stored_name(name: str) -> str:
    """As the tracker keeps it: a dot would nest the attribute in ClickHouse's JSON."""
    return name.replace(".", "_")


def _text(value: str | int | float | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
