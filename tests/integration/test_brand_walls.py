"""Brands as walls, roles, consents and the audit log, on the real planner, tracker, Kafka and ClickHouse."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import clickhouse_connect
import httpx
import pytest
from brand_walls import (
    ACCOUNT,
    BODIES,
    CAMPAIGN,
    CONTACT,
    DRAFT,
    DRAFT_KEY,
    GONE,
    KEY_ID,
    OPERATOR,
    SECRET,
    SEGMENT,
    TAKEN,
    TEMPLATE,
    filled,
    rest_routes,
    wall_of,
)
from console_routes import pages
from console_stage import KEY, Stage, listed, open_stage, until
from ulid import ULID

from schemas import Account, Command, CommandType
from schemas.topics import ACCOUNTS, CAMPAIGN_COMMANDS
from services.console.core.roles import needed

ROOT = {"Authorization": f"Bearer {KEY}"}
NORTH = {
    "name": SECRET, "opt_in_channels": ["email"], "zone": "Asia/Kolkata", "voice": SECRET,
    "limits": {"quiet_hours": {"from": "21:00", "to": "09:00"}, "caps": [{"messages": 3, "per": "7d"}]},
}  # fmt: skip


class House:
    """Two brands with their people and keys; all that there is belongs to `north`."""

    def __init__(self, stage: Stage) -> None:
        self.stage = stage
        self.keys: dict[str, str] = {}
        self.root = self.client(KEY)

    def client(self, key: str, brand: str = "") -> httpx.Client:
        headers = {"Authorization": f"Bearer {key}"} | ({"X-Peal-Brand": brand} if brand else {})
        return httpx.Client(base_url=f"{self.stage.url}/api/v1", headers=headers, timeout=60)

    def of(self, who: str) -> httpx.Client:
        """`north-admin`, `south-viewer` ..."""
        return self.client(self.keys[who])

    def furnish(self) -> None:
        for brand, content in (("north", NORTH), ("south", {})):
            assert self.root.put(f"/brands/{brand}", json=content).status_code == 200
            with self.client(KEY, brand) as root:
                for role in ("admin", "marketer", "viewer"):
                    key_id = f"{brand}-{role}"
                    made = root.post("/api-keys", json={"id": key_id, "role": role}).raise_for_status().json()
                    self.keys[key_id] = made["key"]
        with self.of("north-admin") as north:
            person = {"name": SECRET, "email": f"{SECRET}@example.com", "attributes": {"plan": SECRET}}
            north.put(f"/contacts/{CONTACT}", json=person).raise_for_status()
            word = {"contact": CONTACT, "channel": "sms", "state": "opted_in", "proof": SECRET}
            north.post("/consents", json=word).raise_for_status()
            north.put(f"/operators/{OPERATOR}", json={"role": "viewer", "name": SECRET}).raise_for_status()
            north.post("/api-keys", json={"id": KEY_ID, "name": SECRET, "role": "viewer"}).raise_for_status()
            content = {"channel": "sms", "name": SECRET, "content": {"text": SECRET}}
            north.put(f"/templates/{TEMPLATE}", json=content).raise_for_status()
            segment = {"name": SECRET, "filter": {"cities": [SECRET]}}
            north.put(f"/segments/{SEGMENT}", json=segment).raise_for_status()
            sheet = {"sheet": {"name": SECRET}}
            north.post("/drafts", json=sheet, headers={"Idempotency-Key": DRAFT_KEY}).raise_for_status()
            recipient = {"id": CONTACT, "name": SECRET, "email": f"{SECRET}@example.com"}
            campaign = listed(0, ("email",), id=CAMPAIGN, name=SECRET, brand="north") | {
                "audience": {"recipients": [recipient]}
            }
            sent = north.post("/campaigns", json=campaign, params={"launch": "true"})
            assert sent.status_code == 201, sent.text
            account = Account.model_validate(
                {"account_id": ACCOUNT, "brand": "north", "channel": "sms", "provider": "twilio", "rate_per_s": 1,
                 "sender": SECRET, "username": SECRET, "secret": SECRET}
            )  # fmt: skip
            self.stage.publish(ACCOUNTS, [(ACCOUNT, account.write())])
            until(lambda: north.get(f"/accounts/{ACCOUNT}").status_code == 200, "the account")
            until(lambda: north.get(f"/contacts/{CONTACT}").status_code == 200, "the contact")
            until(lambda: north.get(f"/recipients/{CONTACT}/consents").json()["words"], "the consent")


@pytest.fixture(scope="module")
def house(kafka_bootstrap: str, clickhouse_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    with open_stage(kafka_bootstrap, clickhouse_url, tmp_path_factory.mktemp("brands")) as stage:
        made = House(stage)
        made.furnish()
        yield made


def ask(client: httpx.Client, route: str) -> httpx.Response:
    method, _, path = route.partition(" ")
    if route in ("POST /contacts/import", "POST /consents/import"):
        return client.post(path, content=b"id,contact,channel,state\n", headers={"Content-Type": "text/csv"})
    if path == "/campaigns/{campaign_id}/events":  # would not end, were it there
        with client.stream("GET", filled(path)) as answer:
            return httpx.Response(answer.status_code, content=b"" if answer.status_code == 200 else answer.read())
    return client.request(method, filled(path), json=BODIES.get(route, {} if method in ("POST", "PUT") else None))


def openapi(house: House) -> dict[str, Any]:
    return dict(house.root.get("/openapi.json").raise_for_status().json())


def test_nothing_of_a_brand_is_there_for_another_one_whichever_route_it_takes(house: House) -> None:
    routes = rest_routes(openapi(house))
    assert len(routes) > 40
    with house.of("north-admin") as north, house.of("south-admin") as south:
        before = north.get(f"/campaigns/{CAMPAIGN}").json()
        for route in routes:
            answer = ask(south, route)
            wall = wall_of(route)
            assert answer.status_code not in (401, 403, 500), f"{route}: {answer.status_code} {answer.text}"
            assert SECRET not in answer.text, f"{route} lets another brand look in: {answer.text[:500]}"
            if wall == GONE:
                assert answer.status_code == 404, f"{route}: {answer.status_code} {answer.text[:300]}"
            if wall == TAKEN:
                assert answer.json()["type"].endswith(":taken"), f"{route}: {answer.text[:300]}"
                assert not set(answer.json()) & {"status_of", "brand"}
        after = north.get(f"/campaigns/{CAMPAIGN}").json()
        assert [after[name] for name in ("status", "epoch", "body", "name")] == [
            before[name] for name in ("status", "epoch", "body", "name")
        ]
        assert north.get(f"/contacts/{CONTACT}").json()["name"] == SECRET
        assert [each["operator_id"] for each in north.get("/operators").json()["items"]] == [OPERATOR]
        assert KEY_ID in {each["operator_id"] for each in north.get("/api-keys").json()["items"]}
        assert [word["state"] for word in north.get(f"/recipients/{CONTACT}/consents").json()["words"]] == ["opted_in"]
        assert north.get("/brands/north").json()["voice"] == SECRET
        assert north.get(f"/templates/{TEMPLATE}").json()["template"]["name"] == SECRET
        assert north.get(f"/drafts/{DRAFT}").json()["sheet"] == {"name": SECRET}


@contextmanager
def signed_in(house: House, brand: str, role: str) -> Iterator[httpx.Client]:
    """A browser, by a login link."""
    with house.of(f"{brand}-admin") as admin:
        name = f"{brand}-{role}-person"
        admin.put(f"/operators/{name}", json={"role": role}).raise_for_status()
        link = admin.post(f"/operators/{name}/login-link").raise_for_status().json()["url"]
    with httpx.Client(base_url=house.stage.url, timeout=60) as browser:
        assert browser.get(urlparse(link).path).headers["location"] == "/"
        yield browser


def test_no_page_shows_anything_of_another_brand(house: House) -> None:
    with signed_in(house, "south", "admin") as browser:
        for page in pages():
            path = filled(page.path)
            parameters = {"contact": CONTACT} if path == "/recipients" else {}
            if path == "/live":
                continue  # the dashboard's regions, as the page itself has them
            answer = browser.get(path, params=parameters)
            assert answer.headers.get("location") != "/login", path
            assert SECRET not in answer.text, f"{path} lets another brand look in"
            assert answer.status_code == 404 or CAMPAIGN not in path, f"{path}: {answer.status_code}"
            keyless = answer.status_code == 503 and "PEAL_MASTER_KEY" in answer.text  # so is this stage
            assert answer.status_code < 500 or keyless, f"{path}: {answer.text[:300]}"


@pytest.mark.parametrize("role", ["viewer", "marketer"])
def test_each_route_that_needs_a_greater_role_is_refused_in_words(house: House, role: str) -> None:
    with house.of(f"north-{role}") as client:
        for route in rest_routes(openapi(house)):
            method, _, path = route.partition(" ")
            least = needed(method, path)
            if least == "viewer" or least == role:
                continue
            answer = ask(client, route)
            assert answer.status_code == 403, f"{route} as a {role}: {answer.status_code} {answer.text[:300]}"
            assert f"this needs the role {least}" in answer.json()["detail"]


def test_a_viewer_is_offered_nothing_that_would_be_refused(house: House) -> None:
    with signed_in(house, "north", "viewer") as browser:
        page = browser.get(f"/campaigns/{CAMPAIGN}")
        assert page.status_code == 200
        assert "act-pause" not in page.text
        dialog = browser.get(f"/campaigns/{CAMPAIGN}/acts/pause")
        assert dialog.status_code == 403
        assert "changes nothing" in dialog.text
    with signed_in(house, "north", "marketer") as browser:
        assert "act-pause" in browser.get(f"/campaigns/{CAMPAIGN}").text


def test_who_is_taken_off_is_out_at_once_and_a_link_works_once(house: House) -> None:
    with house.of("north-admin") as admin:
        admin.put("/operators/guest", json={"role": "viewer"}).raise_for_status()
        link = urlparse(admin.post("/operators/guest/login-link").raise_for_status().json()["url"]).path
        with httpx.Client(base_url=house.stage.url) as browser, httpx.Client(base_url=house.stage.url) as thief:
            assert browser.get(link).status_code == 303
            assert thief.get(link).status_code == 403
            assert browser.get("/campaigns").status_code == 200
            admin.delete("/operators/guest").raise_for_status()
            assert browser.get("/campaigns").headers["location"] == "/login"
        key = admin.post("/api-keys", json={"id": "short-lived"}).raise_for_status().json()["key"]
        with house.client(key) as machine:
            assert machine.get("/campaigns").status_code == 200
            admin.delete("/api-keys/short-lived").raise_for_status()
            assert machine.get("/campaigns").status_code == 401
        refused = admin.put("/operators/boss", json={"role": "admin", "installation": True})
        assert (refused.status_code, refused.json()["type"]) == (403, "urn:peal:problem:not_allowed")
    assert house.of("north-admin").get("/campaigns", headers={"X-Peal-Brand": "south"}).status_code == 404
    assert house.root.get("/campaigns", headers={"X-Peal-Brand": "nowhere"}).status_code == 404


def test_a_campaign_is_launched_by_its_brands_rules(house: House) -> None:
    with house.of("north-admin") as north:
        record = north.get(f"/campaigns/{CAMPAIGN}").json()
        assert record["needs_opt_in"] == ["email"]
        assert record["zone"] == "Asia/Kolkata"
        assert record["limits"]["quiet_hours"]["from"] == "21:00:00"
        assert [cap["messages"] for cap in record["limits"]["caps"]] == [3]
        bad = house.root.put("/brands/north", json={"opt_in_channels": ["fax"], "zone": "Mars"})
        assert {error["field"] for error in bad.json()["errors"]} == {"opt_in_channels.0", "zone"}
        assert north.put("/brands/north", json={}).status_code == 403, "brands are the installation's"


def test_a_command_over_kafka_for_another_brands_campaign_finds_nothing(house: House) -> None:
    command = Command.model_validate(
        {"type": CommandType.CANCEL, "command_id": str(ULID()), "brand": "south", "campaign_id": CAMPAIGN}
    )
    house.stage.publish(CAMPAIGN_COMMANDS, [(CAMPAIGN, command.write())])

    def told() -> dict[str, Any] | None:
        with house.of("south-admin") as south:
            items = south.get("/audit", params={"action": "campaign.cancel"}).json()["items"]
            return next((item for item in items if item["entry_id"] == command.command_id), None)

    entry = until(told, "the refusal in the audit log")
    assert entry is not None
    assert (entry["status"], entry["operator"], entry["detail"]) == (
        "rejected",
        "upstream",
        "campaign_id unknown_campaign",
    )
    assert (entry["epoch_before"], entry["epoch_after"]) == (None, None)
    with house.of("north-admin") as north:
        assert north.get(f"/campaigns/{CAMPAIGN}").json()["status"] == "active"


def test_the_audit_log_says_who_did_what_once_and_nothing_of_a_person_but_their_key(house: House) -> None:
    with house.of("north-admin") as north, house.of("north-marketer") as marketer:
        assert marketer.post(f"/campaigns/{CAMPAIGN}/pause").status_code == 200
        assert marketer.post(f"/campaigns/{CAMPAIGN}/pause").status_code == 409
        assert marketer.post(f"/campaigns/{CAMPAIGN}/resume").status_code == 200

        def on_campaign() -> list[dict[str, Any]]:
            found = north.get("/audit", params={"object": f"campaign/{CAMPAIGN}"}).json()["items"]
            return list(found) if len(found) >= 4 else []

        story = until(on_campaign, "four entries")[::-1]
        assert [(each["operator"], each["action"], each["status"]) for each in story] == [
            ("north-admin", "campaign.send", "accepted"), ("north-marketer", "campaign.pause", "accepted"),
            ("north-marketer", "campaign.pause", "rejected"), ("north-marketer", "campaign.resume", "accepted"),
        ]  # fmt: skip
        assert [(each["epoch_before"], each["epoch_after"]) for each in story] == [(None, 1), (1, 2), (2, None), (2, 3)]
        (word,) = north.get("/audit", params={"action": "consent.record", "object": f"north/{CONTACT}"}).json()["items"]
        assert (word["object"], word["recipient"], word["detail"]) == (
            "contact", f"north/{CONTACT}", "sms opted_in (marketing)",
        )  # fmt: skip
        everything, cursor = [], ""
        while cursor is not None:
            page = north.get("/audit", params={"limit": 3, "cursor": cursor})
            assert SECRET not in page.text
            everything += page.json()["items"]
            cursor = page.json()["next"]
        ids = [each["entry_id"] for each in everything]
        assert len(ids) == len(set(ids))
        assert [each["at"] for each in everything] == sorted((each["at"] for each in everything), reverse=True)
        assert {"operator.put", "api-key.create", "contact.replace"} <= {each["action"] for each in everything}


def test_words_on_consent_come_from_files_and_go_out_with_their_proof(house: House) -> None:
    file = (
        "contact,channel,state,at,source,proof,purpose\n"
        "paper-1,email,opted_in,2026-05-01T10:00:00Z,fair,form 17,\n"
        "paper-1,email,opted_out,2026-06-01T10:00:00Z,phone,call 3,\n"
        "paper-1,fax,opted_in,,,,\n"
        "paper-1,email,opted_in,,list,,\n"
    )
    with house.of("north-marketer") as north:
        for _ in range(2):
            answer = north.post("/consents/import", content=file.encode(), headers={"Content-Type": "text/csv"})
            assert answer.status_code == 200, answer.text
            assert (answer.json()["imported"], answer.json()["rejected"]) == (3, 1)
            assert [(bad["line"], bad["field"]) for bad in answer.json()["errors"]] == [(4, "channel")]
        path = "/recipients/paper-1/consents"
        until(lambda: len(north.get(path).json()["words"]) == 3, "three words, however often they were imported")
        found = north.get(path).json()
        assert [(held["channel"], held["state"]) for held in found["holds"]] == [("email", "opted_out")]
        assert [(word["state"], word["source"], word["proof"]) for word in found["words"]] == [
            ("opted_in", "list", ""), ("opted_in", "fair", "form 17"), ("opted_out", "phone", "call 3"),
        ]  # fmt: skip
        told = north.get(path, params={"format": "csv"})
        rows = list(csv.DictReader(io.StringIO(told.text)))
        assert [row["proof"] for row in rows] == ["", "form 17", "call 3"]
        back = north.post("/consents/import", content=told.content, headers={"Content-Type": "text/csv"})
        assert (back.json()["imported"], back.json()["rejected"]) == (3, 0), "what was exported can be imported"
        future = {"contact": "paper-1", "channel": "email", "state": "opted_in", "at": "2090-01-01T00:00:00Z"}
        assert north.post("/consents", json=future).json()["errors"][0]["problem"] == "in_the_future"


def test_every_analysts_view_says_whose_each_row_is(house: House) -> None:
    """So that a database of a brand's own, or a row policy, can be cut from it."""
    with clickhouse_connect.get_client(dsn=house.stage.environment["PEAL_CLICKHOUSE_URL"]) as client:
        found = client.query(
            "SELECT name FROM system.tables WHERE database = currentDatabase() AND engine = 'View' "
            "AND NOT startsWith(name, 'v_') ORDER BY name"
        ).result_rows
        views = [row[0] for row in found]
        assert {"sends", "events", "costs", "reach"} <= set(views)
        for view in views:
            columns = {row[0] for row in client.query(f"DESCRIBE TABLE {view}").result_rows}
            assert "brand" in columns, f"{view} does not say whose its rows are: give it the column brand"
            if "recipient_id" in columns:
                wrong = f"SELECT count() FROM {view} WHERE brand != splitByChar('/', recipient_id)[1]"
                assert client.query(wrong).result_rows == [(0,)], view
            foreign = f"SELECT count() FROM {view} WHERE brand = 'south'"
            assert client.query(foreign).result_rows == [(0,)], f"{view}: south has sent nothing"


def peal(house: House, *arguments: str, brand: str = "") -> Any:
    environment = {**os.environ, "PEAL_CONSOLE_URL": house.stage.url, "PEAL_API_KEY": KEY, "PEAL_BRAND": brand}
    command = [sys.executable, "-m", "services.cli.main", *arguments]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    return json.loads(done.stdout)


def test_the_command_line_does_all_of_it(house: House, tmp_path: Path) -> None:
    (tmp_path / "west.yaml").write_text("brand_id: west\nname: West\nopt_in_channels: [email, sms]\n")
    assert peal(house, "brand", "apply", str(tmp_path / "west.yaml"), "--json")["opt_in_channels"] == ["email", "sms"]
    assert "west" in {each["brand_id"] for each in peal(house, "brand", "list", "--json")}
    assert peal(house, "operator", "add", "wim", "--role", "admin", "--json", brand="west")["brand"] == "west"
    assert "/login/" in peal(house, "operator", "login-link", "wim", "--json", brand="west")["url"]
    key = peal(house, "key", "create", "--id", "west-shop", "--json", brand="west")["key"]
    assert [each["operator_id"] for each in peal(house, "key", "list", "--json", brand="west")] == ["west-shop"]
    with house.client(key) as shop:
        assert shop.get("/brands").json()["items"][0]["brand_id"] == "west"
    (tmp_path / "paper.csv").write_text("contact,channel,state,proof\nw-1,sms,opted_in,card 9\n")
    assert peal(house, "consents", "import", str(tmp_path / "paper.csv"), "--json", brand="west")["imported"] == 1
    until(lambda: peal(house, "consents", "export", "w-1", brand="west")["words"], "the imported word")
    peal(house, "key", "revoke", "west-shop", "--json", brand="west")
    peal(house, "operator", "remove", "wim", "--json", brand="west")
    wanted = {"brand.put", "operator.put", "operator.login-link", "api-key.create", "consent.import", "api-key.revoke"}

    def done() -> set[str]:
        with house.client(KEY, "west") as root:
            return {each["action"] for each in root.get("/audit").json()["items"]}

    until(lambda: wanted | {"operator.remove"} <= done(), "every act in the audit log")
