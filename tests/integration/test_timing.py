"""Quiet hours, people's own clocks, best hours and caps, all at once on a whole installation. A planner is killed in
the middle. Hours and zones are chosen from the present moment: no clock is touched."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from installation_desk import Desk, Stats, completed
from ulid import ULID

GIVEN = {"PEAL_RATE_EMAIL": "100", "PEAL_SANDBOX_WORLD": "calm", "PEAL_SWEEP_INTERVAL_S": "5"}
KOLKATA, DHAKA, KARACHI, PHOENIX = "Asia/Kolkata", "Asia/Dhaka", "Asia/Karachi", "America/Phoenix"
"""Half an hour before and behind Kolkata, and the other side of the world. None of them has summer time."""
MINUTE = timedelta(minutes=1)
EACH = 20


def full_minute(after: timedelta) -> datetime:
    """The first one that is at least so far away."""
    at = datetime.now(UTC) + after + MINUTE
    return at.replace(second=0, microsecond=0)


def wall(at: datetime, zone: str) -> str:
    return f"{at.astimezone(ZoneInfo(zone)):%H:%M}"


def people(name: str, *zones: str, each: int = EACH) -> list[dict[str, Any]]:
    names = [(f"{name}.{zone[-4:]}.{i}".lower(), zone) for zone in zones for i in range(each)]
    return [{"id": made, "name": "N", "email": f"{made}@example.com", "zone": zone} for made, zone in names]


def sent_and_held(sent: int, held: int) -> Callable[[Stats], bool]:
    return lambda stats: stats["by_channel"]["email"]["sent"] == sent and stats["held"] == held


async def received_in(desk: Desk, campaign_id: str, zone: str) -> list[datetime]:
    mark = f".{zone[-4:]}.".lower()
    messages = await desk.received(campaign_id)
    return [datetime.fromisoformat(m["received_at"]) for m in messages if mark in m["to"].lower()]


async def details(desk: Desk, campaign_id: str, contact: str) -> list[tuple[str, str, str]]:
    """Status, reason and words of all that the ledger has of one send."""
    events = [event for event in await desk.ledger(contact) if event["campaign_id"] == campaign_id]
    return [(event["status"], event["reason"], event["detail"]) for event in events]


async def queued_words(desk: Desk, campaign_id: str, contact: str) -> str:
    return next(words for status, _, words in await details(desk, campaign_id, contact) if status == "queued")


async def sleepers_wait(desk: Desk, name: str, opening: datetime) -> None:
    """Whoever is awake gets it now, whoever sleeps in the morning, although the planner dies at night."""
    quiet = {"from": wall(opening - timedelta(hours=3), KOLKATA), "to": wall(opening, KOLKATA)}
    listed = people(name, KOLKATA, PHOENIX)
    campaign = await desk.launch(listed, limits={"quiet_hours": quiet})
    stats = await desk.until(campaign, sent_and_held(EACH, EACH))
    assert datetime.fromisoformat(stats["opens_at"]) == opening
    assert (stats["status"], stats["open"], stats["reserved_micros"]) == ("active", EACH, 0)
    desk.stack.kill("planner")
    await desk.until(campaign, completed)
    assert set((await desk.times(campaign)).values()) == {1}
    assert len(await desk.times(campaign)) == len(listed)
    assert min(await received_in(desk, campaign, KOLKATA)) >= opening
    assert max(await received_in(desk, campaign, PHOENIX)) < opening
    words = f"held until {wall(opening, KOLKATA)} {KOLKATA} (quiet hours)"
    assert await queued_words(desk, campaign, listed[0]["id"]) == words
    assert await queued_words(desk, campaign, listed[-1]["id"]) == ""


async def too_late_is_told(desk: Desk, name: str) -> None:
    """Who sleeps for longer than the campaign lasts gets nothing, and the ledger says so."""
    now = datetime.now(UTC)
    quiet = {"from": wall(now - timedelta(hours=1), KOLKATA), "to": wall(now + timedelta(hours=2), KOLKATA)}
    campaign = await desk.launch(people(name, KOLKATA, each=5), limits={"quiet_hours": quiet, "expires_after": "10s"})
    stats = await desk.until(campaign, completed)
    assert stats["by_channel"]["email"]["suppressed_by_reason"] == {"expired": 5}
    assert await desk.received(campaign) == []


async def own_clocks_decide(desk: Desk, name: str, at: datetime) -> None:
    """Where the time is over it goes at once, where it is near at that time; where it is far nobody is asked for."""
    shown = at.astimezone(ZoneInfo(KOLKATA))
    listed = people(name, DHAKA, KOLKATA, KARACHI)
    schedule = {"at": f"{shown:%Y-%m-%dT%H:%M}", "zone": KARACHI, "mode": "local"}
    campaign = await desk.launch(listed, schedule=schedule)
    await desk.until(campaign, sent_and_held(EACH, 2 * EACH))
    stats = await desk.until(campaign, sent_and_held(2 * EACH, EACH))
    assert datetime.fromisoformat(stats["opens_at"]) == at + timedelta(minutes=30)
    assert datetime.fromisoformat(stats["finish_at"]) >= at + timedelta(minutes=30)
    assert max(await received_in(desk, campaign, DHAKA)) < at <= min(await received_in(desk, campaign, KOLKATA))
    assert await received_in(desk, campaign, KARACHI) == []
    words = f"{wall(at, KOLKATA)} {KOLKATA}, by the person's own clock"
    assert await queued_words(desk, campaign, listed[EACH]["id"]) == words
    await desk.order(campaign, "cancel")
    stats = await desk.until(campaign, lambda s: s["status"] == "cancelled" and s["open"] == 0)
    assert stats["held"] == 0


async def habits_decide(desk: Desk, name: str) -> None:
    """Who opened most at this hour gets it now, who opened at another one later, and a newcomer at the brand's hour.
    A contact without a zone has the campaign's."""
    early, late, new = (f"{name}-{who}" for who in ("early", "late", "new"))
    zones = {early: KOLKATA, late: KOLKATA, new: ""}
    rows = [f"{who},N,{who}@example.com,{zone},{name}" for who, zone in zones.items()]
    table = "\n".join(["id,name,email,zone,tribe", *rows])
    (await desk.rest.post("/contacts/import", params={"name": "people.csv"}, content=table)).raise_for_status()
    soon = datetime.now(UTC) + timedelta(seconds=75)
    await desk.opened_before(early, [soon - timedelta(days=day) for day in (1, 2, 3, 4)] + [soon - timedelta(hours=30)])
    await desk.opened_before(late, [soon - timedelta(days=day) + timedelta(hours=3) for day in (1, 2, 3)])
    now = datetime.now(UTC)
    schedule = {"at": now.isoformat(timespec="seconds"), "zone": KOLKATA, "mode": "best_time"}
    audience = {"filter": {"attributes": {"tribe": name}}}
    campaign = await desk.launch(0, audience=audience, schedule=schedule)
    await desk.until(campaign, sent_and_held(2, 1))
    hour = f"{soon.astimezone(ZoneInfo(KOLKATA)):%H}:00 {KOLKATA}"
    assert await queued_words(desk, campaign, early) == f"{hour}, when this person opened 4 of 5 messages"
    assert await queued_words(desk, campaign, new) == f"{hour}, the best hour of the brand"
    assert await details(desk, campaign, late) == []
    await desk.order(campaign, "cancel")


async def caps_hold(desk: Desk, name: str) -> None:
    """Over all campaigns of the brand; a transactional one is outside of them."""
    listed = people(name, PHOENIX)
    limits = {"caps": [{"messages": 1, "per": "1h"}]}
    first = await desk.launch(listed, limits=limits)
    await desk.until(first, completed)
    second, receipt = await desk.launch(listed, limits=limits), await desk.launch(listed, kind="transactional")
    stats = await desk.until(second, completed)
    assert stats["by_channel"]["email"]["suppressed_by_reason"] == {"frequency_capped": EACH}
    await desk.until(receipt, completed)
    contact = listed[0]["id"]
    assert await queued_words(desk, first, contact) == "caps 1/1 in 1h"
    [(status, reason, words)] = await details(desk, second, contact)
    assert (status, reason) == ("suppressed", "frequency_capped")
    assert words.startswith("1 of 1 message in 1 hour, the last ")
    assert len(await desk.times(first)) == len(await desk.times(receipt)) == EACH
    assert await desk.received(second) == []


async def test_a_test_send_waits_for_nobody(desk: Desk) -> None:
    """Real messages at once, in quiet hours, over the caps, above the amount that needs approval; twice to one address,
    and in the look of the brand."""
    name, now = f"t{str(ULID()).lower()[-8:]}", datetime.now(UTC)
    quiet = {"from": wall(now - timedelta(hours=2), "UTC"), "to": wall(now + timedelta(hours=2), "UTC")}
    limits = {"quiet_hours": quiet, "caps": [{"messages": 1, "per": "1h"}]}
    brand = {
        "name": "Acme",
        "limits": limits,
        "approval_above": {"total": "0.01"},
        "look": {"header": f"Header of {name}"},
    }
    await desk.ask("PUT", "/brands/default", json=brand)
    sheet = {
        "name": "Trial",
        "channels": ["email", "sms"],
        "body": {"text": "Hi {{ name }}", "link": "https://e.example/"},
    }
    asked = {
        "sheet": sheet,
        "to": {"email": f"{name}@example.com", "phone": "+14155550137"},
        "person": {"name": "Asha"},
    }
    for _ in range(2):
        test = (await desk.ask("POST", "/content/test", json=asked)).json()
        stats = await desk.until(test["campaign_id"], completed)
        assert stats["spent_micros"] == test["cost_micros"] > 0
        mail, text = sorted(await desk.received(test["campaign_id"]), key=lambda message: str(message["channel"]))
        assert (mail["to"], text["to"]) == (f"{name}@example.com", "+14155550137")
        assert f"Header of {name}" in mail["body"]
        assert text["body"].startswith("Hi Asha http")
    items = (await desk.ask("GET", "/campaigns")).json()["items"]
    assert test["campaign_id"] not in {item["campaign_id"] for item in items}
    written = (await desk.ask("POST", "/generate", json={"name": "Trial", "channels": ["email", "sms"]})).json()
    assert (written["sample"], len(written["variants"]), written["dropped"]) == (True, 3, [])
    await desk.ask("PUT", "/brands/default", json={})


async def test_everybody_is_messaged_at_their_hour_and_no_more_often_than_the_limits_allow(desk: Desk) -> None:
    name = str(ULID()).lower()[-8:]
    await caps_hold(desk, f"c{name}")
    opening = full_minute(timedelta(seconds=40))
    async with asyncio.TaskGroup() as scenes:
        scenes.create_task(sleepers_wait(desk, f"s{name}", opening))
        scenes.create_task(own_clocks_decide(desk, f"o{name}", opening))
        scenes.create_task(too_late_is_told(desk, f"l{name}"))
        scenes.create_task(habits_decide(desk, f"h{name}"))
    assert await desk.metric("planner", "peal_campaigns", status="active") == 0
