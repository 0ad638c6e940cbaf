"""Sends whose fate nobody told us, and what messages really cost: on a whole installation, against Twilio's own SDK."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from ulid import ULID

from deploy.local.free_ports import free_ports
from deploy.local.installation import Installation, make_installation

PATIENCE_S = 120.0
SMS_MICROS, SMS_CHARGED = 90_000, 83_200
"""What a segment to +91 costs by the rate card, and what the sandbox charges for it."""
SILENT = {"name": "calm", "close_rate": 1.0, "callbacks": False}
"""Every request is accepted and not answered, and no callback comes."""


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    given = {
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
    made = make_installation(tmp_path_factory.mktemp("uncertain"), free_ports(), given)
    with asyncio.Runner() as runner:
        try:
            runner.run(made.stack.start())
            yield made
        finally:
            runner.run(made.stack.stop())


class Desk:
    """What an operator has: REST, the command, and a look at what arrived."""

    def __init__(self, installation: Installation) -> None:
        self.installation, self.access = installation, installation.access
        headers = {"Authorization": f"Bearer {self.access.api_key}"}
        self.rest = httpx.AsyncClient(base_url=f"{self.access.console_url}/api/v1", headers=headers, timeout=60)

    async def world(self, knobs: dict[str, Any]) -> None:
        answer = await self.rest.put(f"{self.access.sandbox_url}/sandbox/world", json=knobs)
        assert answer.is_success, answer.text

    async def launch(self, people: int, *channels: str, prefix: str) -> str:
        campaign_id = f"doubt-{ULID()}".lower()
        listed = [
            {"id": f"p{i}", "name": f"N{i}", "phone": f"+91{prefix}{i:04d}", "opt_in": ["sms", "whatsapp"]}
            for i in range(people)
        ]
        campaign = {
            "id": campaign_id, "name": "Doubtful", "body": {"text": "Hi {{ name }}, come back"},
            "steps": [{"channel": channel} for channel in channels], "audience": {"recipients": listed},
            "limits": {"quiet_hours": None}, "kind": "transactional",
        }  # fmt: skip
        answer = await self.rest.post("/campaigns", json=campaign, params={"launch": "true"})
        assert answer.is_success, answer.text
        return campaign_id

    async def until(self, campaign_id: str, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        stats: dict[str, Any] = {}
        try:
            async with asyncio.timeout(PATIENCE_S):
                while not (stats and condition(stats)):
                    await asyncio.sleep(0.1)
                    stats = (await self.rest.get(f"/campaigns/{campaign_id}/stats")).raise_for_status().json()
        except TimeoutError:
            pytest.fail(f"not within {PATIENCE_S} s: {stats}")
        return stats

    async def ledger(self, contact: str, campaign_id: str) -> list[dict[str, Any]]:
        found = (await self.rest.get(f"/recipients/{contact}/ledger", params={"limit": 1000})).raise_for_status().json()
        return [event for event in found["items"] if event["campaign_id"] == campaign_id]

    async def received(self, campaign_id: str) -> list[str]:
        text = (await self.rest.get(f"{self.access.sandbox_url}/messages", params={"campaign": campaign_id})).text
        return [json.loads(line)["send_id"] for line in text.splitlines()]

    async def in_doubt(self, campaign_id: str) -> list[dict[str, Any]]:
        """Page by page, of one."""
        found, cursor = [], ""
        while cursor is not None:
            page = (await self.rest.get("/uncertain", params={"limit": 1, "cursor": cursor})).raise_for_status().json()
            found += page["items"]
            cursor = page["next"]
        return [item for item in found if item["campaign_id"] == campaign_id]

    async def asked_in_vain(self) -> float:
        port = self.installation.stack.ports.metrics("tracker")
        text = (await self.rest.get(f"http://127.0.0.1:{port}/metrics")).text
        lines = [line for line in text.splitlines() if line.startswith("peal_uncertain_asked_total{")]
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if 'result="nothing"' in line)

    async def command(self, *arguments: str) -> tuple[int, str]:
        """Exit code, and what it printed."""
        environment = os.environ | {"PEAL_CONSOLE_URL": self.access.console_url, "PEAL_API_KEY": self.access.api_key}
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "services.cli.main", "uncertain", *arguments, env=environment,
            stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
        )  # fmt: skip
        printed, _ = await process.communicate()
        return process.returncode or 0, " ".join(printed.decode().split())


@pytest.fixture
async def desk(installation: Installation) -> Desk:
    return Desk(installation)


def completed(stats: dict[str, Any]) -> bool:
    return bool(stats["status"] == "completed")


async def test_what_the_provider_took_without_answering_is_found_by_asking_it(desk: Desk) -> None:
    await desk.world(SILENT)
    campaign_id, people = await desk.launch(4, "sms", prefix="910000"), 4
    stats = await desk.until(campaign_id, completed)
    assert (stats["by_channel"]["sms"]["sent"], stats["uncertain"], stats["assumed"]) == (people, 0, 0)
    assert sorted(await desk.received(campaign_id)) == [f"{campaign_id}/1/p{i}" for i in range(people)], "each once"
    (taken,) = [e for e in await desk.ledger("p0", campaign_id) if e["status"] == "accepted"]
    assert (taken["source"], taken["cost_micros"], taken["attempt"]) == ("ask", SMS_CHARGED, 1)
    assert taken["provider_message_id"].startswith("SM")
    assert stats["spent_micros"] == people * SMS_CHARGED, "in place of the reserve, not beside it"


async def test_two_messages_that_could_be_the_one_conclude_nothing_and_somebody_decides(desk: Desk) -> None:
    await desk.world(SILENT)
    before = await desk.asked_in_vain()
    campaign_id = await desk.launch(1, "sms", "sms", prefix="920000")
    await desk.until(campaign_id, lambda stats: stats["uncertain"] == 2)
    async with asyncio.timeout(PATIENCE_S):
        while await desk.asked_in_vain() < before + 2:
            await asyncio.sleep(0.1)
    doubts = await desk.in_doubt(campaign_id)
    assert [(d["send_id"], d["attempt"], d["policy"]) for d in doubts] == [
        (f"{campaign_id}/{step}/p0", 1, "assume_sent") for step in (1, 2)
    ]
    assert (await desk.command("list", "--json"))[1].count(campaign_id) >= 2

    await desk.world({"name": "calm"})
    code, printed = await desk.command("resend", f"{campaign_id}/2/p0")
    assert code == 4, printed
    assert "gets it twice" in printed
    code, printed = await desk.command("resend", f"{campaign_id}/2/p0", "--yes")
    assert code == 0, printed
    path = f"/uncertain/{campaign_id}/1/p0/resolve"
    assert (await desk.rest.post(path, json={"as": "perhaps"})).status_code == 422
    first = await desk.rest.post(path, json={"as": "failed"}, headers={"Idempotency-Key": "once"})
    again = await desk.rest.post(path, json={"as": "failed"}, headers={"Idempotency-Key": "once"})
    assert first.is_success, first.text
    assert first.json() == again.json()

    stats = await desk.until(campaign_id, completed)
    sms = stats["by_channel"]["sms"]
    assert (sms["delivered"], sms["failed_by_reason"], sms["uncertain"]) == (1, {"resolved": 1}, 0)
    assert sorted(await desk.received(campaign_id)) == [f"{campaign_id}/{step}/p0" for step in (1, 2, 2)]
    assert (await desk.rest.post(path, json={"as": "accepted"})).status_code == 409, "no doubt, no decision"
    assert (await desk.rest.post("/uncertain/no-such/1/p0/resend")).status_code == 404


async def test_what_a_message_cost_is_what_the_provider_charged_or_nothing_where_a_failure_is_free(desk: Desk) -> None:
    await desk.world({"name": "calm"})
    campaign_id, people = await desk.launch(3, "sms", "whatsapp", prefix="930000"), 3  # free text, outside its window
    stats = await desk.until(campaign_id, lambda s: completed(s) and s["spent_micros"] == people * SMS_CHARGED)
    assert stats["by_channel"]["whatsapp"]["failed_by_reason"] == {"outside_window": people}
    events = await desk.ledger("p1", campaign_id)
    claims = {(event["step"], event["source"], event["status"]): event["cost_micros"] for event in events}
    assert claims[1, "sender", "accepted"] == SMS_MICROS
    assert claims[1, "price", "accepted"] == SMS_CHARGED
    listed = (await desk.rest.get(f"/campaigns/{campaign_id}/sends")).raise_for_status().json()["items"]
    costs = {(item["channel"], item["cost_micros"]) for item in listed}
    assert costs == {("sms", SMS_CHARGED), ("whatsapp", 0)}
