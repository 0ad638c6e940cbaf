"""A new version of every service is rolled out while people are being messaged: nobody notices."""

from __future__ import annotations

import pytest
from installation_desk import Desk, completed, sent

from services.runtime.clickhouse import make_clickhouse

PEOPLE, CHANNELS = 300, ("email", "sms", "whatsapp")
GIVEN = {f"PEAL_RATE_{channel.upper()}": "16" for channel in CHANNELS} | {"PEAL_SANDBOX_WORLD": "calm"}
SCALE = {"router": 2, "sender-email": 2}
"""Of these one goes on while the other is replaced; what there is one of, is away for a moment."""
REPLACED = (
    "planner", "router", "router-1", "sender-email", "sender-email-1", "sender-sms", "sender-whatsapp", "tracker",
    "console",
)  # fmt: skip


async def launch(desk: Desk, number: int) -> str:
    people = [
        {
            "id": f"p{i}", "name": f"N{i}", "email": f"u{number}.{i}@example.com", "phone": f"+91900{number:02}{i:05}",
            "opt_in": ["sms", "whatsapp"],
        }
        for i in range(PEOPLE)
    ]  # fmt: skip
    template = {"whatsapp": {"template": "HX" + "0" * 32, "variables": {"1": "{{ name }}"}}}
    return await desk.launch(people, steps=[{"channel": channel} for channel in CHANNELS], content=template)


@pytest.mark.timeout(600)
async def test_every_service_is_replaced_in_mid_campaign_and_nobody_is_lost_doubled_or_in_doubt(desk: Desk) -> None:
    """One after the other, each by SIGTERM; the next when its successor is ready."""
    campaigns = [await launch(desk, 0)]
    await desk.until(campaigns[0], lambda stats: all(sent(10, channel)(stats) for channel in CHANNELS))
    for service in REPLACED:
        if completed(await desk.stats(campaigns[-1])):
            campaigns.append(await launch(desk, len(campaigns)))
            await desk.until(campaigns[-1], sent(10))
        await desk.stack.restart(service)
    for campaign_id in campaigns:
        stats = await desk.until(campaign_id, completed)
        assert (stats["settled"], stats["open"]) == (stats["planned"], 0)
        result = await desk.reckon(campaign_id, PEOPLE, len(CHANNELS))
        assert result.exact, result
        assert len(await desk.received(campaign_id)) == PEOPLE * len(CHANNELS)
    clickhouse = await make_clickhouse(desk.stack.settings)
    doubts = await clickhouse.query("SELECT send_id, reason FROM delivery_events WHERE status = 'uncertain'")
    await clickhouse.close()
    assert doubts.result_rows == []
