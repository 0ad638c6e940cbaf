"""What can be done with a campaign as it stands, and whom it concerns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from schemas import CampaignStatus

OFFERED: Final[dict[CampaignStatus, tuple[str, ...]]] = {
    CampaignStatus.DRAFT: ("launch", "clone", "cancel"),
    CampaignStatus.SCHEDULED: ("pause", "clone", "cancel"),
    CampaignStatus.ACTIVE: ("pause", "clone", "cancel"),
    CampaignStatus.PAUSED: ("resume", "clone", "cancel"),
    CampaignStatus.COMPLETED: ("clone",),
    CampaignStatus.CANCELLED: ("clone",),
}
"""The verbs of REST, by status. The planner has the last word."""
VERBS: Final = frozenset(verb for verbs in OFFERED.values() for verb in verbs)


@dataclass(frozen=True)
class Scope:
    """Whom an act concerns. Before the launch: those whom it would go to."""

    people: int
    messages: int
    """Planned and not settled; before the launch: the most that it can be."""


def offered(status: CampaignStatus) -> tuple[str, ...]:
    return OFFERED[status]
