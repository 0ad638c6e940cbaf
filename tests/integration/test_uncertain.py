"""Sends whose fate nobody told us, and what messages really cost: on a whole installation, against Twilio's own SDK."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from installation_desk import PATIENCE_S, Desk, completed

from deploy.local.installation import Installation

SMS_MICROS, SMS_CHARGED = 90_000, 83_200
"""What a segment to +91 costs by the rate card, and what the sandbox charges for it."""
SILENT = {"name": "calm", "close_rate": 1.0, "callbacks": False}
"""Every request is accepted and not answered, and no callback comes."""
GIVEN = {
    "PEAL_RATE_SMS": "50",
    "PEAL_RATE_WHATSAPP": "50",
    "PEAL_PRICE_SMS_MICROS": str(SMS_MICROS),
    "PEAL_TWILIO_FETCH_PRICES": "true",
    "PEAL_PRICE_AFTER_S": "[0.5, 2, 5]",
    "PEAL_UNCERTAIN_ASK_AFTER_S": "[1, 4]",
    "PEAL_UNCERTAIN_INTERVAL_S": "0.5",
    "PEAL_UNCERTAIN_DEADLINE_S": "3600",
    "PEAL_SWEEP_INTERVAL_S": "2",
    "PEAL_SANDBOX_WORLD": "calm",
}


class Clerk(Desk):
    """One who looks after what is in doubt."""

    async def launch_to(self, people: int, *channels: str, prefix: str) -> str:
        """By phone, so many steps as channels, to numbers that begin so."""
        listed = [
            {"id": f"p{i}", "name": f"N{i}", "phone": f"+91{prefix}{i:04d}", "opt_in": ["sms", "whatsapp"]}
            for i in range(people)
        ]
        steps = [{"channel": channel} for channel in channels]
        return await self.launch(listed, steps=steps, limits={"quiet_hours": None}, kind="transactional")

    async def claims(self, contact: str, campaign_id: str) -> list[dict[str, Any]]:
        """Events of one campaign about somebody."""
        return [event for event in await self.ledger(contact) if event["campaign_id"] == campaign_id]

    async def in_doubt(self, campaign_id: str) -> list[dict[str, Any]]:
        """Page by page, of one."""
        found, cursor = [], ""
        while cursor is not None:
            page = (await self.rest.get("/uncertain", params={"limit": 1, "cursor": cursor})).raise_for_status().json()
            found += page["items"]
            cursor = page["next"]
        return [item for item in found if item["campaign_id"] == campaign_id]

    async def asked_in_vain(self) -> float:
        return await self.metric("tracker", "peal_uncertain_asked_total", result="nothing")


@pytest.fixture
async def clerk(installation: Installation) -> AsyncIterator[Clerk]:
    made = Clerk(installation)
    yield made
    await made.rest.aclose()


async def test_what_the_provider_took_without_answering_is_found_by_asking_it(clerk: Clerk) -> None:
    await clerk.set_world(SILENT)
    campaign_id, people = await clerk.launch_to(4, "sms", prefix="910000"), 4
    stats = await clerk.until(campaign_id, completed)
    assert (stats["by_channel"]["sms"]["sent"], stats["uncertain"], stats["assumed"]) == (people, 0, 0)
    assert await clerk.times(campaign_id) == {f"{campaign_id}/1/p{i}": 1 for i in range(people)}
    (taken,) = [e for e in await clerk.claims("p0", campaign_id) if e["status"] == "accepted"]
    assert (taken["source"], taken["cost_micros"], taken["attempt"]) == ("ask", SMS_CHARGED, 1)
    assert taken["provider_message_id"].startswith("SM")
    assert stats["spent_micros"] == people * SMS_CHARGED, "in place of the reserve, not beside it"


async def test_two_messages_that_could_be_the_one_conclude_nothing_and_somebody_decides(clerk: Clerk) -> None:
    await clerk.set_world(SILENT)
    before = await clerk.asked_in_vain()
    campaign_id = await clerk.launch_to(1, "sms", "sms", prefix="920000")
    await clerk.until(campaign_id, lambda stats: stats["uncertain"] == 2)
    async with asyncio.timeout(PATIENCE_S):
        while await clerk.asked_in_vain() < before + 2:
            await asyncio.sleep(0.1)
    doubts = await clerk.in_doubt(campaign_id)
    assert [(d["send_id"], d["attempt"], d["policy"]) for d in doubts] == [
        (f"{campaign_id}/{step}/p0", 1, "assume_sent") for step in (1, 2)
    ]
    assert (await clerk.command("uncertain", "list", "--json"))[1].count(campaign_id) >= 2

    await clerk.set_world({"name": "calm"})
    code, printed, complaint = await clerk.command("uncertain", "resend", f"{campaign_id}/2/p0")
    assert code == 4, complaint
    assert "gets it twice" in " ".join((printed + complaint).split())
    code, printed, complaint = await clerk.command("uncertain", "resend", f"{campaign_id}/2/p0", "--yes")
    assert code == 0, complaint
    path = f"/uncertain/{campaign_id}/1/p0/resolve"
    assert (await clerk.rest.post(path, json={"as": "perhaps"})).status_code == 422
    first = await clerk.rest.post(path, json={"as": "failed"}, headers={"Idempotency-Key": "once"})
    again = await clerk.rest.post(path, json={"as": "failed"}, headers={"Idempotency-Key": "once"})
    assert first.is_success, first.text
    assert first.json() == again.json()

    stats = await clerk.until(campaign_id, completed)
    sms = stats["by_channel"]["sms"]
    assert (sms["delivered"], sms["failed_by_reason"], sms["uncertain"]) == (1, {"resolved": 1}, 0)
    assert await clerk.times(campaign_id) == {f"{campaign_id}/1/p0": 1, f"{campaign_id}/2/p0": 2}
    assert (await clerk.rest.post(path, json={"as": "accepted"})).status_code == 409, "no doubt, no decision"
    assert (await clerk.rest.post("/uncertain/no-such/1/p0/resend")).status_code == 404


async def test_what_a_message_cost_is_what_the_provider_charged_or_nothing_where_a_failure_is_free(
    clerk: Clerk,
) -> None:
    await clerk.set_world({"name": "calm"})
    people = 3
    campaign_id = await clerk.launch_to(people, "sms", "whatsapp", prefix="930000")  # free text, outside its window
    stats = await clerk.until(campaign_id, lambda s: completed(s) and s["spent_micros"] == people * SMS_CHARGED)
    assert stats["by_channel"]["whatsapp"]["failed_by_reason"] == {"outside_window": people}
    events = await clerk.claims("p1", campaign_id)
    claims = {(event["step"], event["source"], event["status"]): event["cost_micros"] for event in events}
    assert claims[1, "sender", "accepted"] == SMS_MICROS
    assert claims[1, "price", "accepted"] == SMS_CHARGED
    listed = (await clerk.rest.get(f"/campaigns/{campaign_id}/sends")).raise_for_status().json()["items"]
    costs = {(item["channel"], item["cost_micros"]) for item in listed}
    assert costs == {("sms", SMS_CHARGED), ("whatsapp", 0)}
