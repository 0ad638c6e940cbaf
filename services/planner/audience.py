"""The frozen audience in ClickHouse: make it, and read it by pages."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import msgspec
from clickhouse_connect.driver.asyncclient import AsyncClient
from ulid import ULID

from schemas import AudienceFilter, CampaignRecord, FrozenAudience, InlineRecipient
from schemas.topics import load_topics
from services.domain.audience import (
    ATTRIBUTE_NAMES,
    CONTACT_FIELDS,
    KNOWN_CAMPAIGNS,
    filter_parameters,
    matching,
    named_campaigns,
)
from services.domain.erasure import PREFIX
from services.planner import hour_queries, queries
from services.planner.best_hours import BestHour, brand_hour, hour_parameters, listed_hours, wanted
from services.planner.core.hours import Group
from services.planner.core.requests import Member
from services.planner.listed import LISTED_COLUMNS, listed_rows
from services.runtime.erased import ErasedPeople
from services.runtime.kafka import partition_of

MEMBER_COLUMNS = (
    "ord", "recipient_id", "partition", "inline", "opt_in", "duplicate", "erased", "email", "phone", "name", "zone",
    "city", "pincode", "role", "own_attributes", "attributes", "clock_zone", "best_hour", "best_opens", "opens",
)  # fmt: skip


def new_snapshot_id() -> str:
    return str(ULID())


class AudienceStore:
    def __init__(self, clickhouse: AsyncClient, master_key: str = "") -> None:
        self.clickhouse, self.partitions = clickhouse, load_topics().partitions
        self.erased = ErasedPeople(master_key, self._query)

    async def _query(self, query: str) -> Sequence[Sequence[Any]]:
        return (await self.clickhouse.query(query)).result_rows

    async def freeze(self, record: CampaignRecord, now: datetime) -> FrozenAudience:
        """Number the people that the filter means now. A new snapshot each try, so a broken one harms nothing."""
        assert record.filter is not None, "a list of people is frozen when it arrives"
        snapshot = new_snapshot_id()
        habits = hour_queries.HABITS % {"whom": "SELECT recipient_id FROM matched"}
        statement = queries.FREEZE % {
            "matching": matching(record.filter),
            "placed": hour_queries.PLACED,
            "habits": habits if wanted(record) else hour_queries.NO_HABITS,
            "best": hour_queries.BEST_HOUR,
        }
        hour = await brand_hour(self.clickhouse, record, now)
        parameters = filter_parameters(record.filter, record.brand, now) | hour_parameters(record, now)
        await self.clickhouse.command(
            statement,
            parameters=parameters | {"campaign": record.campaign_id, "snapshot": snapshot, "brand_hour": hour},
        )
        return FrozenAudience(snapshot_id=snapshot, count=await self._verified_count(record.campaign_id, snapshot))

    async def store(self, record: CampaignRecord, people: Sequence[InlineRecipient], now: datetime) -> FrozenAudience:
        """Number the people that a campaign lists, with their addresses and attributes."""
        frozen = await self._store(record, people, {})
        if people and wanted(record):  # once more, now that they can be asked about
            hours = await listed_hours(self.clickhouse, record, frozen.snapshot_id, now)
            default = BestHour(await brand_hour(self.clickhouse, record, now))
            recipients = (f"{record.brand}/{person.id}" for person in people)
            frozen = await self._store(record, people, {name: hours.get(name, default) for name in recipients})
        return frozen

    async def _store(
        self, record: CampaignRecord, people: Sequence[InlineRecipient], hours: Mapping[str, BestHour]
    ) -> FrozenAudience:
        snapshot = new_snapshot_id()
        await self.erased.refresh()
        if rows := listed_rows(record, snapshot, people, hours, self.erased):
            await self.clickhouse.insert("audience_members", rows, column_names=LISTED_COLUMNS)
        return FrozenAudience(snapshot_id=snapshot, count=await self._verified_count(record.campaign_id, snapshot))

    async def _verified_count(self, campaign_id: str, snapshot: str) -> int:
        result = await self.clickhouse.query(
            queries.FROZEN_COUNT, parameters={"campaign": campaign_id, "snapshot": snapshot}
        )
        count, last = result.result_rows[0]
        if count and last != count - 1:
            raise RuntimeError(f"snapshot {snapshot} has {count} people but ends at {last}")
        return int(count)

    async def attribute_names(self, brand: str) -> frozenset[str]:
        """Every name that a placeholder of this brand's contacts may have."""
        result = await self.clickhouse.query(ATTRIBUTE_NAMES, parameters={"brand": brand})
        return CONTACT_FIELDS | {row[0] for row in result.result_rows}

    async def known_campaigns(self, brand: str, audience: AudienceFilter) -> set[str]:
        """Of those that a filter names, the brand's."""
        if not (named := list(named_campaigns(audience))):
            return set()
        result = await self.clickhouse.query(KNOWN_CAMPAIGNS, parameters={"brand": brand, "campaigns": named})
        return {row[0] for row in result.result_rows}

    async def listed_attribute_names(self, campaign_id: str, audience: FrozenAudience) -> frozenset[str]:
        """Every name that a placeholder may have in a campaign that lists its people."""
        result = await self.clickhouse.query(
            queries.LISTED_ATTRIBUTE_NAMES, parameters={"campaign": campaign_id, "snapshot": audience.snapshot_id}
        )
        return CONTACT_FIELDS | {row[0] for row in result.result_rows}

    async def next_of(
        self, record: CampaignRecord, groups: Collection[Group], first: int, last: int, most: int
    ) -> list[int]:
        """The next ordinals of these groups, from `first` up to `last`."""
        assert record.audience is not None, "not frozen yet"
        parameters = {
            "campaign": record.campaign_id, "snapshot": record.audience.snapshot_id, "first": first, "last": last,
            "most": most, "groups": [tuple(group) for group in groups],
        }  # fmt: skip
        rows = (await self.clickhouse.query(hour_queries.NEXT_OF_GROUPS, parameters=parameters)).result_rows
        return [row[0] for row in rows]

    async def range(self, record: CampaignRecord, first: int, last: int, attributes: bool) -> list[Member]:
        """Members `first`..`last`, by ordinal."""
        return await self._members(record, queries.RANGE, {"first": first, "last": last}, attributes)

    async def listed(self, record: CampaignRecord, ords: Sequence[int], attributes: bool) -> list[Member]:
        """These members, by ordinal. An ordinal without a row is somebody of whom nothing is left."""
        found = await self._members(record, queries.LIST, {"ords": list(ords)}, attributes)
        missing = set(ords) - {member.ord for member in found}
        return sorted([*found, *(self._nobody(record, ord_) for ord_ in missing)], key=lambda member: member.ord)

    def _nobody(self, record: CampaignRecord, ord_: int) -> Member:
        recipient = f"{record.brand}/{PREFIX}{ord_}"
        partition = partition_of(recipient, self.partitions)
        return Member(ord_, recipient, partition, "", "", "", 0, 0, {}, erased=True)

    async def _members(
        self, record: CampaignRecord, which: str, parameters: dict[str, Any], attributes: bool
    ) -> list[Member]:
        assert record.audience is not None, "not frozen yet"
        statement = queries.MEMBERS % {
            "which": which,
            "attributes": queries.WITH_ATTRIBUTES if attributes else queries.WITHOUT_ATTRIBUTES,
        }
        result = await self.clickhouse.query(
            statement,
            parameters=parameters
            | {"campaign": record.campaign_id, "snapshot": record.audience.snapshot_id, "partitions": self.partitions},
            column_oriented=True,
        )
        columns = dict(zip(result.column_names, result.result_columns, strict=True)) if result.row_count else {}
        await self.erased.refresh()
        return [self._marked(member) for member in members_from_columns(columns)] if columns else []

    def _marked(self, member: Member) -> Member:
        """With what is known since the audience was frozen."""
        if not member.erased and self.erased.knows(member.recipient, member.email, member.phone):
            return replace(member, erased=True)
        return member


def members_from_columns(columns: dict[str, Sequence[Any]]) -> list[Member]:
    decode = msgspec.json.decode
    members = []
    for row in zip(*(columns[name] for name in MEMBER_COLUMNS), strict=True):
        (
            ord_,
            recipient,
            partition,
            inline,
            opt_in,
            duplicate,
            erased,
            email,
            phone,
            name,
            zone,
            city,
            pincode,
            role,
            own,
            more,
            *clock,
        ) = row
        data: dict[str, Any] = {"name": name, "email": email, "phone": phone, "zone": zone}
        attributes = own if inline else more
        if not inline:
            data |= {"city": city, "pincode": pincode, "role": role}
        if attributes:
            data |= decode(attributes)
        members.append(
            Member(ord_, recipient, partition, email, phone, zone, opt_in, duplicate, data, bool(erased), *clock)
        )
    return members
