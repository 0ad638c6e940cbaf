"""What can be done with a campaign as it stands, and whom it concerns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel

from schemas import CampaignRecord, CampaignStatus, Role

OFFERED: Final[dict[CampaignStatus, tuple[str, ...]]] = {
    CampaignStatus.DRAFT: ("launch", "content", "budget", "clone", "cancel"),
    CampaignStatus.SCHEDULED: ("pause", "content", "budget", "clone", "cancel"),
    CampaignStatus.ACTIVE: ("pause", "content", "budget", "clone", "cancel"),
    CampaignStatus.PAUSED: ("resume", "content", "budget", "clone", "cancel"),
    CampaignStatus.COMPLETED: ("budget", "clone"),
    CampaignStatus.CANCELLED: ("clone",),
}
"""The acts of a campaign's page, by status: REST's verbs, and edits of `content` and `budget`. The planner decides."""
VERBS: Final = frozenset(verb for verbs in OFFERED.values() for verb in verbs)


@dataclass(frozen=True)
class Scope:
    """Whom an act concerns. Before the launch: those whom it would go to."""

    people: int
    messages: int
    """Planned and not settled; before the launch: the most that it can be."""


def offered(status: CampaignStatus, role: Role = "admin") -> tuple[str, ...]:
    """To whoever only looks: nothing."""
    return () if role == "viewer" else OFFERED[status]


def own_content(record: CampaignRecord) -> list[tuple[str, BaseModel | None]]:
    """By channel of the campaign, what that channel says of its own; None: it follows the body."""
    found: dict[str, BaseModel | None] = {}
    for step in record.steps:
        name = step.channel.value
        found.setdefault(name, getattr(step.content, name) or getattr(record.content, name))
    return list(found.items())
