"""Who may do what: the role that each route needs. One table for REST and pages; who is not named in it reads."""

from __future__ import annotations

from typing import Final

from schemas import Role

GRADES: Final[dict[Role, int]] = {"viewer": 0, "marketer": 1, "admin": 2}
READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})

READING_POSTS: Final = frozenset({
    "/audience/preview", "/campaigns/plan", "/campaigns/{campaign_id}/plan", "/content/preview", "/content/mail",
    "/content/people",
})  # fmt: skip
"""They ask with a body, and change nothing."""
OWN: Final = frozenset({"/me", "/me/password", "/me/end-sessions", "/me/brand"})
"""What everybody may change: what is about themselves."""
ADMIN: Final = (
    "/recipients/{contact}/forget",
    "/operators", "/api-keys", "/audit", "/dead-letters", "/accounts/connect", "/accounts/{account_id}/disconnect",
    "/settings/operators", "/settings/api-keys", "/settings/dead-letters", "/settings/audit",
    "/settings/uncertain/{campaign_id}/{step}/{contact}",
)  # fmt: skip
"""Paths that only admins may as much as read."""
ADMIN_CHANGES: Final = ("/accounts", "/brands", "/uncertain", "/recipients/{contact}/erase")
CHANGING_PAGES: Final = (
    "/people/new", "/contacts/{contact}/edit", "/contacts/{contact}/say", "/segments/{segment_id}/edit",
    "/segments/{segment_id}/remove", "/imports", "/imports/{import_id}", "/imports/{import_id}/state",
    "/campaigns/{campaign_id}/acts/{verb}", "/campaigns/new", "/campaigns/{campaign_id}/edit",
    "/campaigns/{campaign_id}/edit/{step}", "/campaigns/{campaign_id}/edit/review/findings",
)  # fmt: skip
"""Pages that ask before a change, or on which one writes: who may not change need not be asked."""

_MAY: Final[dict[Role, str]] = {
    "viewer": "a viewer looks at everything and changes nothing",
    "marketer": "a marketer works with campaigns, contacts and consents, and not with what this is about",
    "admin": "an admin may do everything",
}


def needed(method: str, path: str) -> Role:
    """`path`: as it is asked for, without the prefix of the interface; a template does as well."""
    if _under(path, ADMIN):
        return "admin"
    if any(_like(path, page) for page in CHANGING_PAGES):
        return "marketer"
    if method in READS or path in OWN or any(_like(path, post) for post in READING_POSTS):
        return "viewer"
    return "admin" if _under(path, ADMIN_CHANGES) else "marketer"


def refusal(role: Role, method: str, path: str) -> str:
    """Why a caller of this role may not, in words; empty: they may."""
    least = needed(method, path)
    if GRADES[role] >= GRADES[least]:
        return ""
    return f"{_MAY[role]}: this needs the role {least}, which an admin can give you (`peal operator add`)"


def _under(path: str, parents: tuple[str, ...]) -> bool:
    return any(_like("/".join(path.split("/")[: parent.count("/") + 1]), parent) for parent in parents)


def _like(path: str, template: str) -> bool:
    parts, wanted = path.split("/"), template.split("/")
    return len(parts) == len(wanted) and all(
        part == want or want.startswith("{") for part, want in zip(parts, wanted, strict=True)
    )
