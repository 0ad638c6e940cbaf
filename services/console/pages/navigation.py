"""Where one can go: what the bar at the top, the settings' tabs and the command palette are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from schemas import Role
from services.console.core.roles import GRADES
from services.console.texts import _


@dataclass(frozen=True)
class Place:
    path: str
    label: str
    """English, and the key of its translation."""
    key: str = ""
    """After `g`, it leads here."""
    least: Role = "viewer"
    also: tuple[str, ...] = ()
    """Where else its pages are."""

    def holds(self, path: str) -> bool:
        """Whether a page stands under this place."""
        return any(path == each or (each != "/" and path.startswith(f"{each}/")) for each in (self.path, *self.also))


MAIN: Final = (
    Place("/", _("Dashboard"), "d"),
    Place("/campaigns", _("Campaigns"), "c"),
    Place("/contacts", _("Contacts"), "p", also=("/imports", "/segments", "/people", "/recipients")),
    Place("/templates", _("Templates"), "t"),
    Place("/accounts", _("Accounts"), "a"),
    Place("/settings", _("Settings"), "s"),
)
SETTINGS: Final = (
    Place("/settings/brand", _("Brand")),
    Place("/settings/operators", _("Operators"), least="admin"),
    Place("/settings/api-keys", _("API keys"), least="admin"),
    Place("/settings/approvals", _("Approvals")),
    Place("/settings/uncertain", _("Uncertain messages"), "u"),
    Place("/settings/dead-letters", _("Dead letters"), least="admin"),
    Place("/settings/audit", _("Audit log"), least="admin"),
    Place("/settings/me", _("You")),
)
ACTIONS: Final = (
    Place("/campaigns/new", _("New campaign"), "n", "marketer"),
    Place("/imports", _("Import contacts"), least="marketer"),
    Place("/accounts/connect", _("Connect an account"), least="admin"),
)
"""Pages on which something new begins."""


def places(role: Role, among: tuple[Place, ...]) -> list[Place]:
    """Those that somebody of this role may see."""
    return [place for place in among if GRADES[role] >= GRADES[place.least]]
