"""Whom a campaign goes to: a filter over contacts, or people whom it lists itself."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator
from pydantic_core import PydanticCustomError

from schemas.base import CampaignKey, Channel, ContactKey, Wire, Zone


class AttributeTest(Wire):
    """What an attribute must be; all that is given must hold."""

    at_least: float | None = None
    at_most: float | None = None
    exists: bool | None = None
    """Whether the person has it at all."""

    @model_validator(mode="after")
    def _something(self) -> AttributeTest:
        if self.at_least is None and self.at_most is None and self.exists is None:
            raise ValueError("give at_least, at_most or exists")
        return self


DEEPEST_FILTER = 5
"""Levels of `any`, `all` and `not` within each other."""
LARGEST_FILTER = 1_000
"""Values and filters in one audience filter, all levels together."""
LIST_PATTERN = r"^[A-Za-z0-9 ._~@+-]{1,64}$"
ListName = Annotated[str, StringConstraints(pattern=LIST_PATTERN, strip_whitespace=True)]
"""Of an uploaded list of contacts."""


class AudienceFilter(Wire):
    """Everything that is given must hold; in a list of values, one of them."""

    role: Literal["customer", "partner", "all"] | None = None
    cities: list[str] = []
    active_within_days: Annotated[int, Field(ge=1, le=3660)] | None = None
    pincodes: list[str] = []
    attributes: dict[str, str | int | float | bool | list[str] | AttributeTest] = {}
    """A value, one of several values, or a test."""
    lists: list[ListName] = []
    """People on at least one of these uploaded lists."""
    not_in_campaigns: list[CampaignKey] = []
    """Without the people of these campaigns: those whom they had chosen by the time this one chooses its own."""
    not_reached_by: list[CampaignKey] = []
    """Without the people to whom one of these campaigns has delivered something by then."""
    all: list[AudienceFilter] = []
    any: list[AudienceFilter] = []
    """At least one of them must hold."""
    not_: AudienceFilter | None = Field(default=None, alias="not")
    """Must not hold."""

    @model_validator(mode="before")
    @classmethod
    def _bounded(cls, value: object) -> object:
        """Before anything within is looked at, however deep it goes."""
        level, size = [value], 0
        for _ in range(DEEPEST_FILTER):
            level = [part for outer in level for part in _within(outer)]
            if not level:
                return value
            size += len(level)
            if size > LARGEST_FILTER:
                break
        else:
            raise PydanticCustomError("too_deep", f"the filter goes over {DEEPEST_FILTER} levels deep: flatten it")
        raise PydanticCustomError("too_large", f"more than {LARGEST_FILTER} filters in one: use a list instead")

    @model_validator(mode="after")
    def _bounded_values(self) -> AudienceFilter:
        if self.size > LARGEST_FILTER:
            raise PydanticCustomError(
                "too_large", f"the filter holds more than {LARGEST_FILTER} values: put the people on a list instead"
            )
        return self

    @property
    def size(self) -> int:
        """Values and filters in it."""
        values = (*self.cities, *self.pincodes, *self.lists, *self.not_in_campaigns, *self.not_reached_by)
        own = len(values) + sum(len(v) if isinstance(v, list) else 1 for v in self.attributes.values())
        return own + sum(1 + part.size for part in (*self.all, *self.any, *([self.not_] if self.not_ else [])))


def _within(value: object) -> list[object]:
    """The filters directly within one, before it is known whether it is a filter at all."""
    if isinstance(value, AudienceFilter):
        value = value.model_dump(by_alias=True)
    if not isinstance(value, dict):
        return []
    found: list[object] = []
    for name in ("any", "all"):
        if isinstance(parts := value.get(name), list):
            found += parts
    found += [part for name in ("not", "not_") if (part := value.get(name)) is not None]
    return found


class InlineRecipient(Wire):
    id: ContactKey
    name: str = ""
    email: str = ""
    phone: str = ""
    zone: Zone | None = None
    attributes: dict[str, str | int | float | bool | None] = {}
    opt_in: list[Channel] = []
    """Channels to which the person has agreed; counts only where nothing is recorded."""


class Audience(Wire):
    filter: AudienceFilter | None = None
    recipients: list[InlineRecipient] | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Audience:
        if (self.filter is None) == (self.recipients is None):
            raise ValueError("give either filter or recipients")
        if self.recipients is not None:
            seen: set[str] = set()
            for recipient in self.recipients:
                if recipient.id in seen:
                    raise ValueError(f"recipient '{recipient.id}' is in the list twice: keep one of them")
                seen.add(recipient.id)
        return self
