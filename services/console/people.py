"""What is recorded of one person: read from ClickHouse, turned into what `explain` rests on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar, cast

from schemas import UNKNOWN_ORDINAL, CampaignRecord, Channel, Consent, Status
from services.console.core.consents import each_once, standing
from services.console.core.events import OLDEST, Place, behind
from services.console.hub import Hub, Row
from services.console.queries import people as queries
from services.console.sends import utc
from services.domain.audience import named_campaigns
from services.domain.erasure import Hasher
from services.domain.explain import ContactFacts, Explanation, Facts, LedgerEvent, Membership, explain
from services.domain.messages import event_id

BITS = {Channel.EMAIL: 1, Channel.SMS: 2, Channel.WHATSAPP: 4, Channel.PUSH: 8, Channel.SOCIAL: 16}
MOST_EVENTS = 1000
MORE = 8
"""Rows more than events that are wanted: for some that are told twice, or were shown before."""
T = TypeVar("T")


class People:
    """For one request: who was asked for once is not asked for again."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self._asked: dict[tuple[str, ...], asyncio.Task[Any]] = {}

    async def _once(self, key: tuple[str, ...], ask: Callable[[], Coroutine[Any, Any, T]]) -> T:
        if key not in self._asked:
            self._asked[key] = asyncio.create_task(ask())
        return cast(T, await self._asked[key])

    async def contact(self, recipient: str) -> Row | None:
        """The person's fields as merged; None: nobody is known by this id."""
        found = await self._once(("contact", recipient), lambda: self._contact(recipient))
        return dict(found) if found else None

    async def _contact(self, recipient: str) -> Row | None:
        rows = await self.hub.rows(queries.CONTACT, recipient=recipient)
        row = max(rows, key=lambda each: (each["told"], int(each["version"])), default=None)
        if row is None or row["is_deleted"]:
            return None
        del row["told"]
        last = utc(row["last_active_at"])
        return row | {
            "attributes": json.loads(row["attributes"] or "{}"),
            "last_active_at": last if last.timestamp() > 0 else None,
        }  # fmt: skip

    async def standing_consents(self, recipient: str) -> list[Row]:
        """What holds now, by channel and purpose."""
        return standing(await self.words(recipient))

    async def consents(self, recipient: str) -> list[Consent]:
        """What a person agreed to and declined: the newest of each kind, oldest first."""
        newest = {(word["channel"], word["purpose"], word["state"]): word for word in await self.words(recipient)}
        said = [
            {name: word[name] for name in ("channel", "purpose", "state", "at", "source", "proof")}
            | {"recipient": recipient, "reason": word["reason"] or "opted_out"}
            for word in sorted(newest.values(), key=lambda each: each["at"])
        ]
        return [Consent.model_validate(row) for row in said]

    async def words(self, recipient: str) -> list[Row]:
        """All that was ever said on consent, oldest first."""
        return await self._once(("words", recipient), lambda: self._ask_words(recipient))

    async def _ask_words(self, recipient: str) -> list[Row]:
        rows = await self.hub.rows(queries.WORDS, recipient=recipient)
        return each_once(row | {"at": utc(row["at"]), "told_at": utc(row["told_at"])} for row in rows)

    async def ledger(
        self, recipient: str, campaign: str = "", place: Place = OLDEST, most: int = MOST_EVENTS
    ) -> list[Row]:
        """Events, oldest first, each once."""
        events = await self._events(queries.LEDGER, place, most, recipient=recipient, campaign=campaign)
        contact = recipient.partition("/")[2]
        for event in events:
            send_id = f"{event['campaign_id']}/{event['step']}/{contact}"
            told_as = event_id(send_id, event["attempt"], event["status"], event["source"])
            event |= {"send_id": send_id, "event_id": told_as}
        return events

    async def of_campaign(self, recipient: str, campaign: str) -> list[Row]:
        """The person's events in it, oldest first, each once."""
        return await self._once(("events", recipient, campaign), lambda: self.ledger(recipient, campaign))

    async def newest(self, recipient: str, place: Place, most: int) -> list[Row]:
        """Events, the newest first, each once."""
        return await self._events(queries.NEWEST, place, most, recipient=recipient)

    async def _events(self, query: str, place: Place, most: int, **given: Any) -> list[Row]:
        asked = most + MORE
        while True:
            rows = await self.hub.rows(query, at_ms=place.at_ms, most=asked, **given)
            events, complete = behind(rows, place), len(rows) < asked
            if complete and events is None:  # what was shown last has gone: nothing tells what else of its moment was
                events = behind(rows, Place(place.at_ms)) or []
            if events is not None and (complete or len(events) >= most):
                break
            asked *= 2
        return [
            event | {"occurred_at": utc(event["occurred_at"]), "machine": bool(event["machine"])}
            for event in events[:most]
        ]

    async def campaigns_of(self, recipient: str, most: int = 50) -> list[str]:
        """Ids, the newest first."""
        return [row["campaign_id"] for row in await self.hub.rows(queries.CAMPAIGNS_OF, recipient=recipient, most=most)]

    async def explain(self, record: CampaignRecord, recipient: str, zone: str = "") -> Explanation:
        """`zone`: of the times; empty: the person's own, else UTC."""
        contact, events, consents = await asyncio.gather(
            self.contact(recipient), self.of_campaign(recipient, record.campaign_id), self.consents(recipient)
        )
        places = {row["ord"] for row in events} - {UNKNOWN_ORDINAL}
        member = await self._member(record, recipient, sorted(places))
        if member is None and contact is not None:
            contact |= await self._elsewhere(record, recipient)
        facts = Facts(
            recipient=recipient,
            campaign=record,
            now=self.hub.now(),
            member=member,
            contact=_contact_facts(contact) if contact else None,
            erased=member is None and contact is None and await self._erased(recipient),
            consents=consents,
            events=[event_of(row) for row in events],
            progress=self.hub.progress_of(record),
            zone=zone or (contact["zone"] if contact else "") or "UTC",
        )
        return explain(facts)

    async def _elsewhere(self, record: CampaignRecord, recipient: str) -> dict[str, frozenset[str]]:
        """What other campaigns did with a person, as far as the filter asks for it."""
        named = sorted(named_campaigns(record.filter)) if record.filter else []
        if not named:
            return {}
        rows = await self.hub.rows(queries.ELSEWHERE, recipient=recipient, campaigns=named)
        found = {how: frozenset(row["campaign"] for row in rows if row["how"] == how) for how in ("member", "reached")}
        return {"member_of": found["member"], "reached_by": found["reached"]}

    async def _erased(self, recipient: str) -> bool:
        try:
            hasher = Hasher(self.hub.settings.master_key.get_secret_value())
        except ValueError:
            return False
        brand = recipient.partition("/")[0]
        return bool(await self.hub.rows(queries.ERASED, brand=brand, hash=hasher.of_recipient(recipient)))

    async def _member(self, record: CampaignRecord, recipient: str, places: list[int]) -> Membership | None:
        """`places`: in the audience, as far as the ledger tells them: without any, all of it is looked through."""
        if record.audience is None:
            return None
        rows = await self.hub.rows(
            queries.MEMBERSHIP, campaign=record.campaign_id, snapshot=record.audience.snapshot_id, recipient=recipient,
            ords=places,
        )  # fmt: skip
        if not rows:
            return None
        row = rows[0]
        return Membership(
            ord=row["ord"],
            inline=bool(row["inline"]),
            name=row["name"],
            opt_in=_channels(row["opt_in"]),
            duplicate=_channels(row["duplicate"]),
            zone=row["clock_zone"],
            best_hour=row["best_hour"],
        )


def _contact_facts(row: Row) -> ContactFacts:
    names = ("name", "zone", "role", "city", "pincode", "last_active_at", "attributes", "lists")
    return ContactFacts(**{name: row[name] for name in (*names, "member_of", "reached_by") if name in row})


def event_of(row: dict[str, Any]) -> LedgerEvent:
    return LedgerEvent(
        step=row["step"],
        attempt=row["attempt"],
        channel=Channel(row["channel"]),
        status=Status(row["status"]),
        occurred_at=row["occurred_at"],
        reason=row["reason"],
        detail=row["detail"],
        account=row["account"],
        machine=row["machine"],
        source=row["source"],
        event_id=row["event_id"],
        provider_message_id=row["provider_message_id"],
        cost_micros=row["cost_micros"],
    )


def _channels(bits: int) -> frozenset[Channel]:
    return frozenset(channel for channel, bit in BITS.items() if bits & bit)
