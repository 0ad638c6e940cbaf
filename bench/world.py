"""A history that did not happen: campaigns, their people and ten million events, straight into ClickHouse's tables."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from clickhouse_connect.driver.asyncclient import AsyncClient

FAITHFUL = 40
"""People who are in every campaign, c-0 and up: the longest ledgers."""
BIG = "bench-big"
SNAPSHOT = "bench"
CONTACTS = """
INSERT INTO contacts (recipient_id, brand, name, email, phone, role, city, pincode, zone, last_active_at, attributes,
                      lists, version, reach)
SELECT concat('default/c-', toString(number)), 'default',
       concat(['Asha', 'Ravi', 'Meera', 'John', 'Zoë'][number % 5 + 1], ' ',
              ['Patil', 'Iyer', 'Khan', 'Smith', 'Rao', 'Das', 'Nair'][number % 7 + 1], ' ', toString(number % 1000)),
       concat('c-', toString(number), '@example.com'), concat('+9198', leftPad(toString(number), 8, '0')),
       if(number % 5 = 0, 'partner', 'customer'), ['Pune', 'Mumbai', 'Delhi'][number % 3 + 1],
       toString(411000 + number % 500), 'Asia/Kolkata', now64(3) - (number % 100) * 86400,
       concat('{"plan":"', if(number % 5 = 0, 'gold', 'free'), '"}'), if(number % 7 = 0, ['spring'], []), 1, 2147490304
FROM numbers({first:UInt64}, {count:UInt64})
"""
_PERSON = (
    f"concat('default/c-', toString(if(number < {FAITHFUL}, number, "
    f"{FAITHFUL} + (number * {{stride:UInt64}} + {{shift:UInt64}}) % {{world:UInt64}})))"
)
MEMBERS = f"""
INSERT INTO audience_members (campaign_id, snapshot_id, ord, recipient_id, inline, clock_zone)
SELECT {{campaign:String}}, '{SNAPSHOT}', number, {_PERSON}, 0, 'Asia/Kolkata' FROM numbers({{people:UInt64}})
"""
EVENTS = f"""
INSERT INTO delivery_events (recipient_id, campaign_id, step, channel, attempt, status, reason, ord, account, source,
    machine, provider, provider_message_id, cost_micros, cost_basis, occurred_at, kafka_partition, kafka_offset)
SELECT {_PERSON}, {{campaign:String}}, arrayJoin(range(1, {{steps:UInt8}} + 1)) AS step,
       ['email', 'sms', 'whatsapp'][step] AS channel, 1,
       arrayJoin(multiIf(h < 8, ['suppressed'], h < 12, ['queued', 'failed'], h < 14, ['queued', 'accepted', 'bounced'],
           h < 50, ['queued', 'accepted', 'delivered'], h < 85, ['queued', 'accepted', 'delivered', 'read'],
           ['queued', 'accepted', 'delivered', 'read', 'clicked'])) AS status,
       multiIf(status = 'suppressed', if(number % 2 = 0, 'opted_out', 'no_address'), status = 'failed', 'provider', ''),
       number, 'default',
       multiIf(status = 'suppressed', 'router', status IN ('accepted', 'failed'), 'sender', 'provider'),
       false, if(step = 1, 'sendgrid', 'twilio'), if(status = 'accepted', hex(sipHash64(number, step)), ''),
       if(status = 'accepted', 900 * step, 0), if(status = 'accepted', 'card', ''),
       {{at:DateTime64(3, 'UTC')}} + toIntervalMillisecond(number * 10 + 60000 * indexOf(
           ['queued', 'suppressed', 'accepted', 'failed', 'delivered', 'bounced', 'read', 'clicked'], status)),
       0, number
FROM (SELECT number, cityHash64(number, {{campaign:String}}) % 100 AS h FROM numbers({{people:UInt64}}))
"""
CONSENTS = """
INSERT INTO consents (recipient_id, brand, channel, purpose, state, reason, at, source, proof)
SELECT concat('default/c-', toString(number)), 'default', ['sms', 'whatsapp'][number % 2 + 1], 'marketing', 'opted_in',
       '', now64(3) - 86400 * 300, 'bench', 'form 7'
FROM numbers({count:UInt64})
"""
PAST_MONTHS = """
SELECT DISTINCT partition_id FROM system.parts
WHERE active AND database = currentDatabase() AND table = 'delivery_events'
  AND partition_id != toString(toYYYYMM(now()))
"""


@dataclass(frozen=True)
class Past:
    """One campaign of the history."""

    campaign_id: str
    people: int
    steps: int
    launched_at: datetime


def history(campaigns: int, events: int) -> list[Past]:
    """The newest first. The first has a fifth of all events; a send leaves 3.5 of them."""
    start = datetime.now(UTC).replace(microsecond=0) - timedelta(minutes=30)
    big = Past(BIG, int(events / 5 / 3.5), 1, start)
    each = int(events * 4 / 5 / 3.5 / 2 / max(1, campaigns - 1))
    rest = [Past(f"bench-{n}", each, 2, start - timedelta(hours=20 * n)) for n in range(1, campaigns)]
    return [big, *rest]


async def write_history(client: AsyncClient, past: list[Past], contacts: int) -> None:
    """Contacts, audiences and events; some minutes for ten million."""
    for first in range(0, contacts, 500_000):
        await client.command(CONTACTS, parameters={"first": first, "count": min(500_000, contacts - first)})
    await client.command(CONSENTS, parameters={"count": min(contacts, 200_000)})
    for number, campaign in enumerate(past):
        given: dict[str, Any] = {
            "campaign": campaign.campaign_id, "people": campaign.people, "steps": campaign.steps, "world": contacts,
            "stride": 1 if campaign.campaign_id == BIG else 97, "shift": number * 13,
            "at": campaign.launched_at.replace(tzinfo=None),
        }  # fmt: skip
        await client.command(MEMBERS, parameters=given)
        await client.command(EVENTS, parameters=given)
    await _let_months_pass(client)


async def _let_months_pass(client: AsyncClient) -> None:
    """The engine makes one part of each month by itself, six hours after its last event (migration 0017): of all but
    the present one, to which something is always written."""
    months = await client.query(PAST_MONTHS)
    for (month,) in months.result_rows:
        await client.command(f"OPTIMIZE TABLE delivery_events PARTITION ID '{month}' FINAL")
