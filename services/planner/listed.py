"""Rows of people who are listed in a campaign itself: stored with the frozen audience, address and attributes."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from schemas import CampaignRecord, InlineRecipient
from services.domain.addresses import clean_address
from services.domain.schedule import NO_HOUR
from services.planner.best_hours import BestHour
from services.planner.core.hours import zone_of_campaign
from services.planner.core.requests import CHANNEL_BIT
from services.runtime.erased import ErasedPeople

LISTED_COLUMNS = (
    "campaign_id", "snapshot_id", "ord", "recipient_id", "inline", "name", "email", "phone", "zone", "attributes",
    "opt_in", "duplicate", "erased", "clock_zone", "best_hour", "best_opens", "opens",
)  # fmt: skip


def listed_rows(
    record: CampaignRecord,
    snapshot: str,
    people: Sequence[InlineRecipient],
    hours: Mapping[str, BestHour],
    erased: ErasedPeople,
) -> list[tuple[Any, ...]]:
    """Numbered from 0, with `LISTED_COLUMNS`. `hours`: by recipient, where they are known."""
    campaign_id, zone = record.campaign_id, zone_of_campaign(record)
    seen: dict[tuple[str, str], int] = {}
    rows: list[tuple[Any, ...]] = []
    for ord_, person in enumerate(people):
        email, phone = clean_address("email", person.email), clean_address("sms", person.phone)
        duplicate = 0
        for kind, address, bits in (("email", email, 1), ("phone", phone, 6)):
            if address and seen.setdefault((kind, address), ord_) != ord_:
                duplicate |= bits
        recipient = f"{record.brand}/{person.id}"
        if erased.hasher is not None and erased.knows(recipient, email, phone):
            name = erased.hasher.pseudonym(recipient)
            rows.append(
                (campaign_id, snapshot, ord_, name, 1, "", "", "", "", "{}", 0, duplicate, 1, zone, NO_HOUR, 0, 0)
            )
            continue
        opt_in = sum(CHANNEL_BIT[channel] for channel in set(person.opt_in))
        best = hours.get(recipient, BestHour())
        rows.append(
            (campaign_id, snapshot, ord_, recipient, 1, person.name, email, phone, person.zone or "",
             json.dumps(person.attributes), opt_in, duplicate, 0,
             person.zone or zone, best.hour, best.best_opens, best.opens)
        )  # fmt: skip
    return rows
