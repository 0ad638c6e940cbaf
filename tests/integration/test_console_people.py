"""People in the console: brought in by a file, found, kept as segments, looked at singly; and many pages at once."""

from __future__ import annotations

import asyncio
import csv
import io
import re
from typing import Any

import httpx
from console_stage import KEY, Stage, event, until
from ulid import ULID

LIVE_PAGES = 50


def brought(stage: Stage, content: str, mapping: dict[str, str], onto: str | None = None) -> dict[str, Any]:
    """A file that has gone in, as far as it did."""
    headers = {"Content-Type": "text/csv"}
    made = stage.api.post("/imports", params={"name": "crm.csv"}, content=content.encode(), headers=headers)
    assert made.status_code == 201, made.text
    path = f"/imports/{made.json()['import_id']}"
    assert stage.api.post(f"{path}/start", json={"mapping": mapping, "onto": onto}).status_code == 202
    return until(lambda: (job := stage.api.get(path).json())["state"] in ("done", "failed") and job, "the import")


def found(stage: Stage, **wanted: str) -> list[str]:
    """Contacts by id."""
    return [each["contact"] for each in stage.api.get("/contacts", params=wanted).raise_for_status().json()["items"]]


def test_a_file_with_columns_of_its_own_goes_in_and_its_bad_rows_come_back_with_the_reason(
    stage: Stage, browser: httpx.Client
) -> None:
    tag = str(ULID()).lower()
    content = (
        "Kundennr,First name,Last name,E-mail,SMS opt-in,Plan\n"
        f"{tag}-1,Åsa,Patil {tag},{tag}.one@example.com,yes,gold\n"
        f'{tag}-2,Ravi,"Das, {tag}",nonsense,no,basic\n'
        f"{tag}-3,Meera,Rao {tag},,no,\n"
    )
    mapping = {
        "Kundennr": "id", "First name": "name", "Last name": "name", "E-mail": "email", "SMS opt-in": "consent.sms",
        "Plan": "attribute",
    }  # fmt: skip
    job = brought(stage, content, mapping, f"list {tag}")
    assert (job["state"], job["imported"], job["opt_ins"], job["rejected"]) == ("done", 2, 1, 1)
    assert [(each["field"], each["problem"], each["rows"]) for each in job["mistakes"]] == [
        ("email", "invalid_address", 1)
    ]
    rejected = browser.get(f"/api/v1/imports/{job['import_id']}/rejected.csv").text
    rows = list(csv.DictReader(io.StringIO(rejected)))
    assert [(row["Kundennr"], row["Last name"], row["line"]) for row in rows] == [(f"{tag}-2", f"Das, {tag}", "3")]
    assert "no mail address" in rows[0]["reason"]
    until(lambda: len(found(stage, search=tag)) == 2, "both people")
    assert found(stage, search=f"{tag} åsa") == [f"{tag}-1"]
    assert found(stage, search=f"{tag}.one@exam") == [f"{tag}-1"]
    assert found(stage, search=tag, list=f"list {tag}") == [f"{tag}-1", f"{tag}-3"]
    assert found(stage, search="nobody-has-this-id") == []
    assert stage.api.get("/contacts", params={"search": "ab"}).status_code == 422
    page = browser.get("/contacts", params={"q": tag}).text
    assert f"Åsa Patil {tag}" in page
    assert "It is in." in browser.get(f"/imports/{job['import_id']}").text
    lines = list(csv.DictReader(io.StringIO(browser.get("/contacts.csv", params={"on": f"list {tag}"}).text)))
    assert [(line["id"], line["Plan"]) for line in lines] == [(f"{tag}-1", "gold"), (f"{tag}-3", "")]


def test_people_are_listed_page_by_page_without_leaving_anybody_out(stage: Stage) -> None:
    tag = str(ULID()).lower()
    content = "id,city\n" + "".join(f"{tag}-{n:02},Town {tag}\n" for n in range(25))
    brought(stage, content, {"id": "id", "city": "city"})
    until(lambda: len(found(stage, city=f"Town {tag}", limit="100")) == 25, "all of them")
    seen: list[str] = []
    cursor = ""
    while True:
        page = stage.api.get("/contacts", params={"city": f"Town {tag}", "limit": 10, "cursor": cursor}).json()
        seen += [each["contact"] for each in page["items"]]
        if not (cursor := page["next"] or ""):
            break
    assert seen == [f"{tag}-{n:02}" for n in range(25)]


def test_a_choice_of_columns_that_names_nobody_is_refused_and_the_file_can_be_forgotten(
    stage: Stage, browser: httpx.Client
) -> None:
    made = stage.api.post("/imports", content=b"City\nPune\n", headers={"Content-Type": "text/csv"}).json()
    assert made["mapping"] == {"City": "city"}
    refused = stage.api.post(f"/imports/{made['import_id']}/start", json={"mapping": {"City": "city"}})
    assert (refused.status_code, refused.json()["errors"][0]["problem"]) == (422, "no_id")
    assert "What the columns mean" in browser.get(f"/imports/{made['import_id']}").text
    assert stage.api.delete(f"/imports/{made['import_id']}").status_code == 200
    assert stage.api.get(f"/imports/{made['import_id']}").status_code == 404
    assert stage.api.post("/imports", content=b"", headers={"Content-Type": "text/csv"}).status_code == 422


def test_a_segment_keeps_conditions_and_counts_whom_they_mean(stage: Stage, browser: httpx.Client) -> None:
    tag = str(ULID()).lower()
    content = f"id,email,city\n{tag}-1,{tag}@example.com,Town {tag}\n{tag}-2,,Town {tag}\n"
    brought(stage, content, {"id": "id", "email": "email", "city": "city"})
    until(lambda: len(found(stage, search=tag)) == 2, "both people")
    made = stage.api.post("/segments", json={"name": f"People of {tag}", "filter": {"cities": [f"Town {tag}"]}}).json()
    reach = stage.api.get(f"/segments/{made['segment_id']}/reach").json()
    assert (reach["people"], reach["by_channel"]["email"]["reachable"]) == (2, 1)
    assert found(stage, segment=made["segment_id"]) == [f"{tag}-1", f"{tag}-2"]
    assert f"People of {tag}" in browser.get("/segments").text
    assert browser.get(f"/segments/{made['segment_id']}/edit").status_code == 200
    bad = {"name": "x", "filter": {"not_in_campaigns": ["no-such-campaign"]}}
    assert stage.api.put("/segments/mine", json=bad).status_code == 422
    assert stage.api.delete(f"/segments/{made['segment_id']}").status_code == 204
    assert stage.api.get(f"/segments/{made['segment_id']}").status_code == 404


def test_a_persons_page_tells_consent_with_proof_the_time_line_and_why(stage: Stage, browser: httpx.Client) -> None:
    campaign = stage.launched(2)
    person = f"{campaign}-p0"
    stage.tell(
        event(campaign, 1, 0, "email", "accepted"), event(campaign, 1, 0, "email", "delivered", 1),
        event(campaign, 2, 0, "sms", "suppressed", reason="no_consent", source="router"),
    )  # fmt: skip
    said = {"contact": person, "channel": "sms", "state": "opted_out", "proof": "On the telephone", "source": "console"}
    assert stage.api.post("/consents", json=said).status_code == 202
    until(lambda: stage.stats(campaign)["settled"] == 2, "both sends")
    until(lambda: "On the telephone" in browser.get(f"/contacts/{person}").text, "the word")
    page = browser.get(f"/contacts/{person}").text
    assert "SMS: <b>opted out</b>" in page
    assert "Email: <b>nothing said</b>" in page
    assert len(re.findall(r'<span class="dot (?:accepted|delivered|suppressed)"></span>\s*<div>', page)) == 3
    assert "Record a yes to SMS" in page
    explained = browser.get(f"/contacts/{person}", params={"campaign": campaign}).text
    assert "Person 0 got the email at" in explained
    assert "Record a no to" in browser.get(f"/contacts/{person}/say", params={"channel": "email"}).text
    assert "PEAL_MASTER_KEY" in browser.get(f"/recipients/{person}/forget").text, "without it nobody can be erased"
    unseen = browser.get("/contacts/not-there-yet", params={"saved": "1"})
    assert (unseen.status_code, "On the way in" in unseen.text) == (200, True)
    assert browser.get("/contacts/not-there-yet").status_code == 404


def test_a_campaigns_people_are_found_by_step_reason_and_name(stage: Stage, browser: httpx.Client) -> None:
    campaign = stage.launched(4)
    stage.tell(
        event(campaign, 1, 0, "email", "suppressed", reason="opted_out", source="router"),
        event(campaign, 1, 1, "email", "suppressed", reason="no_address", source="router"),
        event(campaign, 2, 1, "sms", "suppressed", reason="opted_out", source="router"),
        event(campaign, 1, 2, "email", "failed", source="sender"),
    )
    until(lambda: stage.stats(campaign)["settled"] == 4, "four sends")

    def shown(**wanted: str) -> list[tuple[int, str]]:
        page = stage.api.get(f"/campaigns/{campaign}/sends", params=wanted).raise_for_status().json()
        return [(row["step"], row["recipient"].rpartition("-")[2]) for row in page["items"]]

    assert shown(reason="opted_out") == [(1, "p0"), (2, "p1")]
    assert shown(reason="opted_out", step="2") == [(2, "p1")]
    assert shown(status="failed", reason="") == [(1, "p2")]
    assert shown(status="suppressed", step="1") == [(1, "p0"), (1, "p1")]
    people = f"/campaigns/{campaign}/people"
    assert set(re.findall(r"-(p\d)\?campaign", browser.get(people, params={"search": "person 3"}).text)) == {"p3"}
    no_reason = browser.get(people, params={"status": "failed", "reason": "-"}).text
    assert set(re.findall(r"-(p\d)\?campaign", no_reason)) == {"p2"}
    file = browser.get(f"{people}.csv", params={"status": "suppressed", "reason": "opted_out"}).text
    assert len(file.splitlines()) == 3
    page = browser.get(f"/campaigns/{campaign}").text
    assert "reason=no_address" in page


async def test_fifty_pages_are_live_at_once_on_one_process(stage: Stage) -> None:
    """Each is told of what happens, and a page that is opened meanwhile is there at once."""
    campaign = await asyncio.to_thread(stage.launched, 2, ("email",))
    told = asyncio.Event()
    heard = 0
    limits = httpx.Limits(max_connections=LIVE_PAGES + 5)
    async with httpx.AsyncClient(base_url=stage.url, timeout=60, limits=limits, follow_redirects=True) as client:
        assert (await client.post("/login", data={"api_key": KEY})).status_code == 200
        first = asyncio.Semaphore(0)

        async def follow() -> None:
            nonlocal heard
            async with client.stream("GET", f"/campaigns/{campaign}/live") as stream:
                opened = False
                async for line in stream.aiter_lines():
                    if not opened and line.startswith("event: "):
                        opened = True
                        first.release()
                    if "no address" in line:
                        heard += 1
                        if heard == LIVE_PAGES:
                            told.set()
                        return

        async with asyncio.timeout(60), asyncio.TaskGroup() as pages:
            for _ in range(LIVE_PAGES):
                pages.create_task(follow())
            for _ in range(LIVE_PAGES):
                await first.acquire()
            assert (await client.get("/campaigns")).status_code == 200
            suppressed = event(campaign, 1, 0, "email", "suppressed", reason="no_address", source="router")
            await asyncio.to_thread(stage.tell, suppressed)
            await told.wait()
    assert heard == LIVE_PAGES
