"""Pages, the command line and the life of the process, on the real planner, tracker, Kafka and ClickHouse."""

from __future__ import annotations

import asyncio
import csv
import html
import io
import json
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import yaml
from console_stage import ADMIN_TOKEN, KEY, Stage, event, listed, until
from service_process import ServiceProcess
from ulid import ULID

from deploy.local.free_ports import free_ports
from services.console.pages.navigation import ACTIONS, MAIN, SETTINGS
from services.domain.messages import DeliveryEvent


def peal(stage: Stage, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PEAL_CONSOLE_URL": stage.url, "PEAL_API_KEY": KEY, "COLUMNS": "200"}
    command = [sys.executable, "-m", "services.cli.main", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)


def test_the_admin_link_signs_in_once_and_pages_need_a_session(stage: Stage) -> None:
    with httpx.Client(base_url=stage.url, timeout=60) as stranger:
        for page in ("/", "/live", "/campaigns", "/campaigns/x", "/campaigns/x/acts/pause", "/recipients/x"):
            assert stranger.get(page).headers["location"] == "/login"
        welcome = stranger.get(f"/login/{ADMIN_TOKEN}")
        assert (welcome.status_code, welcome.headers["location"]) == (303, "/")
        cookie = welcome.headers["set-cookie"].lower()
        assert "httponly" in cookie
        assert "samesite=lax" in cookie
        assert stranger.get("/").status_code == 200
        assert stranger.get("/api/v1/campaigns").status_code == 200
    with httpx.Client(base_url=stage.url, timeout=60) as second:
        used = second.get(f"/login/{ADMIN_TOKEN}")
        assert used.status_code == 403
        assert "has been used" in used.text
        assert second.get("/login", params={"token": "wrong"}).status_code == 403
        assert second.post("/login", data={"api_key": "wrong"}).status_code == 401
        assert second.get("/").status_code == 303
        second.cookies.set("peal_session", "forged.by.hand")
        assert second.get("/").status_code == 303


def test_every_place_of_the_bar_the_tabs_and_the_palette_is_there(browser: httpx.Client) -> None:
    for place in (*MAIN, *SETTINGS, *ACTIONS):
        assert browser.get(place.path).status_code == 200, place.path


def test_a_session_changes_nothing_without_its_token(stage: Stage, browser: httpx.Client) -> None:
    campaign = listed(1)
    refused = browser.post("/api/v1/campaigns", json=campaign)
    assert refused.status_code == 403
    assert refused.json()["type"] == "urn:peal:problem:csrf"
    token = re.search(r'name="csrf_token" value="([^"]+)"', browser.get("/").text)
    assert token is not None
    made = browser.post("/api/v1/campaigns", json=campaign, headers={"X-CSRF-Token": token[1]})
    assert made.status_code == 201
    assert browser.post("/logout", data={"csrf_token": "x"}).status_code == 403
    assert "Sign in" in browser.post("/logout", data={"csrf_token": token[1]}).text
    assert browser.get("/", follow_redirects=False).status_code == 303


def test_pages_show_figures_reasons_and_the_person_in_words(stage: Stage, browser: httpx.Client) -> None:
    campaign = stage.launched(3, name="<b>Bold</b> & co")
    stage.tell(
        event(campaign, 1, 0, "email", "delivered"),
        event(campaign, 1, 1, "email", "suppressed", reason="opted_out", source="router"),
    )
    until(lambda: stage.stats(campaign)["settled"] == 2, "two settled sends")
    listing = browser.get("/campaigns").text
    assert "&lt;b&gt;Bold&lt;/b&gt; &amp; co" in listing
    assert "<b>Bold" not in listing
    assert "Sandbox: nothing leaves this machine." in listing
    page = browser.get(f"/campaigns/{campaign}").text
    for words in ("opted out", "Messages planned", "1. Email", "2. SMS", "Done by about"):
        assert words in page
    asked = {"contact": f"{campaign}-p0", "campaign": campaign}
    planned = "The SMS has been asked for and waits to be judged."
    until(lambda: planned in browser.get("/recipients", params=asked).text, "the second step is planned, too")
    found = browser.get("/recipients", params=asked)
    assert found.url.path == f"/recipients/{campaign}-p0"
    assert "Person 0 got the email at" in found.text
    for missing in ("/campaigns/nope", "/recipients/nope", "/nothing"):
        answer = browser.get(missing)
        assert answer.status_code == 404
        assert answer.headers["content-type"].startswith("text/html")
        assert "There is nothing here" in answer.text
    assert "script-src" not in page
    policy = browser.get("/").headers["content-security-policy"]
    assert policy.startswith("default-src 'self'")
    for asset in re.findall(r'(?:src|href)="(/static/[^"]+)"', page):
        assert browser.get(asset).status_code == 200
    assert not re.search(r'(?:src|href)="(?:https?:)?//', page)


def test_a_page_is_sent_the_parts_that_change(stage: Stage, browser: httpx.Client) -> None:
    campaign = stage.launched(2, ("email",))
    seen: list[str] = []
    with browser.stream("GET", f"/campaigns/{campaign}/live") as stream:
        for kind, html in parts(stream):
            seen.append(kind)
            if kind == "money" and seen.count("money") == 1:
                assert set(seen) == {"title", "actions", "head", "steps", "reasons", "money"}
                stage.tell(event(campaign, 1, 0, "email", "suppressed", reason="no_address", source="router"))
            elif kind == "reasons" and "no address" in html:
                break
    assert seen.count("money") == 1
    assert seen.count("steps") > 1


def parts(stream: httpx.Response) -> Iterator[tuple[str, str]]:
    """Events of a page: name and HTML."""
    kind, lines = "", []
    for line in stream.iter_lines():
        if line.startswith("event: "):
            kind = line.removeprefix("event: ")
        elif line.startswith("data: "):
            lines.append(line.removeprefix("data: "))
        elif not line and kind:
            yield kind, "\n".join(lines)
            kind, lines = "", []


def test_campaigns_are_found_by_status_and_by_a_part_of_their_name_page_by_page(
    stage: Stage, browser: httpx.Client
) -> None:
    tag = str(ULID())
    for number in range(27):
        made = listed(1) | {"id": f"{tag}-{number}", "name": f"Letter {tag} {number}"}
        assert stage.api.post("/campaigns", json=made).status_code == 201
    link = re.compile(rf'href="/campaigns/{tag}-(\d+)"')
    first = browser.get("/campaigns", params={"name": f"letter {tag.lower()}"}).text
    assert "27 campaigns, 25 of them on this page" in first
    older = re.search(r'href="(/campaigns\?[^"]*cursor=[^"]+)">Older', first)
    assert older is not None
    second = browser.get(html.unescape(older[1])).text
    assert sorted(map(int, link.findall(first) + link.findall(second))) == list(range(27))
    assert not link.findall(browser.get("/campaigns", params={"name": tag, "status": "active"}).text)
    assert "No campaign matches" in browser.get("/campaigns", params={"name": f"{tag}-none"}).text
    assert browser.get("/campaigns", params={"cursor": "x"}).status_code == 422


def test_people_are_searched_and_exported(stage: Stage, browser: httpx.Client) -> None:
    campaign = stage.launched(5)
    stage.tell(event(campaign, 1, 3, "email", "suppressed", reason="opted_out", source="router"))
    until(lambda: stage.stats(campaign)["settled"] == 1, "a settled send")
    address = f"/campaigns/{campaign}/people"
    for search in (f"{campaign}-p3", "-P3", "person 3"):
        page = browser.get(address, params={"search": search}).text
        assert set(re.findall(r'href="/recipients/([^?"]+)', page)) == {f"{campaign}-p3"}
    found = browser.get(address, params={"search": "-p3", "status": "suppressed"}).text
    assert len(re.findall(r'href="/recipients/', found)) == 1
    assert "Nobody stands so" in browser.get(address, params={"search": "nobody at all"}).text
    assert "1. Email" in browser.get(address, params={"channel": "email"}).text
    file = browser.get(f"{address}.csv")
    assert file.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(file.text)))
    assert len(rows) == stage.stats(campaign)["planned"] == 10
    assert [row["status"] for row in rows if row["contact"] == f"{campaign}-p3"] == ["suppressed", "planned"]
    only = browser.get(f"{address}.csv", params={"status": "suppressed"}).text
    assert len(list(csv.DictReader(io.StringIO(only)))) == 1


def test_styles_and_scripts_are_small_are_ours_and_are_kept_by_the_browser(browser: httpx.Client) -> None:
    """All of them together stay below 600 KB as they are sent."""
    page = browser.get("/").text
    found = set(re.findall(r'(?:src|href)="(/static/[^"]+)"', page + browser.get("/campaigns").text))
    assert {"/static/vendor/tabler.css", "/static/vendor/htmx.js"} <= {asset.partition("?")[0] for asset in found}
    size = 0
    for asset in found:
        with browser.stream("GET", asset, headers={"Accept-Encoding": "gzip"}) as answer:
            assert answer.status_code == 200, asset
            assert "immutable" in answer.headers["cache-control"]
            kind = answer.headers["content-type"]
            assert kind.startswith(("text/css", "text/javascript", "application/javascript", "image/svg+xml")), asset
            size += sum(map(len, answer.iter_raw()))
    assert size < 600_000
    plain = browser.get("/static/vendor/htmx.js", headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert "htmx" in plain.text
    policy = browser.get("/").headers["content-security-policy"]
    assert "unsafe" not in policy
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|<script(?! src=)", page)


def test_content_and_budget_are_edited_on_the_page_knowing_whom_it_concerns(
    stage: Stage, browser: httpx.Client
) -> None:
    campaign = stage.launched(3)
    content = browser.get(f"/campaigns/{campaign}/acts/content").text
    assert "6 messages to 3 people are not settled yet" in content
    assert 'data-part="body"' in content
    assert "SMS, follows the body" in content
    budget = browser.get(f"/campaigns/{campaign}/acts/budget").text
    assert 'data-part="budget"' in budget


def test_an_act_says_how_many_it_concerns_and_a_pause_when_the_last_message_left(
    stage: Stage, browser: httpx.Client
) -> None:
    campaign = stage.launched(4)
    said = [(1, 0, "email", "accepted"), (2, 0, "sms", "failed"), (1, 1, "email", "accepted")]
    events = [event(campaign, *what, seconds=number) for number, what in enumerate(said)]
    stage.tell(*events, event(campaign, 1, 2, "email", "accepted", 60, source="tracker", reason="assumed"))
    until(lambda: stage.stats(campaign)["settled"] == 4, "four settled sends")
    pause = browser.get(f"/campaigns/{campaign}/acts/pause")
    assert "4 messages to 3 people are not settled yet" in pause.text
    assert "went out already" not in pause.text
    cancel = browser.get(f"/campaigns/{campaign}/acts/cancel").text
    assert "3 messages went out already" in cancel
    wrong = browser.get(f"/campaigns/{campaign}/acts/resume")
    assert (wrong.status_code, "there is nothing to resume" in wrong.text) == (409, True)
    assert browser.get(f"/campaigns/{campaign}/acts/explode").status_code == 404

    assert stage.stats(campaign)["last_call_at"] is None
    assert stage.api.post(f"/campaigns/{campaign}/pause").status_code == 200
    last = datetime.fromisoformat(stage.stats(campaign)["last_call_at"])
    assert abs((last - events[2].occurred_at).total_seconds()) < 0.001
    assert "A provider took the last message at" in browser.get(f"/campaigns/{campaign}").text
    assert "it is paused, and 4 messages wait" in browser.get("/").text


def test_the_command_line_imports_applies_launches_lists_shows_and_explains(stage: Stage, tmp_path: Path) -> None:
    tag = str(ULID())
    people = tmp_path / "people.csv"
    people.write_text(f"id,name,email,city\n{tag}-1,Asha,{tag}@example.com,{tag}\n{tag}-2,Ravi,nomail,{tag}\n")
    imported = peal(stage, "contacts", "import", str(people))
    assert imported.returncode == 2, imported.stderr
    assert "1 person went in" in imported.stdout
    assert "nomail" in imported.stdout
    as_json = peal(stage, "contacts", "import", str(people), "--json")
    assert json.loads(as_json.stdout)["errors"][0]["line"] == 3
    until(lambda: stage.api.get(f"/contacts/{tag}-1").status_code == 200, "the merged contact")

    campaign: dict[str, Any] = {
        "id": tag, "name": "[bold]Offer[/]", "channels": ["email"], "body": {"text": "Hi {{ name }}"},
        "audience": {"filter": {"cities": [tag]}},
    }  # fmt: skip
    file = tmp_path / "campaign.yaml"
    file.write_text(yaml.safe_dump(campaign))
    applied = peal(stage, "campaign", "apply", str(file))
    assert (applied.returncode, applied.stdout) == (
        0, f"{tag} is a draft; `peal campaign launch` sends it (epoch 0).\n"
    )  # fmt: skip
    assert peal(stage, "campaign", "launch", tag).returncode == 0
    until(lambda: stage.stats(tag)["planned"] == 1, "a frozen audience")
    again = peal(stage, "campaign", "launch", tag)
    assert again.returncode == 4
    assert "launch needs one that is draft" in again.stderr
    listing = json.loads(peal(stage, "campaign", "list", "--json").stdout)
    assert [item["name"] for item in listing if item["campaign_id"] == tag] == ["[bold]Offer[/]"]
    assert "[bold]Offer[/]" in peal(stage, "campaign", "list").stdout
    shown = peal(stage, "campaign", "show", tag)
    assert "1 people, 1 messages" in shown.stdout
    stage.tell(delivered_to(tag))
    explained = until(
        lambda: (got := peal(stage, "explain", tag, f"{tag}-1")).stdout.startswith("Asha got") and got, "it"
    )
    assert explained.returncode == 0
    assert "address" in explained.stdout
    gates = json.loads(peal(stage, "explain", tag, f"{tag}-1", "--json").stdout)["steps"][0]["gates"]
    assert gates[0]["verdict"] == "passed"


def delivered_to(tag: str) -> DeliveryEvent:
    return DeliveryEvent(
        event_id=f"{tag}/1/{tag}-1/1/delivered/sender", send_id=f"{tag}/1/{tag}-1", campaign_id=tag, step=1,
        recipient=f"default/{tag}-1", ord=0, attempt=1, channel="email", account="default", status="delivered",
        occurred_at=datetime.now(UTC), source="sender",
    )  # fmt: skip


def test_the_command_line_says_what_is_wrong_without_a_traceback(stage: Stage, tmp_path: Path) -> None:
    bad = tmp_path / "bad.yaml"
    bad.write_text("name: X\nchannels: [sns]\naudience: {filter: {}}\nschedule: {at: 2026-12-01T10:00}\n")
    rejected = peal(stage, "campaign", "apply", str(bad))
    assert rejected.returncode == 4
    assert "channels.0: 'sns' is not a channel" in rejected.stderr
    assert "schedule" in rejected.stderr
    bad.write_text("name: [X\n")
    broken = peal(stage, "campaign", "apply", str(bad))
    assert (broken.returncode, "line 2" in broken.stderr) == (4, True)
    assert peal(stage, "explain", "nope", "c-1").returncode == 3
    assert peal(stage, "contacts", "import", str(bad)).returncode == 4
    environment = {**os.environ, "PEAL_CONSOLE_URL": "http://127.0.0.1:9", "PEAL_API_KEY": "x"}
    down = subprocess.run(
        [sys.executable, "-m", "services.cli.main", "campaign", "list"],
        env=environment, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert down.returncode == 1
    assert "does not answer at http://127.0.0.1:9" in down.stderr
    assert "Traceback" not in rejected.stderr + broken.stderr + down.stderr


def test_while_the_planner_is_down_a_command_is_kept_and_its_repeat_gets_the_first_answer(stage: Stage) -> None:
    asyncio.run(stage.services["planner"].kill())
    ports = free_ports()
    environment = stage.environment | {"PEAL_PORT_BASE": str(ports.console), "PEAL_COMMAND_PATIENCE_S": "1"}
    hasty = ServiceProcess("console", environment, ports.metrics("console"), stage.folder)
    asyncio.run(hasty.start())
    try:
        campaign = listed(1)
        headers = {"Authorization": f"Bearer {KEY}", "Idempotency-Key": str(ULID())}
        url = f"http://127.0.0.1:{ports.console}/api/v1/campaigns"
        unanswered = httpx.post(url, json=campaign, headers=headers, timeout=60)
        assert unanswered.status_code == 503
        body = unanswered.json()
        assert body["type"] == "urn:peal:problem:no_answer"
        assert "will still be carried out" in body["detail"]
    finally:
        asyncio.run(hasty.stop())
        asyncio.run(stage.services["planner"].start())
    path = f"/campaigns/{campaign['id']}"
    until(lambda: stage.api.get(path).status_code == 200, "the campaign of the kept command")
    repeat = stage.api.post("/campaigns", json=campaign, headers={"Idempotency-Key": headers["Idempotency-Key"]})
    assert repeat.status_code == 201
    assert repeat.json()["command_id"] == body["command_id"]


def test_a_stop_ends_open_streams_and_exits_clean(stage: Stage) -> None:
    campaign = stage.launched(1, ("email",))
    ports = free_ports()
    environment = stage.environment | {"PEAL_PORT_BASE": str(ports.console)}
    console = ServiceProcess("console", environment, ports.metrics("console"), stage.folder)
    asyncio.run(console.start())
    opened, ended = threading.Event(), threading.Event()

    def watch() -> None:
        url = f"http://127.0.0.1:{ports.console}/api/v1/campaigns/{campaign}/events"
        with httpx.stream("GET", url, headers={"Authorization": f"Bearer {KEY}"}, timeout=60) as stream:
            for line in stream.iter_lines():
                if line.startswith("event: stats"):
                    opened.set()
        ended.set()

    threading.Thread(target=watch, daemon=True).start()
    assert opened.wait(30)
    assert asyncio.run(console.stop(signal.SIGTERM)) == 0
    assert ended.wait(10)


def test_a_taken_port_is_one_sentence_with_what_to_do(stage: Stage) -> None:
    environment = {**os.environ, **stage.environment, "PEAL_INSTANCE": "1"}  # other health port, same console port
    ended = subprocess.run(
        [sys.executable, "-m", "services.console"],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ended.returncode == 70
    assert "is taken" in ended.stderr
    assert "PEAL_PORT_BASE" in ended.stderr
    assert "Traceback" not in ended.stderr
