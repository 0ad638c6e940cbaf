"""`/recipients/{contact}/erase`: forget a person, for good; and how far that is."""

from __future__ import annotations

from datetime import datetime
from typing import Final, Literal

from fastapi import APIRouter

from schemas import Consent
from schemas.base import ContactKey, Wire
from schemas.topics import CONSENTS
from services.console.api.drafts import DraftsOf
from services.console.auditing import entry
from services.console.hub import Hub, HubOf
from services.console.problems import Problem
from services.console.security import Caller
from services.console.sends import utc
from services.domain.erasure import ERASED, Hasher, looks_erased

router = APIRouter(tags=["people"])
WILL: Final = (
    "stop all messages to this person at once; what is queued is called back",
    "delete the contact, consents, messages received, and every address from the ledger and from audiences",
    "keep the figures of campaigns, under a name that says nothing",
    "keep keyed hashes of the id and the addresses, so that the person is never imported or messaged again",
)
_STATE = """
SELECT state, detail, requested_at, updated_at FROM erasures WHERE pseudonym = {pseudonym:String}
ORDER BY updated_at DESC LIMIT 1
"""


class Erasure(Wire):
    recipient: str
    state: Literal["none", "requested", "erasing", "done"]
    detail: str = ""
    requested_at: datetime | None = None
    updated_at: datetime | None = None
    will: tuple[str, ...] = WILL


@router.post("/recipients/{contact}/erase", status_code=202)
async def erase(contact: ContactKey, hub: HubOf, drafts: DraftsOf, caller: Caller) -> Erasure:
    """Begin it. May be asked again at will; it cannot be undone."""
    recipient = caller.recipient(contact)
    if looks_erased(recipient):
        raise Problem(409, "already_erased", f"'{contact}' is what is left of a person who has been erased")
    _hasher(hub)
    now = hub.now()
    wish = Consent.model_validate(
        {"recipient": recipient, "channel": "all", "state": "opted_out", "at": now, "source": "erasure",
         "proof": f"asked for by {caller.name}", "reason": ERASED}
    )  # fmt: skip
    told = entry(caller, now, "contact.erase", recipient=recipient)
    await hub.publish(CONSENTS, recipient, wish.write(), told)
    await drafts.forget(caller, contact)
    return Erasure(recipient=recipient, state="requested", requested_at=now, updated_at=now)


@router.get("/recipients/{contact}/erase")
async def erasure(contact: ContactKey, hub: HubOf, caller: Caller) -> Erasure:
    """How far it is. `none`: nobody has asked for it, as far as has been read."""
    recipient = caller.recipient(contact)
    rows = await hub.rows(_STATE, pseudonym=_hasher(hub).pseudonym(recipient))
    if not rows:
        return Erasure(recipient=recipient, state="none")
    row = rows[0]
    return Erasure(
        recipient=recipient, state=row["state"], detail=row["detail"], requested_at=utc(row["requested_at"]),
        updated_at=utc(row["updated_at"]),
    )  # fmt: skip


def _hasher(hub: Hub) -> Hasher:
    try:
        return Hasher(hub.settings.master_key.get_secret_value())
    except ValueError as error:
        raise Problem(503, "no_master_key", str(error)) from None
