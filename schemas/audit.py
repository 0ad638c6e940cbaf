"""Who did what and when: one entry an act, kept when the act itself is long over."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from schemas.base import BrandKey, RecipientKey, Time, Wire

UPSTREAM = "upstream"
"""The operator of a command that came over Kafka and names none."""


class AuditEntry(Wire):
    """On `audit-log`. Of a person it says the key, and nothing else."""

    entry_id: Annotated[str, StringConstraints(min_length=1, max_length=200)]
    """The same act has the same id, however often it is told."""
    at: Time
    brand: BrandKey
    operator: Annotated[str, StringConstraints(max_length=200)]
    source: Literal["planner", "console"]
    """Who carried it out, or refused to."""
    action: Annotated[str, StringConstraints(pattern=r"^[a-z]+(-[a-z]+)*\.[a-z]+(-[a-z]+)*$")]
    """`campaign.launch`, `consent.record`, `operator.put` ..."""
    object: Annotated[str, StringConstraints(max_length=300)] = ""
    """What it was done to: `campaign/<id>`, `brand/<id>`; `contact` for the person who stands in `recipient`."""
    recipient: RecipientKey | None = None
    status: Literal["accepted", "rejected"] = "accepted"
    epoch_before: Annotated[int, Field(ge=0)] | None = None
    epoch_after: Annotated[int, Field(ge=0)] | None = None
    detail: Annotated[str, StringConstraints(max_length=500)] = ""
    """In words, without anything of a person."""
