"""Messages as people would get them, test sends, the look of mails, AI Generate: on the real planner and tracker."""

from __future__ import annotations

import json
import re
from typing import Any

import httpx
import pytest
from console_stage import Stage, event, until
from ulid import ULID

from services.domain.messages import DeliveryEvent


@pytest.fixture(scope="module")
def people(stage: Stage) -> str:
    """The city of three contacts, one of whom has no name."""
    city = f"City{ULID()}"
    rows = [f"{city}-{n},{name},{city.lower()}{n}@example.com,+91981234567{n},{city},gold" for n, name in
            enumerate(["Asha", "Ravi", ""])]  # fmt: skip
    file = "\n".join(["id,name,email,phone,city,plan", *rows])
    answer = stage.api.post("/contacts/import", content=file, headers={"content-type": "text/csv"})
    assert answer.json()["imported"] == 3, answer.text
    until(lambda: len(found(stage, city)) == 3, "contacts are merged")
    return city


def sheet(city: str = "", **changes: Any) -> dict[str, Any]:
    return {
        "name": "Summer", "channels": ["email", "sms"], "body": {"text": "Hi {{ name }} of {{ city }}"},
        "audience": {"filter": {"cities": [city]} if city else {}}, **changes,
    }  # fmt: skip


def found(stage: Stage, city: str, text: str = "") -> list[dict[str, Any]]:
    answer = stage.api.post("/content/people", json={"audience": {"filter": {"cities": [city]}}, "text": text})
    return list(answer.raise_for_status().json()["items"])


def test_messages_are_shown_as_a_contact_would_get_them_and_who_lacks_what_is_counted(
    stage: Stage, people: str
) -> None:
    assert [each["name"] for each in found(stage, people, "rav")] == ["Ravi"]
    shown = stage.api.post("/content/preview", json={"sheet": sheet(people), "contact": f"{people}-1"}).json()
    assert [each["text"].split("\n")[0] for each in shown["channels"]] == [f"Hi Ravi of {people}"] * 2
    counted = {each["name"]: (each["lacking"], each["required"]) for each in shown["placeholders"]}
    assert (shown["people"], counted) == (3, {"name": (1, True), "city": (0, True)})
    nameless = stage.api.post("/content/preview", json={"sheet": sheet(people), "contact": f"{people}-2"}).json()
    assert [each["missing"] for each in nameless["channels"]] == [["name"], ["name"]]
    wrong = sheet(people, content={"sms": {"text": "{{ plan }}\n {{ nmae }}"}})
    told = stage.api.post("/content/preview", json={"sheet": wrong}).json()["channels"][1]["problems"]
    assert [(each["field"], each["line"], each["column"]) for each in told] == [("content.sms.text", 2, 5)]
    assert stage.api.post("/content/preview", json={"sheet": {}, "contact": "nobody"}).status_code == 404
    for half in ({"sheet": {"name": "\ud800"}}, {"person": {"attributes": {"city": "\ud800"}}}):
        assert stage.api.post("/content/preview", content=json.dumps(half)).status_code == 422


def test_who_lacks_a_placeholder_gets_the_message_where_its_author_sends_without(stage: Stage) -> None:
    listed = [{"id": f"p-{ULID()}", "email": f"{ULID()}@example.com".lower()}]
    for send_without, missing in ([], ["name"]), (["name"], []):
        campaign = sheet(channels=["email"], body={"text": "Hi {{ name }}"}, audience={"recipients": listed})
        answer = stage.api.post("/campaigns/plan", json=campaign | {"send_without": send_without})
        assert answer.json()["sound"], answer.text
        made = stage.api.post("/campaigns", json=campaign | {"send_without": send_without}).json()["campaign_id"]
        assert stage.api.get(f"/campaigns/{made}").json()["send_without"] == send_without
        shown = stage.api.post("/content/preview", json={"sheet": campaign | {"send_without": send_without},
                                                         "contact": listed[0]["id"]}).json()  # fmt: skip
        assert shown["channels"][0]["missing"] == missing


def test_a_mail_is_shown_in_a_frame_that_runs_nothing_and_fetches_nothing(browser: httpx.Client) -> None:
    token = re.search(r'name="csrf_token" value="([^"]+)"', browser.get("/").text)
    assert token is not None
    html = '<style>p{color:red}</style><p onclick="x()">Hi</p><script>alert(1)</script><img src="https://e.example/x">'
    asked = {"sheet": sheet(channels=["email"], content={"email": {"html": html}}), "look": {"header": "Acme & co"}}
    form = {"request": json.dumps(asked)}
    assert browser.post("/api/v1/content/mail", data=form).status_code == 403, "without the page's token"
    mail = browser.post("/api/v1/content/mail", data=form | {"csrf_token": token[1]})
    policy = mail.headers["content-security-policy"]
    for rule in ("sandbox;", "default-src 'none'", "img-src 'self' data:", "frame-ancestors 'self'"):
        assert rule in policy
    assert "script-src" not in policy
    assert "Acme &amp; co" in mail.text
    assert 'style="color: red;"' in mail.text.replace("color:red", "color: red")
    for page in ("/templates", "/templates/new?channel=whatsapp", "/settings/look"):
        assert browser.get(page).status_code == 200, page


def test_a_test_send_is_real_and_counts_nowhere_but_in_the_costs(stage: Stage, people: str) -> None:
    before = stage.api.get("/dashboard").json()
    body = {
        "sheet": sheet(people),
        "contact": f"{people}-0",
        "to": {"email": "Me@Example.com", "phone": "+919812345679"},
    }
    made = stage.api.post("/content/test", json=body, headers={"Idempotency-Key": "once"}).raise_for_status().json()
    again = stage.api.post("/content/test", json=body, headers={"Idempotency-Key": "once"}).json()
    assert again == made, "asked twice, it is sent once"
    assert made["cost_micros"] == 900 + 7_900
    test_id = made["campaign_id"]
    assert test_id.startswith("test~")
    record = stage.api.get(f"/campaigns/{test_id}").json()
    contact = test_id
    stage.tell(*[outcome(test_id, contact, step, channel) for step, channel in ((1, "email"), (2, "sms"))])
    until(lambda: stage.stats(test_id)["spent_micros"] == 1_000, "what it cost is known")
    assert record["status"] == "active"
    assert (record["limits"]["caps"], record["limits"]["expires_after"]) == ([], "1h")
    listed = stage.api.get("/campaigns", params={"limit": 1000}).json()["items"]
    assert not [each for each in listed if each["campaign_id"].startswith("test~")]
    after = stage.api.get("/dashboard").json()
    for figure in ("active", "total_reach", "by_channel", "by_status", "spent_micros"):
        assert after[figure] == before[figure], figure
    url = stage.environment["PEAL_CLICKHOUSE_URL"]
    for view in ("sends", "events", "campaign_channel_daily", "reach", "engagement_by_hour"):
        assert counted(url, view, test_id) == 0, view
    for view in ("v_sends", "v_ledger", "costs"):
        until(lambda view=view: counted(url, view, test_id) == 2, view)


def test_a_test_is_refused_where_it_would_not_arrive(stage: Stage, people: str) -> None:
    to = {"email": "me@example.com", "phone": ""}
    for changes, field, problem in (
        ({"contact": f"{people}-2"}, "content.email", "missing_data"),
        ({"sheet": sheet(people, channels=["sms"])}, "to.phone", "missing"),
        ({"to": {"email": "nobody"}}, "to.email", "invalid"),
        ({"sheet": sheet(people, channels=[])}, "channels", "missing"),
        ({"sheet": sheet(people, body={"text": "{{ nmae }}"})}, "body.text", "unknown_placeholder"),
    ):
        body = {"sheet": sheet(people, channels=["email"]), "contact": f"{people}-0", "to": to} | changes
        answer = stage.api.post("/content/test", json=body)
        assert answer.status_code == 422, answer.text
        assert (answer.json()["errors"][0]["field"], answer.json()["errors"][0]["problem"]) == (field, problem)
    wide = sheet(people) | {"id": "test~x"}
    assert "test sends" in stage.api.post("/campaigns", json=wide).text


def test_a_brand_s_look_is_kept_and_the_rest_of_the_brand_stays(stage: Stage) -> None:
    look = {"header": "Acme", "logo": "", "footer": "", "accent": "#0b7285", "background": "#ffffff", "text": "#1f2328"}
    assert stage.api.put("/brands/default", json={"name": "Acme", "voice": "Dry"}).status_code == 200
    assert stage.api.put("/brands/default/look", json=look).json() == look
    brand = stage.api.get("/brands/default").json()
    assert (brand["look"], brand["voice"]) == (look, "Dry")
    assert stage.api.put("/brands/default/look", json={"accent": "red"}).status_code == 422
    assert stage.api.put("/brands/default/look", json={}).status_code == 200


def test_where_neither_an_ai_service_nor_the_sandbox_is_there_it_is_said_in_plain_words(stage: Stage) -> None:
    answer = stage.api.post("/generate", json={"name": "Summer", "channels": ["sms"]})
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:peal:problem:ai_unset")
    assert "PEAL_OPENAI_API_KEY" in answer.json()["detail"]
    assert stage.api.post("/generate", json={"channels": ["sms"]}).status_code == 422


def outcome(test_id: str, contact: str, step: int, channel: str) -> DeliveryEvent:
    """As the sender tells it; of the one person whom a test lists."""
    told = event(test_id, step, 0, channel, "accepted", cost_micros=500)
    fields = {name: getattr(told, name) for name in told.__struct_fields__}
    send_id = f"{test_id}/{step}/{contact}"
    more = {"send_id": send_id, "recipient": f"default/{contact}", "event_id": f"{send_id}/1/accepted/sender"}
    return DeliveryEvent(**(fields | more))


def counted(url: str, view: str, campaign_id: str) -> int:
    query = f"SELECT count() FROM {view} WHERE campaign_id = '{campaign_id}'"
    return int(httpx.post(url, content=query).raise_for_status().text)
