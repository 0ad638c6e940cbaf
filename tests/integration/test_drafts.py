"""A campaign written field by field at the console until it is sent: real planner, tracker, Kafka and ClickHouse."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import psutil
import pytest
from console_stage import ADMIN_TOKEN, Stage, listed, until
from freezing import frozen
from ulid import ULID

from schemas import Draft
from schemas.topics import DRAFTS

PERSON = {"id": "c-1", "name": "Asha", "email": "asha-draft@example.com"}
WHOLE: dict[str, Any] = {
    "name": "Written by hand", "channels": ["email", "sms"], "body.text": "Hi {{ name }}",
    "audience.recipients": [PERSON], "budget.total": "5.00",
}  # fmt: skip


@pytest.fixture(scope="module")
def browser(stage: Stage) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stage.url, timeout=60) as client:
        assert client.get(f"/login/{ADMIN_TOKEN}").headers["location"] == "/"
        yield client


def new(stage: Stage, **sheet: Any) -> str:
    made = stage.api.post("/drafts", json={"sheet": sheet})
    assert made.status_code == 201, made.text
    return str(made.json()["draft_id"])


def change(stage: Stage, draft: str, revision: int, **changes: Any) -> httpx.Response:
    wanted = {name.replace("__", "."): value for name, value in changes.items()}
    return stage.api.patch(f"/drafts/{draft}", json={"expected_revision": revision, "changes": wanted})


def written(stage: Stage) -> str:
    """A draft with nothing in the way."""
    draft = new(stage)
    saved = change(stage, draft, 1, **WHOLE)
    assert saved.json()["problems"] == [], saved.text
    return draft


def test_a_draft_is_saved_field_by_field_with_what_is_wrong_by_step(stage: Stage) -> None:
    draft = new(stage)
    saved = change(stage, draft, 1, name="Spring", budget__total="much").json()
    assert (saved["revision"], saved["updated_by"]) == (2, "api-key")
    assert saved["steps"] == {"general": "open", "content": "open", "audience": "open", "budget": "wrong"}
    assert ("budget", "budget.total") in {(each["step"], each["field"]) for each in saved["problems"]}
    again = change(stage, draft, 1, name="Spring")
    assert (again.status_code, again.json()["revision"]) == (200, 2), "a repeat of what is saved is no conflict"
    shown = stage.api.get(f"/drafts/{draft}").json()
    assert shown["sheet"] == {"name": "Spring", "budget": {"total": "much"}}
    refused = change(stage, draft, 2, id="mine")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "id")
    assert stage.api.delete(f"/drafts/{draft}").status_code == 204
    assert stage.api.get(f"/drafts/{draft}").status_code == 404
    assert change(stage, draft, 2, name="Back").status_code == 404


def test_the_second_of_two_who_write_is_told_who_was_faster_and_what_it_is_now(stage: Stage) -> None:
    draft = new(stage, name="Both")
    machine = stage.api.post("/api-keys", json={"id": f"ravi-{draft}".lower()[:60], "role": "marketer"}).json()
    with httpx.Client(base_url=stage.api.base_url, headers={"Authorization": f"Bearer {machine['key']}"}) as ravi:
        body = {"expected_revision": 1, "changes": {"name": "Ravi's", "description": "his"}}
        assert ravi.patch(f"/drafts/{draft}", json=body).status_code == 200
    late = change(stage, draft, 1, name="Mine")
    told = late.json()
    assert (late.status_code, told["type"]) == (409, "urn:peal:problem:conflict")
    assert told["updated_by"].startswith("ravi-")
    assert (told["revision"], told["sheet"]) == (2, {"name": "Ravi's", "description": "his"})
    assert change(stage, draft, told["revision"], name="Mine").status_code == 200
    assert stage.api.get(f"/drafts/{draft}").json()["sheet"] == {"name": "Mine", "description": "his"}


def test_a_draft_is_looked_over_and_sent_once_however_often_it_is_asked_for(stage: Stage) -> None:
    draft = written(stage)
    review = stage.api.get(f"/drafts/{draft}/review").json()
    assert (review["ready"], review["blocking"], review["forecast"]["people"]) == (True, [], 1)
    headers = {"Idempotency-Key": str(ULID())}
    stale = stage.api.post(f"/drafts/{draft}/launch", json={"expected_revision": 1}, headers=headers)
    assert (stale.status_code, stale.json()["type"]) == (409, "urn:peal:problem:conflict")
    first = stage.api.post(f"/drafts/{draft}/launch", json={"expected_revision": 2}, headers=headers)
    assert (first.status_code, first.json()["campaign_id"]) == (200, draft), first.text
    until(lambda: stage.stats(draft)["planned"] == 2, "a frozen audience")
    epoch = stage.api.get(f"/campaigns/{draft}").json()["epoch"]
    for key in (headers, {"Idempotency-Key": str(ULID())}, {}):
        again = stage.api.post(f"/drafts/{draft}/launch", headers=key)
        assert (again.status_code, again.json()["campaign_id"]) == (200, draft), again.text
    after = stage.api.get(f"/campaigns/{draft}").json()
    assert (after["epoch"], after["status"], after["name"]) == (epoch, "active", "Written by hand")
    assert stage.api.get(f"/drafts/{draft}").status_code == 404
    assert sum(each["campaign_id"] == draft for each in stage.api.get("/campaigns").json()["items"]) == 1


def test_a_draft_that_stayed_behind_after_a_crash_is_sent_no_second_time(stage: Stage, browser: httpx.Client) -> None:
    """The console died between the planner's yes and the removal of the draft."""
    draft = written(stage)
    left = Draft.model_validate(stage.api.get(f"/drafts/{draft}").json() | {"brand": "default"}, extra="ignore")
    assert stage.api.post(f"/drafts/{draft}/launch").status_code == 200
    epoch = stage.api.get(f"/campaigns/{draft}").json()["epoch"]
    stage.publish(DRAFTS, [(f"default/{draft}", left.write())])
    until(lambda: stage.api.get(f"/drafts/{draft}").status_code == 200, "the draft that stayed behind")
    rows = browser.get("/campaigns", params={"name": draft}).text
    assert (rows.count(f'id="row-{draft}"'), "Continue" in rows) == (1, False)
    again = stage.api.post(f"/drafts/{draft}/launch", headers={"Idempotency-Key": str(ULID())})
    assert (again.status_code, again.json()["epoch"]) == (200, epoch)
    assert stage.api.get(f"/campaigns/{draft}").json()["epoch"] == epoch
    assert stage.api.get(f"/drafts/{draft}").status_code == 404


def test_what_a_second_person_must_approve_is_said_before_and_waits_after(stage: Stage, browser: httpx.Client) -> None:
    brand = stage.api.get("/brands/default").json()
    rules = {"approval_above": {"total": "1.00", "currency": "USD"}}
    assert stage.api.put("/brands/default", json=rules).status_code == 200, brand
    try:
        draft = written(stage)
        assert stage.api.get(f"/drafts/{draft}/review").json()["needs_approval"]
        said = browser.get(f"/campaigns/{draft}/edit/review/findings").text
        assert "A second person has to approve it: the brand asks for that above 1.00 USD" in said
        sent = stage.api.post(f"/drafts/{draft}/launch")
        assert (sent.status_code, sent.json()["waiting_for"]) == (200, "approval")
        assert stage.api.post(f"/drafts/{draft}/launch").json()["waiting_for"] == "approval"
        assert stage.api.get(f"/campaigns/{draft}").json()["status"] == "draft"
    finally:
        stage.api.put("/brands/default", json={}).raise_for_status()


def test_what_is_not_whole_is_not_sent_and_says_all_that_is_missing(stage: Stage) -> None:
    draft = new(stage, name="Half", channels=["email", "push"], body={"text": "Hi"})
    refused = stage.api.post(f"/drafts/{draft}/launch")
    fields = {each["field"] for each in refused.json()["errors"]}
    assert (refused.status_code, fields >= {"accounts.push", "audience.filter.role"}) == (422, True), refused.text
    review = stage.api.get(f"/drafts/{draft}/review").json()
    blocking = {each["field"]: each for each in review["blocking"]}
    assert blocking["accounts.push"]["path"].startswith("/accounts")
    assert not review["ready"]
    assert stage.api.get(f"/campaigns/{draft}").status_code == 404


def test_a_campaign_from_a_file_is_gone_on_with_and_loses_nothing(stage: Stage, browser: httpx.Client) -> None:
    campaign = listed(3, ("email",), description="From a file")
    campaign["audience"]["recipients"][0] |= {"attributes": {"age": 41, "plan": "gold"}, "zone": "Asia/Kolkata"}
    campaign["audience"]["recipients"][1]["opt_in"] = ["sms", "whatsapp"]
    campaign_id = campaign["id"]
    assert stage.api.post("/campaigns", json=campaign).status_code == 201
    taken = stage.api.post("/drafts", json={"campaign_id": campaign_id})
    assert taken.status_code == 201, taken.text
    sheet = taken.json()["sheet"]
    assert (taken.json()["draft_id"], sheet["description"], sheet["channels"]) == (
        campaign_id,
        "From a file",
        ["email"],
    )
    assert sheet["audience"] == campaign["audience"]
    assert stage.api.post("/drafts", json={"campaign_id": campaign_id}).json()["revision"] == 1, "taken over once"
    rows = browser.get("/campaigns", params={"name": campaign_id}).text
    assert len(re.findall(rf'id="row-{campaign_id}"', rows)) == 1
    assert change(stage, campaign_id, 1, name="Written on").status_code == 200
    sent = stage.api.post(f"/drafts/{campaign_id}/launch", json={"expected_revision": 2})
    assert sent.status_code == 200, sent.text
    until(lambda: stage.stats(campaign_id)["planned"] == 3, "the three people")
    assert stage.api.get(f"/campaigns/{campaign_id}").json()["name"] == "Written on"
    late = stage.api.post("/drafts", json={"campaign_id": campaign_id})
    assert (late.status_code, "clone it" in late.json()["detail"]) == (409, True)


def test_drafts_stand_in_the_list_on_the_dashboard_and_in_what_is_searched(stage: Stage, browser: httpx.Client) -> None:
    before = stage.api.get("/dashboard").json()["drafts"]
    name = f"Monsoon {ULID()}"
    draft = new(stage, name=name)
    page = browser.get("/campaigns", params={"name": name}).text
    assert f"/campaigns/{draft}/edit" in page
    assert "Continue" in page
    assert draft in browser.get("/campaigns", params={"status": "draft"}).text
    assert draft in browser.get("/palette", params={"q": name}).text
    figures = stage.api.get("/dashboard").json()
    assert (figures["drafts"], figures["by_status"]["draft"]) == (before + 1, figures["drafts"])
    opened = browser.get(f"/campaigns/{draft}")
    assert opened.headers["location"] == f"/campaigns/{draft}/edit"


def test_every_step_has_its_page_and_leads_on_once_the_campaign_is_sent(stage: Stage, browser: httpx.Client) -> None:
    draft = written(stage)
    for step in ("general", "audience", "budget", "review"):
        page = browser.get(f"/campaigns/{draft}/edit/{step}")
        assert page.status_code == 200, page.text[:300]
        assert f'data-draft="{draft}"' in page.text
        assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?! src=)", page.text)
    assert browser.get(f"/campaigns/{draft}/edit").headers["location"] == f"/campaigns/{draft}/edit/general"
    found = browser.get(f"/campaigns/{draft}/edit/review/findings").text
    assert "Send Campaign" in found
    assert "Nothing is in the way" in found
    assert browser.get("/campaigns/new").status_code == 200
    assert stage.api.post(f"/drafts/{draft}/launch").status_code == 200
    assert browser.get(f"/campaigns/{draft}/edit/budget").headers["location"] == f"/campaigns/{draft}"
    assert browser.get("/campaigns/nobody-knows-it/edit/general").status_code == 404


def broker(port: int) -> psutil.Process:
    """The embedded broker that this test run has started."""
    for process in psutil.Process().children(recursive=True):
        listening = {each.laddr.port for each in process.net_connections("inet") if each.status == psutil.CONN_LISTEN}
        if port in listening:
            return process
    raise AssertionError("no broker among what this run has started: this test needs the embedded one")


def test_while_the_broker_is_away_it_is_said_that_nothing_is_saved_and_the_repeat_is_saved_once_it_is_back(
    stage: Stage, browser: httpx.Client
) -> None:
    draft = new(stage, name="Before")
    with frozen(broker(int(stage.environment["PEAL_KAFKA_BOOTSTRAP"].rpartition(":")[2]))):
        away = change(stage, draft, 1, name="After")
        assert (away.status_code, away.json()["type"]) == (503, "urn:peal:problem:kafka_unavailable")
        assert "nothing was saved" in away.json()["detail"]
        page = browser.get(f"/campaigns/{draft}/edit/general")
        assert page.status_code == 200, "what is written can be read meanwhile"
    saved = until(lambda: (answer := change(stage, draft, 1, name="After")).status_code == 200 and answer, "it is back")
    assert saved.json()["revision"] == 2
    assert stage.api.get(f"/drafts/{draft}").json()["sheet"]["name"] == "After"
