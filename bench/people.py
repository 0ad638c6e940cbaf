"""People and campaigns that do not exist, as many as a measurement wants."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from clickhouse_connect.driver.asyncclient import AsyncClient

INSERT = """
INSERT INTO contacts (recipient_id, brand, name, email, phone, role, city, pincode, zone, last_active_at, version)
SELECT concat('default/c-', toString(number)), 'default', concat('Asha ', toString(number % 1000)),
       concat('c-', toString(number), '@example.com'), concat('+9198', leftPad(toString(number), 8, '0')),
       'customer', ['Pune', 'Mumbai', 'Delhi'][number % 3 + 1], '411001', 'Asia/Kolkata', now64(3), 1
FROM numbers({count:UInt64})
"""
TEXT = "Hi {{ name | default: 'there' }}, book your AC service in {{ city | default: 'your city' }} before May."
LINK = "https://example.com/book"
EMAIL = {
    "subject": "Book before May, {{ name | default: 'friend' }}",
    "preheader": "10% off",
    "html": "<style>p{color:#333}</style><p>Hi {{ name | default: 'there' }}, "
    "book your AC service in {{ city | default: 'your city' }}.</p>"
    '<p><a href="{{ link }}">Book now</a></p>',
}
SMS = {
    "text": "Hi {{ name | default: 'there' }}, book your AC service in {{ city | default: 'your city' }}: {{ link }}"
}


async def ensure_people(client: AsyncClient, count: int) -> None:
    """Straight into the base of contacts, unless there are some: c-0, c-1, ... each with an address of every kind."""
    if not (await client.query("SELECT count() FROM contacts")).result_rows[0][0]:
        await client.command(INSERT, parameters={"count": count})


def mail_campaign(campaign_id: str) -> dict[str, Any]:
    """A definition, by email to everybody."""
    return {
        "id": campaign_id, "name": "Bench", "channels": ["email"], "body": {"text": TEXT, "link": LINK},
        "content": {"email": EMAIL}, "audience": {"filter": {"role": "customer"}},
    }  # fmt: skip


def sms_campaign(campaign_id: str, people: int) -> dict[str, Any]:
    """A definition, by SMS to people whom it lists."""
    listed = [
        {"id": f"r-{n}", "name": f"N{n}", "phone": f"+9197{n:08d}", "opt_in": ["sms"], "attributes": {"city": "Pune"}}
        for n in range(people)
    ]
    return {
        "id": campaign_id, "name": "Bench", "channels": ["sms"], "body": {"text": TEXT, "link": LINK},
        "audience": {"recipients": listed}, "limits": {"expires_after": "1d"}, "kind": "transactional",
    }  # fmt: skip


def active_record(campaign_id: str) -> dict[str, Any]:
    """A campaign's record as the planner writes it: email, SMS and WhatsApp, under way."""
    now = datetime.now(UTC)
    content: dict[str, Any] = {"email": EMAIL, "sms": SMS, "whatsapp": {"template": "HX" + "0" * 32, "variables": {}}}
    steps = [{"channel": channel, "account": "default", "content": {channel: content[channel]}} for channel in content]
    return {
        "campaign_id": campaign_id, "brand": "default", "name": "Bench", "status": "active", "epoch": 1,
        "steps": steps, "body": {"text": TEXT, "link": LINK}, "created_at": now, "updated_at": now,
    }  # fmt: skip
