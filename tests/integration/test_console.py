"""REST on the real planner, tracker, Kafka and ClickHouse: campaigns, figures, people, and bad input."""

from __future__ import annotations

import json
from typing import Any

import httpx
from console_stage import Stage, event, listed, until
from ulid import ULID

from schemas import Command, CommandType
from schemas.campaign import Campaign
from schemas.topics import CAMPAIGN_COMMANDS


def problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    """The body of an error, which is always problem+json of one shape."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert set(body) >= {"type", "title", "status", "detail", "errors"}
    assert body["status"] == status
    return body


def fields(body: dict[str, Any]) -> list[tuple[str, str]]:
    return [(error["field"], error["problem"]) for error in body["errors"]]


def test_without_the_right_key_nothing_is_told(stage: Stage) -> None:
    assert problem(httpx.get(f"{stage.url}/api/v1/campaigns"), 401)["type"] == "urn:peal:problem:no_key"
    wrong = httpx.get(f"{stage.url}/api/v1/campaigns", headers={"Authorization": "Bearer nope"})
    assert problem(wrong, 401)["type"] == "urn:peal:problem:wrong_key"
    problem(httpx.post(f"{stage.url}/api/v1/campaigns", json=listed(1)), 401)


def test_what_is_wrong_in_a_campaign_is_said_by_its_field(stage: Stage) -> None:
    bad = {"name": "X", "channels": ["emial"], "audience": {}, "schedule": {"at": "2026-12-01T10:00"}, "nmae": 1}
    body = problem(stage.api.post("/campaigns", json=bad), 422)
    assert sorted(fields(body)) == [
        ("audience", "invalid"), ("channels.0", "unknown_channel"), ("nmae", "unknown_field"),
        ("schedule.zone", "no_zone"),
    ]  # fmt: skip
    assert all(error["message"] for error in body["errors"])
    rubbish = stage.api.post("/campaigns", content=b"{", headers={"content-type": "application/json"})
    assert fields(problem(rubbish, 422)) == [("body", "not_json")]
    planner = stage.api.post("/campaigns", json=listed(1, body={"text": "Hi {{ nmae }}"}))
    assert fields(problem(planner, 422))[0][1] == "unknown_placeholder"
    assert "did you mean 'name'" in planner.json()["errors"][0]["message"]
    other = stage.api.post("/campaigns", json=listed(1, brand="other"))
    assert fields(problem(other, 422)) == [("brand", "wrong_brand")]


def test_a_repeat_with_the_same_key_gets_the_first_answer_and_makes_nothing_new(stage: Stage) -> None:
    campaign = listed(1)
    del campaign["id"]
    headers = {"Idempotency-Key": str(ULID())}
    first = stage.api.post("/campaigns", json=campaign, headers=headers)
    again = stage.api.post("/campaigns", json=campaign, headers=headers)
    assert first.status_code == again.status_code == 201
    assert first.json() == again.json()
    assert first.headers["location"] == f"/api/v1/campaigns/{first.json()['campaign_id']}"
    other = stage.api.post("/campaigns", json=campaign, headers={"Idempotency-Key": str(ULID())})
    assert other.json()["campaign_id"] != first.json()["campaign_id"]


def test_the_list_is_walked_by_cursor_newest_first_each_once(stage: Stage) -> None:
    made = [stage.api.post("/campaigns", json=listed(1)).json()["campaign_id"] for _ in range(5)]
    seen, cursor = [], ""
    while cursor is not None:
        page = stage.api.get("/campaigns", params={"limit": 2, "cursor": cursor}).json()
        assert len(page["items"]) <= 2
        seen += [item["campaign_id"] for item in page["items"]]
        cursor = page["next"]
    assert len(seen) == len(set(seen))
    assert [campaign for campaign in seen if campaign in made] == made[::-1]
    drafts = stage.api.get("/campaigns", params={"status": "draft", "limit": 1000}).json()["items"]
    assert {item["status"] for item in drafts} == {"draft"}
    assert fields(problem(stage.api.get("/campaigns", params={"cursor": "rubbish"}), 422)) == [("cursor", "invalid")]
    assert fields(problem(stage.api.get("/campaigns", params={"limit": 0}), 422))[0][0] == "limit"


def test_a_draft_is_replaced_and_launched_once(stage: Stage) -> None:
    campaign = listed(2)
    path = f"/campaigns/{campaign['id']}"
    assert stage.api.put(path, json=campaign).status_code == 200
    assert stage.api.put(path, json={**campaign, "name": "Better"}).status_code == 200
    assert stage.api.get(path).json()["name"] == "Better"
    assert fields(problem(stage.api.put(path, json={**campaign, "id": "other"}), 422)) == [("id", "mismatch")]
    conflict = problem(stage.api.post(f"{path}/launch", json={"expected_epoch": 7}), 409)
    assert conflict["type"] == "urn:peal:problem:wrong_epoch"
    launched = stage.api.post(f"{path}/launch", json={"expected_epoch": 0})
    assert (launched.status_code, launched.json()["epoch"]) == (200, 1)
    assert problem(stage.api.post(f"{path}/launch"), 409)["type"] == "urn:peal:problem:wrong_status"
    assert problem(stage.api.put(path, json=campaign), 409)["type"] == "urn:peal:problem:wrong_status"
    assert stage.api.get(path).json()["status"] == "active"


def test_pause_resume_cancel_and_clone_are_commands_too(stage: Stage) -> None:
    campaign_id = stage.launched(2)
    path = f"/campaigns/{campaign_id}"
    for verb, status in (("pause", "paused"), ("resume", "active"), ("cancel", "cancelled")):
        assert stage.api.post(f"{path}/{verb}").status_code == 200
        assert stage.api.get(path).json()["status"] == status
    clone = stage.api.post(f"{path}/clone")
    assert clone.status_code == 201
    copy = stage.api.get(f"/campaigns/{clone.json()['campaign_id']}").json()
    assert (copy["name"], copy["status"]) == ("Hello (copy)", "draft")


def test_what_belongs_to_another_brand_is_not_there(stage: Stage) -> None:
    campaign = Campaign.model_validate(listed(1, brand="other"))
    assert campaign.id is not None
    command = Command(
        type=CommandType.APPLY, command_id=str(ULID()), brand="other", campaign=campaign  # type: ignore[arg-type]
    )  # fmt: skip
    stage.publish(CAMPAIGN_COMMANDS, [(campaign.id, command.write())])
    mine = stage.launched(1)  # answered after the other, and in the registry with it
    until(lambda: stage.api.get(f"/campaigns/{mine}").status_code == 200, "my own campaign")
    for path in ("", "/stats", "/sends", "/events", "/explain/c-1"):
        problem(stage.api.get(f"/campaigns/{campaign.id}{path}"), 404)
    problem(stage.api.post(f"/campaigns/{campaign.id}/launch"), 404)
    listing = stage.api.get("/campaigns", params={"limit": 1000}).json()["items"]
    assert campaign.id not in {item["campaign_id"] for item in listing}


def test_figures_count_each_send_once_however_often_and_in_whatever_order_it_is_told(stage: Stage) -> None:
    campaign = stage.launched(6)
    story = [
        event(campaign, 1, 0, "email", "accepted", cost_micros=900),
        event(campaign, 1, 0, "email", "delivered", 1),
        event(campaign, 1, 0, "email", "clicked", 2),
        event(campaign, 1, 1, "email", "accepted", cost_micros=900),
        event(campaign, 1, 1, "email", "bounced", 1),
        event(campaign, 1, 2, "email", "uncertain"),
        event(campaign, 1, 3, "email", "suppressed", reason="opted_out", source="router"),
        event(campaign, 1, 4, "email", "recalled"),
        event(campaign, 1, 4, "email", "accepted", 1, attempt=2, cost_micros=900),
        event(campaign, 1, 5, "email", "failed", reason="invalid_address"),
        *(event(campaign, 2, n, "sms", "suppressed", reason="no_address", source="router") for n in range(5)),
    ]
    stage.tell(*story)
    stage.tell(*reversed(story))
    until(
        lambda: (told := stage.stats(campaign))["settled"] == 10 and told["spent_micros"] == 2700,
        "ten settled sends and what they cost",
    )
    stats = stage.stats(campaign)
    assert (stats["audience"], stats["planned"], stats["settled"], stats["open"]) == (6, 12, 10, 2)
    assert (stats["spent_micros"], stats["uncertain"], stats["status"]) == (2700, 1, "active")
    email, sms = stats["by_channel"]["email"], stats["by_channel"]["sms"]
    wanted = {
        "planned": 6, "settled": 5, "open": 1, "sent": 3, "delivered": 1, "read": 1, "clicked": 1, "bounced": 1,
        "failed": 1, "failed_by_reason": {"invalid_address": 1}, "uncertain": 1, "recalled": 0,
        "suppressed": 1, "suppressed_by_reason": {"opted_out": 1},
    }  # fmt: skip
    assert {name: email[name] for name in wanted} == wanted
    assert (sms["planned"], sms["suppressed_by_reason"], sms["open"]) == (6, {"no_address": 5}, 1)
    assert [step["step"] for step in stats["by_step"]] == [1, 2]
    assert stats["settled"] + stats["open"] == stats["planned"]


def test_at_every_look_as_many_are_settled_as_were_sent(stage: Stage) -> None:
    campaign, people = stage.launched(60, ("email",)), 60

    def look() -> dict[str, Any]:
        told = stage.stats(campaign)
        assert told["settled"] == told["by_channel"]["email"]["sent"]
        return told

    for first in range(0, people, 10):
        stage.tell(*(event(campaign, 1, n, "email", "accepted", cost_micros=900) for n in range(first, first + 10)))
        look()
    told = until(lambda: (now := look())["spent_micros"] == 900 * people and now, "all are sent and paid for")
    assert (told["settled"], told["open"], told["reserved_micros"]) == (people, 0, 0)


def test_sends_are_listed_by_where_they_stand_and_by_pages(stage: Stage) -> None:
    campaign = stage.launched(5)
    stage.tell(
        event(campaign, 1, 0, "email", "accepted", provider_message_id="m-1", cost_micros=900),
        event(campaign, 1, 1, "email", "accepted"),
        event(campaign, 1, 1, "email", "delivered", 1),
        event(campaign, 1, 2, "email", "suppressed", reason="opted_out", source="router"),
        *(event(campaign, 2, n, "sms", "suppressed", reason="no_address", source="router") for n in range(5)),
    )
    until(lambda: stage.stats(campaign)["settled"] == 8, "eight settled sends")

    def found(**filters: Any) -> list[tuple[int, str, str]]:
        rows, cursor = [], ""
        while cursor is not None:
            parameters = {**filters, "limit": 2, "cursor": cursor}
            page = stage.api.get(f"/campaigns/{campaign}/sends", params=parameters).raise_for_status().json()
            rows += [(item["step"], item["recipient"].rpartition("-p")[2], item["status"]) for item in page["items"]]
            cursor = page["next"]
        return rows

    assert found(channel="email") == [
        (1, "0", "accepted"), (1, "1", "delivered"), (1, "2", "suppressed"), (1, "3", "planned"), (1, "4", "planned"),
    ]  # fmt: skip
    assert found(status="suppressed") == [(1, "2", "suppressed"), *((2, str(n), "suppressed") for n in range(5))]
    assert found(status="planned") == found(status="open") == [(1, "3", "planned"), (1, "4", "planned")]
    assert len(found(status="settled")) == 8
    assert len(found()) == 10
    assert found(status="uncertain") == []
    first = stage.api.get(f"/campaigns/{campaign}/sends", params={"limit": 1}).json()["items"][0]
    assert (first["provider_message_id"], first["cost_micros"], first["attempt"]) == ("m-1", 900, 1)
    assert set(first) == {
        "send_id", "recipient", "step", "channel", "attempt", "status", "reason", "account", "provider_message_id",
        "cost_micros", "at",
    }  # fmt: skip
    assert fields(problem(stage.api.get(f"/campaigns/{campaign}/sends", params={"status": "sennt"}), 422)) == [
        ("status", "unknown_value")
    ]


def test_a_cancelled_campaign_has_nothing_open(stage: Stage) -> None:
    campaign = stage.launched(3, ("email",))
    stage.tell(event(campaign, 1, 0, "email", "accepted"), event(campaign, 1, 1, "email", "recalled"))
    until(lambda: stage.stats(campaign)["by_channel"]["email"]["recalled"] == 1, "one recalled send")
    assert stage.api.post(f"/campaigns/{campaign}/cancel").status_code == 200
    stats = stage.stats(campaign)
    assert (stats["settled"], stats["open"], stats["planned"]) == (3, 0, 3)
    assert stats["by_channel"]["email"]["suppressed_by_reason"] == {"campaign_cancelled": 2}
    items = stage.api.get(f"/campaigns/{campaign}/sends", params={"status": "suppressed"}).json()["items"]
    assert [item["reason"] for item in items] == ["campaign_cancelled"] * 2
    assert len(stage.api.get(f"/campaigns/{campaign}/sends").json()["items"]) == 3
    assert stage.api.get(f"/campaigns/{campaign}/sends", params={"status": "open"}).json()["items"] == []


def test_watchers_are_told_as_figures_change_and_events_come(stage: Stage) -> None:
    campaign = stage.launched(2, ("email",))
    with stage.api.stream("GET", f"/campaigns/{campaign}/events", timeout=60) as stream:
        lines = stream.iter_lines()
        kinds: dict[str, Any] = {}
        told = False
        for line in lines:
            if line.startswith("event: "):
                kind = line.removeprefix("event: ")
            elif line.startswith("data: "):
                kinds[kind] = json.loads(line.removeprefix("data: "))
                if not told:
                    assert kinds["stats"]["open"] == 2
                    stage.tell(event(campaign, 1, 0, "email", "accepted"))
                    told = True
                if kinds["stats"]["open"] == 1 and "activity" in kinds:
                    break
    assert kinds["activity"][0]["status"] == "accepted"
    assert kinds["activity"][0]["recipient"] == f"default/{campaign}-p0"


def test_a_persons_ledger_is_told_in_order_and_explained_in_words(stage: Stage) -> None:
    campaign = stage.launched(2)
    contact = f"{campaign}-p0"
    stage.tell(
        event(campaign, 1, 0, "email", "accepted"),
        event(campaign, 1, 0, "email", "delivered", 1, source="sendgrid"),
        event(campaign, 1, 0, "email", "read", 2, source="sendgrid"),
        event(campaign, 2, 0, "sms", "suppressed", -1, reason="no_address", source="router"),
    )
    ledger = until(
        lambda: len((body := stage.api.get(f"/recipients/{contact}/ledger").json())["items"]) == 4 and body,
        "four events",
    )
    assert ledger["recipient"] == f"default/{contact}"
    assert [item["status"] for item in ledger["items"]] == ["suppressed", "accepted", "delivered", "read"]
    assert ledger["items"][1]["event_id"] == f"{campaign}/1/{contact}/1/accepted/sender"
    pages = [stage.api.get(f"/recipients/{contact}/ledger", params={"limit": 3}).json()]
    pages.append(stage.api.get(f"/recipients/{contact}/ledger", params={"limit": 3, "cursor": pages[0]["next"]}).json())
    assert [item for page in pages for item in page["items"]] == ledger["items"]
    assert pages[1]["next"] is None
    send = stage.api.get(f"/sends/{campaign}/1/{contact}").json()
    assert (send["status"], [item["status"] for item in send["events"]]) == ("read", ["accepted", "delivered", "read"])
    told = stage.api.get(f"/campaigns/{campaign}/explain/{contact}").json()
    assert told["summary"].startswith("Person 0 got the email at ")
    assert told["summary"].endswith("The SMS was not sent because no phone number is recorded for Person 0.")
    stranger = stage.api.get(f"/campaigns/{campaign}/explain/stranger").json()
    assert stranger["summary"].startswith("stranger is not on the campaign's list of 2.")
    problem(stage.api.get(f"/sends/{campaign}/3/{contact}"), 404)


def test_contacts_are_imported_previewed_and_a_file_never_undoes_an_opt_out(stage: Stage) -> None:
    tag = str(ULID())
    people = [
        f"{tag}-{n},Asha,{'' if n == 0 else f'{tag}{n}@example.com'},+9198{n:08d},customer,{tag},sms whatsapp"
        for n in range(4)
    ]
    file = "\n".join(["id,name,email,phone,role,city,opt_in", *people, f"{tag}-bad,X,nomail,,,{tag},", ""])
    headers = {"content-type": "text/csv"}

    def import_file() -> dict[str, Any]:
        answer = stage.api.post("/contacts/import", params={"name": "people.csv"}, content=file, headers=headers)
        return dict(answer.raise_for_status().json())

    result = import_file()
    assert (result["imported"], result["opt_ins"], result["rejected"]) == (4, 8, 1)
    assert [(row["line"], row["field"]) for row in result["errors"]] == [(6, "email")]

    def preview() -> dict[str, Any]:
        body = {"filter": {"cities": [tag]}, "channels": ["email", "sms"]}
        return dict(stage.api.post("/audience/preview", json=body).raise_for_status().json())

    until(lambda: preview()["by_channel"]["sms"]["reachable"] == 4, "four reachable people")
    assert preview() == {
        "matched": 4,
        "by_channel": {
            "email": {"reachable": 3, "dropped": {"no_address": 1}},
            "sms": {"reachable": 4, "dropped": {}},
        },
    }
    said = stage.api.post("/consents", json={"contact": f"{tag}-1", "channel": "all", "state": "opted_out"})
    assert said.status_code == 202
    until(lambda: preview()["by_channel"]["sms"]["reachable"] == 3, "the opt-out")
    import_file()
    shown = stage.api.get(f"/contacts/{tag}-1").json()
    assert (shown["name"], shown["phone"], shown["city"]) == ("Asha", "+919800000001", tag)
    marker = stage.api.put(f"/contacts/{tag}-1", json={"name": "Asha Rao", "city": tag, "phone": "+919800000001"})
    assert marker.status_code == 202
    until(lambda: stage.api.get(f"/contacts/{tag}-1").json()["name"] == "Asha Rao", "the later change")
    assert preview()["by_channel"]["sms"] == {"reachable": 3, "dropped": {"opted_out": 1}}
    states = {item["channel"]: item["state"] for item in stage.api.get(f"/contacts/{tag}-1").json()["consents"]}
    assert states["sms"] == states["email"] == "opted_out"
    problem(stage.api.get(f"/contacts/{tag}-none"), 404)


def test_a_file_of_no_use_is_refused_whole(stage: Stage) -> None:
    wrong = stage.api.post("/contacts/import", content=b"x", headers={"content-type": "application/pdf"})
    assert problem(wrong, 415)["type"] == "urn:peal:problem:unknown_type"
    headless = stage.api.post("/contacts/import", content=b"Asha,1\n", headers={"content-type": "text/csv"})
    assert fields(problem(headless, 422)) == [("file", "no_header")]
    bad = stage.api.put("/contacts/c-1", json={"phone": "12"})
    assert fields(problem(bad, 422)) == [("phone", "invalid_address")]
    unknown = stage.api.post("/consents", json={"contact": "c-1", "channel": "smoke", "state": "opted_in"})
    assert problem(unknown, 422)["errors"][0]["field"].startswith("channel")


def test_the_dashboard_and_the_accounts_say_what_there_is(stage: Stage) -> None:
    before = stage.api.get("/dashboard").json()
    stage.launched(7)
    after = stage.api.get("/dashboard").json()
    assert after["active"] == before["active"] + 1
    assert after["total_reach"] == before["total_reach"] + 7
    accounts = stage.api.get("/accounts").json()
    assert {(item["channel"], item["sandbox"]) for item in accounts["items"]} == {
        ("email", True), ("sms", True), ("whatsapp", True),
    }  # fmt: skip
    assert accounts["sandbox"] is True
    assert "SG.test" not in json.dumps(accounts)


def test_a_campaign_takes_its_contents_from_the_library_and_keeps_them(stage: Stage) -> None:
    key = str(ULID()).lower()
    body = {"channel": "sms", "name": "Spring", "content": {"text": "Hi {{ name | default: 'there' }}"}}
    made = stage.api.put(f"/templates/{key}", json=body).raise_for_status().json()
    assert (made["template"]["version"], made["used_by"]) == (1, [])
    broken = stage.api.put(f"/templates/{key}", json=body | {"content": {"text": "Hi {{ name"}})
    assert broken.status_code == 422
    assert broken.json()["errors"][0]["field"] == "content.text"

    asked = listed(1, ("sms",)) | {"templates": {"sms": key}}
    del asked["body"]
    campaign = stage.api.post("/campaigns", json=asked).raise_for_status().json()["campaign_id"]
    newer = body | {"content": {"text": "Newer"}, "expected_version": 1}
    assert stage.api.put(f"/templates/{key}", json=newer).json()["template"]["version"] == 2
    assert stage.api.put(f"/templates/{key}", json=newer).status_code == 409
    record = stage.api.get(f"/campaigns/{campaign}").json()
    assert record["templates"] == {"sms": {"template_id": key, "version": 1}}
    assert record["steps"][0]["content"]["sms"]["text"] == "Hi {{ name | default: 'there' }}"
    used = stage.api.get(f"/templates/{key}").json()["used_by"]
    assert [(use["campaign_id"], use["version"]) for use in used] == [(campaign, 1)]

    stage.api.delete(f"/templates/{key}").raise_for_status()
    assert stage.api.get(f"/templates/{key}").status_code == 404
    refused = stage.api.post("/campaigns", json=asked | {"id": str(ULID())})
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "templates.sms"
    assert stage.api.get(f"/campaigns/{campaign}").json()["templates"] == record["templates"]
