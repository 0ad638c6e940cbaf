"""Who has an address, and which address somebody has: contacts, and people listed in a campaign itself."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from schemas import CampaignRecord, CampaignStatus
from services.tracker.core.contacts import NewAddress
from services.tracker.core.rows import SUPPRESSION_COLUMNS
from services.tracker.core.stops import ADDRESS_FIELD, LastSend, PersonStop, Stop, suppression_row
from services.tracker.store import Store

CHUNK: Final = 5_000
FIELD_CHANNELS: Final[dict[str, tuple[str, ...]]] = {"email": ("email",), "phone": ("sms", "whatsapp")}
_OVER: Final = frozenset({CampaignStatus.COMPLETED, CampaignStatus.CANCELLED})
_ANSWER_DAYS: Final = 7
"""An answer later than this answers no message in particular."""

# An address that was given after the event is another one than the message went to.
_OF_CONTACTS = """
SELECT recipient_id, email, phone,
       toUnixTimestamp64Milli(field_times['email']), toUnixTimestamp64Milli(field_times['phone'])
FROM (
    SELECT recipient_id, email, phone, field_times, is_deleted
    FROM (
        SELECT recipient_id, email, phone, field_times, version, is_deleted
        FROM contacts WHERE recipient_id IN %(keys)s
        UNION ALL
        SELECT recipient_id, email, phone, field_times, version, is_deleted
        FROM contacts_changes WHERE recipient_id IN %(keys)s
    )
    ORDER BY version DESC
    LIMIT 1 BY recipient_id
)
WHERE is_deleted = 0
"""
_OF_LISTED = """
SELECT recipient_id, campaign_id, email, phone FROM audience_members
WHERE campaign_id = %(campaign)s AND snapshot_id = %(snapshot)s AND recipient_id IN %(keys)s
"""
_CONTACTS_WITH = """
SELECT DISTINCT brand, recipient_id, {field} FROM v_contacts WHERE brand IN %(brands)s AND {field} IN %(addresses)s
"""
_LISTED_WITH = """
SELECT DISTINCT recipient_id, {field} FROM audience_members
WHERE (campaign_id, snapshot_id) IN %(snapshots)s AND {field} IN %(addresses)s
"""
_SUPPRESSED = """
SELECT brand, channel, address, reason, toUnixTimestamp64Milli(at) FROM address_suppressions FINAL
WHERE channel IN %(channels)s AND brand IN %(brands)s AND address IN %(addresses)s AND lifted = 0
"""
_ANY_SUPPRESSED = """
SELECT 1 FROM address_suppressions FINAL WHERE brand IN %(brands)s AND lifted = 0 LIMIT 1
"""
_LAST_SEND = """
SELECT recipient_id, campaign_id, step, attempt, ord, account FROM delivery_events
WHERE recipient_id IN %(keys)s AND channel = %(channel)s AND status IN ('accepted', 'uncertain', 'delivered', 'read')
  AND occurred_at <= fromUnixTimestamp64Milli(%(at)s) AND occurred_at > fromUnixTimestamp64Milli(%(since)s)
ORDER BY occurred_at DESC, recipient_id, campaign_id, step, attempt DESC
LIMIT 1
"""


class Addresses:
    def __init__(self, store: Store, campaigns: Callable[[], dict[str, CampaignRecord]]) -> None:
        self.store, self.campaigns = store, campaigns

    async def of_people(self, stops: Sequence[PersonStop]) -> dict[tuple[str, str, str], str]:
        """(recipient, channel, campaign) -> the address that the message went to, where it is still known."""
        listed, contacts = defaultdict[str, list[PersonStop]](list), list[PersonStop]()
        for stop in stops:
            campaign = self.campaigns().get(stop.campaign_id)
            if campaign and campaign.filter is None and campaign.audience:
                listed[stop.campaign_id].append(stop)
            else:
                contacts.append(stop)
        found = await self._of_contacts(contacts)
        for campaign_id, told in listed.items():
            found |= await self._of_listed(campaign_id, told)
        return found

    async def holders(self, stops: Iterable[Stop]) -> list[tuple[Stop, str]]:
        """Each stop with each recipient of its brand who has the address."""
        grouped = defaultdict[str, list[Stop]](list)
        for stop in stops:
            grouped[ADDRESS_FIELD[stop.channel]].append(stop)
        return [pair for field, told in grouped.items() for pair in await self._holders(field, told)]

    async def suppress(self, stops: Sequence[Stop]) -> None:
        """Remember it of the address itself, for people who get it later."""
        await self.store.insert("address_suppressions", SUPPRESSION_COLUMNS, [suppression_row(stop) for stop in stops])

    async def known_stops(self, given: Sequence[NewAddress]) -> list[tuple[Stop, str]]:
        """Stops of addresses that have just been given to somebody, with that recipient."""
        found = []
        brands = sorted({new.recipient.partition("/")[0] for new in given})
        if not await self.store.rows(_ANY_SUPPRESSED, {"brands": brands}):
            return []
        for at in range(0, len(given), CHUNK):
            chunk = given[at : at + CHUNK]
            rows = await self.store.rows(
                _SUPPRESSED,
                {
                    "brands": sorted({new.recipient.partition("/")[0] for new in chunk}),
                    "channels": list(ADDRESS_FIELD),
                    "addresses": sorted({new.address for new in chunk}),
                },
            )
            stops = {(brand, channel, address): (reason, at_ms) for brand, channel, address, reason, at_ms in rows}
            for new in chunk if stops else ():
                brand = new.recipient.partition("/")[0]
                for channel in FIELD_CHANNELS[new.field]:
                    if told := stops.get((brand, channel, new.address)):
                        moment = datetime.fromtimestamp(told[1] / 1000, UTC)
                        found.append((Stop(brand, channel, new.address, told[0], moment, "address"), new.recipient))
        return found

    async def last_send(self, recipients: Sequence[str], channel: str, at: datetime) -> LastSend | None:
        """The latest send on the channel to one of them, not after `at`."""
        if not recipients:
            return None
        moment = round(at.timestamp() * 1000)
        rows = await self.store.rows(
            _LAST_SEND,
            {
                "keys": list(recipients),
                "channel": channel,
                "at": moment,
                "since": moment - _ANSWER_DAYS * 86_400_000,
            },
        )
        for recipient, campaign_id, step, attempt, ordinal, account in rows:
            return LastSend(recipient, campaign_id, step, attempt, ordinal, channel, account)
        return None

    async def _of_contacts(self, stops: Sequence[PersonStop]) -> dict[tuple[str, str, str], str]:
        if not stops:
            return {}
        rows = await self.store.rows(_OF_CONTACTS, {"keys": sorted({stop.recipient for stop in stops})})
        known = {row[0]: {"email": (row[1], row[3]), "phone": (row[2], row[4])} for row in rows}
        found = {}
        for stop in stops:
            address, since = known.get(stop.recipient, {}).get(ADDRESS_FIELD[stop.channel], ("", 0))
            if address and since <= stop.at.timestamp() * 1000:
                found[stop.recipient, stop.channel, stop.campaign_id] = address
        return found

    async def _of_listed(self, campaign_id: str, stops: Sequence[PersonStop]) -> dict[tuple[str, str, str], str]:
        audience = self.campaigns()[campaign_id].audience
        assert audience is not None, "checked by the caller"
        rows = await self.store.rows(
            _OF_LISTED,
            {
                "campaign": campaign_id,
                "snapshot": audience.snapshot_id,
                "keys": sorted({stop.recipient for stop in stops}),
            },
        )
        known: dict[str, dict[str, Any]] = {row[0]: {"email": row[2], "phone": row[3]} for row in rows}
        return {
            (stop.recipient, stop.channel, campaign_id): address
            for stop in stops
            if (address := known.get(stop.recipient, {}).get(ADDRESS_FIELD[stop.channel], ""))
        }

    async def _holders(self, field: str, stops: Sequence[Stop]) -> list[tuple[Stop, str]]:
        brands, addresses = sorted({stop.brand for stop in stops}), sorted({stop.address for stop in stops})
        who = defaultdict[tuple[str, str], set[str]](set)
        for at in range(0, len(addresses), CHUNK):
            wanted: dict[str, Any] = {"brands": brands, "addresses": addresses[at : at + CHUNK]}
            for brand, recipient, address in await self.store.rows(_CONTACTS_WITH.replace("{field}", field), wanted):
                who[brand, address].add(recipient)
            snapshots = self._listed_snapshots(brands)
            if snapshots:
                listed = await self.store.rows(
                    _LISTED_WITH.replace("{field}", field), wanted | {"snapshots": snapshots}
                )
                for recipient, address in listed:
                    who[recipient.partition("/")[0], address].add(recipient)
        return [(stop, recipient) for stop in stops for recipient in sorted(who[stop.brand, stop.address])]

    def _listed_snapshots(self, brands: Sequence[str]) -> list[tuple[str, str]]:
        """Audiences of campaigns with a list of their own that may still send."""
        return [
            (record.campaign_id, record.audience.snapshot_id)
            for record in self.campaigns().values()
            if record.filter is None and record.audience and record.status not in _OVER and record.brand in brands
        ]
