"""Drafts: read, made, changed and taken away, each change by whoever had read what was there before.

Revisions are compared in this process: as there is one console, nobody else writes them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any, Final
from weakref import WeakValueDictionary

import structlog
from aiokafka.errors import KafkaError

from schemas import Draft
from schemas.base import CampaignId
from services.console.accounts import Standing, accounts_of
from services.console.auditing import entry
from services.console.core.drafts import BadChangeError, merged, without_person
from services.console.core.findings import Finding, Surroundings, findings
from services.console.hub import Hub
from services.console.known import KnownNames
from services.console.problems import Problem, not_found, one_field
from services.console.security import Identity
from services.domain.brands import brand_named

log = structlog.get_logger("console")
PATIENCE_S: Final = 5.0
"""For Kafka: an editor asks again by itself, and says meanwhile that nothing is saved."""
_AWAY = "Kafka does not answer now: nothing was saved. Send it again shortly; it can be sent any number of times"


def draft_key(brand: str, draft_id: str) -> str:
    """Of a record on `drafts`."""
    return f"{brand}/{draft_id}"


class Drafts:
    def __init__(self, hub: Hub) -> None:
        self.hub, self.names = hub, KnownNames(hub)
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def draft(self, draft_id: str, identity: Identity) -> Draft:
        """Raises `Problem`: 404, also for another brand's; 503."""
        key = draft_key(identity.brand, draft_id)
        if key not in self.hub.drafts.items:
            async with _patience():
                await self.hub.drafts.catch_up()
        if (found := self.hub.drafts.items.get(key)) is None:
            raise not_found("draft", draft_id)
        return found

    async def create(self, identity: Identity, draft: Draft) -> Draft:
        """Its sheet is checked as every change is; one that is there already stays. Raises `Problem` 422, 503."""
        if there := self.hub.drafts.items.get(draft_key(identity.brand, draft.draft_id)):
            return there
        made = draft.model_copy(update={"sheet": _merged({}, draft.sheet)})
        await self._put(identity, made, "draft.create")
        return made

    async def change(self, identity: Identity, draft_id: str, expected: int, changes: Mapping[str, Any]) -> Draft:
        """With the changes made. Those that are in it already are no conflict, whoever made them: so may be repeated
        what got no answer. Raises `Problem` 404, 409, 422, 503."""
        async with self.lock(identity, draft_id):
            was = await self.draft(draft_id, identity)
            sheet = _merged(was.sheet, changes)
            if sheet == was.sheet:
                return was
            if expected != was.revision:
                raise conflict(was)
            return await self._replace(identity, was, sheet)

    async def forget(self, identity: Identity, contact: str) -> None:
        """Take somebody who is erased off every draft that lists them. Raises `Problem` 503."""
        for listed in self.hub.drafts_of(identity):
            async with self.lock(identity, listed.draft_id):
                draft = self.hub.drafts.items.get(draft_key(identity.brand, listed.draft_id))
                if draft and (sheet := without_person(draft.sheet, contact)) is not None:
                    await self._replace(identity, draft, sheet)

    async def remove(self, identity: Identity, draft: Draft, *, told: bool = True) -> None:
        """`told`: whether the audit log is. Raises `Problem` 503."""
        audit = entry(identity, self.hub.now(), "draft.remove", f"draft/{draft.draft_id}") if told else None
        async with _patience():
            await self.hub.keep(self.hub.drafts, draft_key(draft.brand, draft.draft_id), None, audit)

    async def around(self, identity: Identity) -> Surroundings:
        """What the brand's sheets are judged by, now."""
        hub = self.hub
        return Surroundings(
            brand_named(hub.brands.items, identity.brand), hub.account_lookup(identity.brand), hub.templates.items,
            await self.names.of(identity.brand), hub.now(),
        )  # fmt: skip

    def accounts(self, identity: Identity) -> dict[str, list[Standing]]:
        """By channel, those that the brand may send by; the default one first."""
        found: dict[str, list[Standing]] = {}
        for each in accounts_of(self.hub, identity.brand):
            if each.state != "disconnected":
                found.setdefault(each.account.channel.value, []).append(each)
        return found

    async def findings(self, identity: Identity, draft: Draft) -> list[Finding]:
        """What is wrong with it."""
        return findings(draft.sheet, await self.around(identity))

    def new(self, identity: Identity, draft_id: str, sheet: Mapping[str, Any], **more: Any) -> Draft:
        """Not on the topic yet."""
        now = self.hub.now()
        return Draft(
            draft_id=CampaignId(draft_id), brand=identity.brand, revision=1, sheet=dict(sheet), created_at=now,
            updated_at=now, updated_by=identity.name, **more,
        )  # fmt: skip

    async def _replace(self, identity: Identity, was: Draft, sheet: dict[str, Any]) -> Draft:
        """With another sheet; whoever calls holds the draft's lock."""
        made = was.model_copy(update={
            "sheet": sheet, "revision": was.revision + 1, "updated_at": self.hub.now(), "updated_by": identity.name,
        })  # fmt: skip
        await self._put(identity, made)
        return made

    async def _put(self, identity: Identity, draft: Draft, action: str = "") -> None:
        audit = entry(identity, self.hub.now(), action, f"draft/{draft.draft_id}") if action else None
        async with _patience():
            await self.hub.keep(self.hub.drafts, draft_key(draft.brand, draft.draft_id), draft, audit)

    def lock(self, identity: Identity, draft_id: str) -> asyncio.Lock:
        """Held by whoever changes a draft, from reading it on."""
        return self._locks.setdefault(draft_key(identity.brand, draft_id), asyncio.Lock())


def conflict(draft: Draft) -> Problem:
    """Somebody else was faster: who, when, and what the draft is now."""
    who = draft.updated_by or "somebody"
    return Problem(
        409, "conflict",
        f"{who} has changed this draft since you read it: look at what it is now, then send your changes with "
        f"expected_revision {draft.revision}",
        revision=draft.revision, updated_by=draft.updated_by, updated_at=draft.model_dump(mode="json")["updated_at"],
        sheet=draft.sheet,
    )  # fmt: skip


def _merged(sheet: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    try:
        return merged(sheet, changes)
    except BadChangeError as error:
        raise one_field(error.field, "invalid", error.message) from None


@asynccontextmanager
async def _patience() -> AsyncIterator[None]:
    """Raises `Problem` 503 where Kafka does not answer in time."""
    try:
        async with asyncio.timeout(PATIENCE_S):
            yield
    except (TimeoutError, KafkaError) as error:
        log.warning("Kafka does not answer an editor", error=repr(error))
        raise Problem(503, "kafka_unavailable", _AWAY) from error
