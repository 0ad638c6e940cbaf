"""A running campaign is steered exactly: pause, resume, edit, cancel, budget. On a whole installation of its own."""

from __future__ import annotations

import asyncio
import os
import random
from datetime import datetime
from typing import Any

import httpx
from installation_desk import PATIENCE_S, Desk, completed, sent
from ulid import ULID
from waiting import until

from bench.accounts import GIVEN as SECOND_GIVEN
from bench.accounts import SECOND, SECOND_SID, connect_second
from deploy.local.installation import Installation

RATE, SMS_RATE = 60, 4
"""Messages a second: slow enough to interfere, fast enough to wait for."""
PAUSES, CAMPAIGNS = (int(number) for number in os.environ.get("PEAL_TEST_PAUSES", "12/4").split("/"))
"""Pauses at random moments, shared by campaigns that run beside each other; `200/10` takes some minutes."""
MAIL_MICROS = 900
GIVEN = {
    "PEAL_RATE_EMAIL": str(RATE),
    "PEAL_RATE_SMS": str(SMS_RATE),
    "PEAL_PRICE_EMAIL_MICROS": str(MAIL_MICROS),
    "PEAL_SANDBOX_WORLD": "calm",
    **SECOND_GIVEN,
}


def lateness(messages: list[dict[str, Any]], accepted_at: datetime) -> float:
    """Seconds from the acceptance of a pause to the last arrival."""
    return max((datetime.fromisoformat(m["received_at"]) - accepted_at).total_seconds() for m in messages)


async def test_a_pause_lets_nothing_leave_and_a_resume_sends_the_rest_once_as_edited(desk: Desk) -> None:
    people = 300
    campaign_id = await desk.launch(people)
    await desk.until(campaign_id, sent(60))
    paused_at = await desk.order(campaign_id, "pause")
    stats = await desk.until(campaign_id, lambda s: s["by_channel"]["email"]["queued"] == 0)
    assert stats["status"] == "paused"
    before = await desk.received(campaign_id)
    assert lateness(before, paused_at) < 1.0
    assert len(before) < people
    await desk.order(campaign_id, "edit", body={"text": "Second words, {{ name }}"})
    await desk.order(campaign_id, "resume")
    await desk.until(campaign_id, completed)
    assert (await desk.reckon(campaign_id, people)).exact
    early = {message["send_id"] for message in before}
    for message in await desk.received(campaign_id):
        assert ("First" if message["send_id"] in early else "Second") in message["body"]


async def test_an_edit_while_it_runs_changes_what_is_not_yet_sent_and_doubles_nobody(desk: Desk) -> None:
    people = 240
    campaign_id = await desk.launch(people)
    await desk.until(campaign_id, sent(60))
    await desk.order(campaign_id, "edit", body={"text": "Second words, {{ name }}"})
    await desk.until(campaign_id, completed)
    assert (await desk.reckon(campaign_id, people)).exact
    bodies = [message["body"] for message in await desk.received(campaign_id)]
    assert any("First" in body for body in bodies)
    assert any("Second" in body for body in bodies)


async def pester(desk: Desk, campaign_id: str, people: int, pauses: int, chance: random.Random) -> list[float]:
    """Pause and resume at random moments. Returns the lateness of what left before each pause, in seconds."""
    late = []
    for _ in range(pauses):
        await asyncio.sleep(chance.random())
        response = await desk.rest.post(f"/campaigns/{campaign_id}/pause")
        if response.status_code == httpx.codes.CONFLICT:
            break  # it is over
        paused_at = datetime.fromisoformat(response.raise_for_status().json()["at"])
        await asyncio.sleep(1.0 + chance.random())
        if messages := await desk.received(campaign_id):
            late.append(lateness(messages, paused_at))
        await desk.order(campaign_id, "resume")
    await desk.until(campaign_id, completed)
    result = await desk.reckon(campaign_id, people)
    assert result.exact, result
    return late


async def test_pauses_and_resumes_at_any_moment_double_and_lose_nobody(desk: Desk) -> None:
    """Over several campaigns at once, which share the account's rate."""
    each = PAUSES // CAMPAIGNS
    people = max(120, 30 * each)
    campaigns = [await desk.launch(people) for _ in range(CAMPAIGNS)]
    late = await asyncio.gather(
        *(pester(desk, campaign_id, people, each, random.Random(i)) for i, campaign_id in enumerate(campaigns))
    )
    paused = [seconds for one in late for seconds in one]
    print(f"{len(paused)} pauses, the latest arrival {max(paused):.2f} s after acceptance")
    assert max(paused) < 1.0


async def test_a_cancel_closes_what_is_open_and_sends_nothing_more(desk: Desk) -> None:
    people = 300
    campaign_id = await desk.launch(people)
    await desk.until(campaign_id, sent(60))
    cancelled_at = await desk.order(campaign_id, "cancel")
    stats = await desk.until(campaign_id, lambda s: s["status"] == "cancelled" and s["open"] == 0)
    assert stats["settled"] == stats["planned"] == people
    assert lateness(await desk.received(campaign_id), cancelled_at) < 1.0
    email = stats["by_channel"]["email"]
    assert email["suppressed_by_reason"]["campaign_cancelled"] > 0


async def test_a_budget_is_never_exceeded_and_goes_on_when_it_is_raised(desk: Desk) -> None:
    people, affordable = 200, 90
    budget = {"total": f"{affordable * MAIL_MICROS / 1e6:.6f}", "currency": "USD"}
    campaign_id = await desk.launch(people, budget=budget)

    def within(stats: dict[str, Any]) -> bool:
        assert stats["spent_micros"] + stats["reserved_micros"] <= affordable * MAIL_MICROS
        return completed(stats)

    stats = await desk.until(campaign_id, within)
    email = stats["by_channel"]["email"]
    assert (email["sent"], email["suppressed_by_reason"]) == (affordable, {"over_budget": people - affordable})
    raised = affordable + 50  # still not enough for all
    more = {"total": f"{raised * MAIL_MICROS / 1e6:.6f}", "currency": "USD"}
    await desk.order(campaign_id, "edit", budget=more)
    stats = await desk.until(campaign_id, lambda s: completed(s) and s["by_channel"]["email"]["sent"] == raised)
    assert stats["by_channel"]["email"]["suppressed_by_reason"] == {"over_budget": people - raised}
    await desk.order(campaign_id, "edit", budget={"total": "10", "currency": "USD"})
    stats = await desk.until(campaign_id, lambda s: completed(s) and s["by_channel"]["email"]["sent"] == people)
    result = await desk.reckon(campaign_id, people)
    assert result.exact, result


async def test_a_stop_in_the_inbox_while_the_reminder_is_queued_keeps_it_back(desk: Desk) -> None:
    """And `explain` says why."""
    campaign_id = f"stop-{ULID()}".lower()
    phones = {f"s{i}": f"+91900012{i:04d}" for i in range(24)}
    people = [{"id": name, "phone": phone, "opt_in": ["sms"]} for name, phone in phones.items()]
    campaign = {
        "id": campaign_id, "name": "Stopped", "body": {"text": "Come back"}, "audience": {"recipients": people},
        "steps": [{"channel": "sms"}, {"channel": "sms", "only_if": "not_engaged", "after": "0s"}],
    }  # fmt: skip
    (await desk.rest.post("/campaigns", json=campaign)).raise_for_status()
    await desk.order(campaign_id, "launch")

    async def reached(step: int) -> set[str]:
        messages = await desk.received(campaign_id)
        return {message["to"] for message in messages if message["send_id"].split("/")[1] == str(step)}

    async with asyncio.timeout(PATIENCE_S):
        while not (await reached(2) and (waiting := await reached(1) - await reached(2))):
            await asyncio.sleep(0.1)
    name, phone = next((name, phone) for name, phone in reversed(phones.items()) if phone in waiting)
    answer = {"from": f"sms {phone}", "text": "STOP"}
    inbox = await desk.rest.post(f"{desk.access.sandbox_url}/inbox/{phone}/reply", data=answer)
    assert "Sent" in inbox.headers["location"], inbox.text
    await desk.until(campaign_id, completed)
    assert await reached(2) == set(phones.values()) - {phone}
    found = (await desk.rest.get(f"/campaigns/{campaign_id}/explain/{name}")).json()
    assert [step["reason"] for step in found["steps"]] == ["", "opted_out"]
    assert "opted out of sms" in found["steps"][1]["gates"][-1]["words"] or "opted out" in found["summary"], found


async def test_a_large_campaign_does_not_hold_up_a_small_one_of_the_same_account(desk: Desk) -> None:
    large = await desk.launch(4000)
    await desk.until(large, sent(20))
    small = await desk.launch(40)
    await desk.until(small, completed)
    assert (await desk.stats(large))["by_channel"]["email"]["sent"] < 2000
    await desk.order(large, "cancel")
    await desk.until(large, lambda s: s["status"] == "cancelled" and s["open"] == 0)
    assert (await desk.reckon(small, 40)).exact


def by_phone(prefix: str, people: int) -> list[dict[str, Any]]:
    return [{"id": f"p{i}", "name": f"N{i}", "phone": f"+91{prefix}{i:04}", "opt_in": ["sms"]} for i in range(people)]


async def test_an_account_that_its_provider_throttles_holds_up_no_other_of_its_channel(
    desk: Desk, installation: Installation
) -> None:
    """One sender process serves both."""
    await connect_second(installation, 50)
    await desk.set_world({"name": "calm", "limits": {SECOND_SID: 1}, "retry_after_s": 1})
    throttled = await desk.launch(by_phone("920001", 400), steps=[{"channel": "sms"}], accounts={"sms": SECOND})

    async def refused() -> float:
        return await desk.metric("sender-sms", "peal_provider_calls_total", account=SECOND, answer="refused")

    await until(refused, "the provider says that it is too much")
    await desk.until(throttled, sent(1, "sms"))
    free = await desk.launch(by_phone("920002", 5 * SMS_RATE), steps=[{"channel": "sms"}])
    await desk.until(free, completed)
    stats = await desk.stats(throttled)
    assert (stats["status"], stats["by_channel"]["sms"]["sent"] < 200) == ("active", True)
    assert (await desk.reckon(free, 5 * SMS_RATE)).exact
    await desk.order(throttled, "cancel")
    stats = await desk.until(throttled, lambda s: s["status"] == "cancelled" and s["open"] == 0)
    assert (stats["uncertain"], set((await desk.times(throttled)).values())) == (0, {1})
    await desk.set_world({"name": "calm"})
