"""What can be done with a campaign as it stands, and whom it concerns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from pydantic import BaseModel

from schemas import CampaignRecord, CampaignStatus, Role
from services.domain.brands import waits_for_approval

OFFERED: Final[dict[CampaignStatus, tuple[str, ...]]] = {
    CampaignStatus.DRAFT: ("launch", "content", "budget", "clone", "cancel"),
    CampaignStatus.SCHEDULED: ("pause", "content", "budget", "clone", "cancel"),
    CampaignStatus.ACTIVE: ("pause", "content", "budget", "clone", "cancel"),
    CampaignStatus.PAUSED: ("resume", "content", "budget", "clone", "cancel"),
    CampaignStatus.COMPLETED: ("budget", "clone"),
    CampaignStatus.CANCELLED: ("clone",),
}
"""The acts of a campaign's page, by status: REST's verbs, and edits of `content` and `budget`. The planner decides."""
VERBS: Final = frozenset(verb for verbs in OFFERED.values() for verb in verbs) | {"approve"}
HELD: Final = {"launch": "approve", "resume": "approve"}
"""What takes their place while a second person's approval is waited for."""


@dataclass(frozen=True)
class Scope:
    """Whom an act concerns. Before the launch: those whom it would go to."""

    people: int
    messages: int
    """Planned and not settled; before the launch: the most that it can be."""


def offered(record: CampaignRecord, role: Role = "admin") -> tuple[str, ...]:
    """To whoever only looks: nothing."""
    if role == "viewer":
        return ()
    verbs = OFFERED[record.status]
    return tuple(HELD.get(verb, verb) for verb in verbs) if waits_for_approval(record) else verbs


def own_content(record: CampaignRecord) -> list[tuple[str, BaseModel | None]]:
    """By channel of the campaign, what that channel says of its own; None: it follows the body."""
    found: dict[str, BaseModel | None] = {}
    for step in record.steps:
        name = step.channel.value
        found.setdefault(name, getattr(step.content, name) or getattr(record.content, name))
    return list(found.items())
