"""What a campaign would come to, asked of ClickHouse: for the dry run at the console and for the planner's launch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from schemas import CampaignRecord, Forecast, InlineRecipient
from services.domain.audience import filter_parameters
from services.domain.campaigns import AccountLookup, compile_step
from services.domain.content import SPECIAL_NAMES, Compiled, TemplateProblem
from services.domain.forecast import (
    LISTED_SAID,
    MOST_SAMPLED,
    Price,
    Sampled,
    forecast,
    listed_reach,
    price_of,
    sample_query,
    sampled_from,
)
from services.domain.forecast.listed import opted_in
from services.domain.reach import by_channel, matched
from services.runtime.reaching import Ask, reach_rows

_LISTED: Final = """
-- People whom a campaign lists itself, as they were stored.
SELECT recipient_id, email, phone, name, zone, attributes, opt_in FROM audience_members
WHERE campaign_id = {campaign:String} AND snapshot_id = {snapshot:String} AND NOT erased ORDER BY ord LIMIT 1 BY ord
"""


async def foresee(
    ask: Ask, record: CampaignRecord, accounts: AccountLookup, public_url: str, now: datetime,
    people: Sequence[InlineRecipient] | None = None,
) -> Forecast:  # fmt: skip
    """`people`: those whom the campaign lists, where they are not stored yet. Raises what `ask` raises."""
    contents = _contents(record)
    channels = list(dict.fromkeys(step.channel for step in record.steps))
    needs = [] if record.kind == "transactional" else record.needs_opt_in
    if record.filter is not None:
        caps = [] if record.kind == "transactional" else record.limits.caps
        rows = await reach_rows(ask, record.filter, record.brand, caps, now)
        parameters = filter_parameters(record.filter, record.brand, now)
        names = {name for content in contents.values() for name in content.placeholders} - SPECIAL_NAMES
        sample = sampled_from(await ask(sample_query(record.filter, names), parameters))
    else:
        listed = list(people) if people is not None else await _stored(ask, record)
        keys = [f"{record.brand}/{person.id}" for person in listed]
        said = {str(row[0]): int(row[1]) for row in (await ask(LISTED_SAID, {"keys": keys}) if keys else [])}
        rows = listed_reach(record.brand, listed, said)
        sample = [_sampled(record.brand, person) for person in _longest(listed)]
    prices = _prices(record, contents, accounts, sample, public_url)
    reach = by_channel(rows, channels, needs)
    return forecast(record, matched(rows), reach, prices, accounts, len(sample), now)


def _contents(record: CampaignRecord) -> dict[int, Compiled]:
    """By step, of those that can be made."""
    found = {}
    for number, step in enumerate(record.steps, start=1):
        try:
            found[number] = compile_step(step, record.body, record.name, record.tracking.links)
        except TemplateProblem:
            continue
    return found


def _prices(
    record: CampaignRecord, contents: dict[int, Compiled], accounts: AccountLookup, sample: Sequence[Sampled],
    public_url: str,
) -> dict[int, Price]:  # fmt: skip
    prices = {}
    for number, content in contents.items():
        step = record.steps[number - 1]
        if account := accounts(step.channel, step.account):
            prices[number] = price_of(record, number, account, content, sample, public_url)
    return prices


async def _stored(ask: Ask, record: CampaignRecord) -> list[InlineRecipient]:
    if record.audience is None:
        return []
    parameters = {"campaign": record.campaign_id, "snapshot": record.audience.snapshot_id}
    return [
        InlineRecipient.model_validate(
            {
                "id": recipient.partition("/")[2],
                "email": email,
                "phone": phone,
                "name": name,
                "attributes": json.loads(attributes or "{}"),
                "opt_in": opted_in(bits),
            }
        )
        for recipient, email, phone, name, _, attributes, bits in await ask(_LISTED, parameters)
    ]


def _longest(people: Sequence[InlineRecipient]) -> list[InlineRecipient]:
    """Those with the longest values."""

    def letters(person: InlineRecipient) -> int:
        return len(person.name) + sum(len(str(value)) for value in person.attributes.values())

    return sorted(people, key=letters, reverse=True)[:MOST_SAMPLED]


def _sampled(brand: str, person: InlineRecipient) -> Sampled:
    data = {"name": person.name, "email": person.email, "phone": person.phone, "zone": person.zone or ""}
    return Sampled(f"{brand}/{person.id}", person.email, person.phone, data | person.attributes)
