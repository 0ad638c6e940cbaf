"""What another brand gets from each route of the console, and sample values for the parameters of paths."""

from __future__ import annotations

import re
from typing import Any

from services.console.core.idempotency import campaign_id, command_id
from services.console.security import API

CAMPAIGN, CONTACT, OPERATOR, KEY_ID = "northern-camp", "northern-c", "northern-op", "northern-key"
TEMPLATE = "northern-template"
SEGMENT = "northern-segment"
ACCOUNT = "northern-sender"
DRAFT_KEY = "northern-draft"
DRAFT = campaign_id(command_id("north", DRAFT_KEY, f"POST {API}/drafts"))
"""Of the draft that was asked for with `DRAFT_KEY`."""
SECRET = "zebrasecret"
"""Stands in everything of the other brand's that has room for it, and in no id: whoever reads it has seen through."""

PARAMETERS = {
    "campaign_id": CAMPAIGN, "contact": CONTACT, "step": "1", "operator_id": OPERATOR, "key_id": KEY_ID,
    "brand": "north", "template_id": TEMPLATE, "segment_id": SEGMENT, "import_id": "northern-import",
    "draft_id": DRAFT, "account_id": ACCOUNT,
    "topic": "consents", "partition": "0", "offset": "0", "verb": "pause", "act": "change",
    "token": "wrong",
}  # fmt: skip

GONE, OWN, TAKEN = "gone", "own", "taken"
"""`GONE`: 404, for it names something of the other brand's. `OWN`: any answer, for it can only be about one's own.
`TAKEN`: 409, for such ids are unique in the installation: that one exists is all that is told."""

WALLS: dict[str, str] = {
    "GET /accounts": OWN, "POST /accounts": OWN, "GET /accounts/{account_id}": GONE,
    "PATCH /accounts/{account_id}": GONE, "POST /accounts/{account_id}/test": GONE,
    "POST /accounts/{account_id}/disconnect": GONE, "GET /me": OWN, "PATCH /me": OWN, "PUT /me/password": OWN,
    "POST /me/end-sessions": OWN, "PATCH /brands/{brand}": GONE, "POST /brands": OWN,
    "GET /api-keys": OWN, "POST /api-keys": OWN, "DELETE /api-keys/{key_id}": GONE,
    "POST /audience/preview": OWN, "PUT /campaigns/{campaign_id}": TAKEN, "GET /lists": OWN, "GET /audit": OWN,
    "GET /brands": OWN,
    "GET /brands/{brand}": GONE, "PUT /brands/{brand}": GONE, "GET /campaigns": OWN, "POST /campaigns": OWN,
    "POST /campaigns/plan": OWN, "POST /consents": OWN, "POST /consents/import": OWN, "GET /contacts/{contact}": GONE,
    "GET /contacts": OWN, "GET /contacts.csv": OWN, "GET /segments": OWN, "POST /segments": OWN,
    "GET /segments/{segment_id}": GONE, "GET /segments/{segment_id}/reach": GONE, "PUT /segments/{segment_id}": OWN,
    "DELETE /segments/{segment_id}": OWN, "GET /imports": OWN, "POST /imports": OWN, "GET /imports/{import_id}": GONE,
    "POST /imports/{import_id}/start": GONE, "DELETE /imports/{import_id}": GONE,
    "GET /imports/{import_id}/rejected.csv": GONE,
    "PUT /contacts/{contact}": OWN, "POST /contacts/import": OWN, "GET /costs": OWN, "GET /costs.csv": OWN,
    "GET /dashboard": OWN,
    "GET /audience/known": OWN,
    "GET /drafts": OWN, "POST /drafts": OWN, "GET /drafts/{draft_id}": GONE, "PATCH /drafts/{draft_id}": GONE,
    "DELETE /drafts/{draft_id}": GONE, "POST /drafts/{draft_id}/launch": GONE, "GET /drafts/{draft_id}/review": GONE,
    "GET /dead-letters": OWN, "POST /engagements": OWN,
    "GET /dead-letters/{topic}/{partition}/{offset}": GONE,
    "POST /dead-letters/{topic}/{partition}/{offset}/replay": GONE, "GET /operators": OWN,
    "PUT /operators/{operator_id}": TAKEN, "DELETE /operators/{operator_id}": GONE,
    "POST /operators/{operator_id}/login-link": GONE, "GET /recipients/{contact}/ledger": OWN,
    "GET /recipients/{contact}/consents": OWN, "GET /recipients/{contact}/erase": OWN,
    "POST /recipients/{contact}/erase": OWN, "GET /sends/{campaign_id}/{step}/{contact}": GONE, "GET /uncertain": OWN,
    "POST /uncertain/{campaign_id}/{step}/{contact}/resend": GONE, "GET /templates": OWN,
    "GET /templates/{template_id}": GONE, "PUT /templates/{template_id}": OWN, "DELETE /templates/{template_id}": OWN,
    "POST /uncertain/{campaign_id}/{step}/{contact}/resolve": GONE,
    "POST /content/preview": OWN, "POST /content/mail": OWN, "POST /content/people": OWN,
    "POST /content/test": OWN, "POST /generate": OWN,
    "GET /brands/{brand}/look": GONE, "PUT /brands/{brand}/look": GONE,
}  # fmt: skip
"""By method and path under the interface. Whatever stands under `/campaigns/{campaign_id}` is `GONE`."""

BODIES: dict[str, Any] = {
    "PATCH /accounts/{account_id}": {"rate_per_s": 1}, "PATCH /brands/{brand}": {"name": "Mine"},
    "PUT /me/password": {"password": "a good long one"}, "PATCH /me": {"name": "Sue"},
    "POST /api-keys": {"id": "southern-key"}, "POST /audience/preview": {"filter": {}}, "PUT /brands/{brand}": {},
    "PUT /brands/{brand}/look": {},
    "POST /consents": {"contact": CONTACT, "channel": "sms", "state": "opted_out"},
    "POST /engagements": {"contact": CONTACT, "kind": "visit"}, "PUT /contacts/{contact}": {"name": "Sue"},
    "POST /content/preview": {"contact": CONTACT}, "POST /content/people": {},
    "POST /generate": {"name": "Hi", "channels": ["sms"]},
    "POST /content/test": {
        "to": {"email": "me@example.com"}, "sheet": {"name": "Hi", "channels": ["email"], "body": {"text": "Hi"}},
    },
    "POST /campaigns/{campaign_id}/test": {"to": {"email": "me@example.com"}},
    "PUT /operators/{operator_id}": {"role": "viewer"},
    "POST /segments": {"name": "Mine", "filter": {}}, "PUT /segments/{segment_id}": {"name": "Mine", "filter": {}},
    "POST /imports/{import_id}/start": {"mapping": {"id": "id"}},
    "PATCH /drafts/{draft_id}": {"expected_revision": 1, "changes": {"name": "Mine"}},
    "PUT /templates/{template_id}": {"channel": "sms", "name": "Mine", "content": {"text": "Hi"}},
    "POST /uncertain/{campaign_id}/{step}/{contact}/resolve": {"as": "failed"},
    "POST /campaigns/{campaign_id}/edit": {"body": {"text": "mine now"}},
    "PUT /campaigns/{campaign_id}": {
        "name": "Mine", "channels": ["email"], "audience": {"filter": {}}, "body": {"text": "Hi"},
    },
}  # fmt: skip
"""Good ones, so that a wall and not a mistake in the body is what stops it."""


def wall_of(route: str) -> str:
    """`GET /path/{parameter}` -> what another brand gets."""
    known = WALLS.get(route) or (GONE if "/campaigns/{campaign_id}" in route else "")
    assert known, (
        f"nobody has said what another brand gets from {route}: add it to WALLS in tests/integration/brand_walls.py, "
        "GONE where its path names a thing of a brand, OWN where it can be about the caller's own alone"
    )
    return known


def filled(path: str) -> str:
    """A path with the other brand's things for its parameters."""
    names = set(re.findall(r"{([^}]*)}", path))
    assert names <= set(PARAMETERS), f"{path}: give {names - set(PARAMETERS)} a value in PARAMETERS"
    return re.sub(r"{([^}]*)}", lambda match: PARAMETERS[match[1]], path)


def rest_routes(openapi: dict[str, Any]) -> list[str]:
    """`GET /path` of every route of the interface."""
    paths: dict[str, dict[str, Any]] = openapi["paths"]
    return [
        f"{method.upper()} {path.removeprefix(API)}" for path, methods in sorted(paths.items()) for method in methods
    ]
