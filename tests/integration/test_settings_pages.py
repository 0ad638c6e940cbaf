"""The settings' pages and signing in, on the real planner, tracker, Kafka and ClickHouse."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from console_stage import KEY, Stage, event, listed, open_stage, until

PASSWORD = "seven grey herons"


@pytest.fixture(scope="module")
def stage(own_infrastructure: tuple[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with open_stage(*own_infrastructure, tmp_path_factory.mktemp("settings")) as made:
        yield made


def client(stage: Stage) -> httpx.Client:
    return httpx.Client(base_url=stage.url, follow_redirects=True, timeout=60)


def csrf_of(page: httpx.Response) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert found, page.text[:500]
    return found[1]


def alert_of(page: httpx.Response) -> str:
    found = re.search(r'role="alert">([^<]+)', page.text)
    return found[1] if found else ""


@pytest.fixture
def root(stage: Stage) -> Iterator[httpx.Client]:
    with client(stage) as browser:
        assert browser.post("/login", data={"api_key": KEY}).status_code == 200
        yield browser


def come_in(stage: Stage, operator_id: str, browser: httpx.Client) -> None:
    """By a link, as a new operator does."""
    url = stage.api.post(f"/operators/{operator_id}/login-link").raise_for_status().json()["url"]
    assert browser.get(url).url.path == "/"


def test_every_page_stands_with_nothing_in_it_and_says_what_to_do(root: httpx.Client) -> None:
    assert root.get("/settings").url.path == "/settings/brand"
    for tab, says in {
        "operators": "Nobody but you so far", "api-keys": "No key has been made",
        "approvals": "Nothing waits for approval", "uncertain": "Nothing is in doubt",
        "dead-letters": "There are none", "audit": "operator.sign-in", "me": "no person", "brand": "Who writes",
    }.items():  # fmt: skip
        page = until(  # the log has it a moment later
            lambda tab=tab, says=says: (found := root.get(f"/settings/{tab}")) and says in found.text and found, tab
        )
        assert page.status_code == 200, page.text
        assert page.headers["permissions-policy"]
        assert page.headers["cross-origin-opener-policy"] == "same-origin"
        assert "unsafe-inline" not in page.headers["content-security-policy"]
    assert root.get("/accounts").status_code == 200
    assert root.get("/accounts/connect").status_code == 200


def test_an_operator_chooses_a_password_and_all_other_sessions_end(stage: Stage) -> None:
    stage.api.put("/operators/asha", json={"role": "admin", "name": "Asha", "email": "asha@example.com"})
    with client(stage) as here, client(stage) as there:
        come_in(stage, "asha", here)
        come_in(stage, "asha", there)
        token = {"X-CSRF-Token": csrf_of(here.get("/settings/me"))}
        weak = here.put("/api/v1/me/password", json={"password": "short"}, headers=token)
        assert (weak.status_code, weak.json()["errors"][0]["field"]) == (422, "password")
        done = here.put("/api/v1/me/password", json={"password": PASSWORD}, headers=token)
        assert done.status_code == 200, done.text
        assert done.json()["has_password"]
        assert "argon2" not in done.text + stage.api.get("/operators").text
        assert here.get("/settings/me").url.path == "/settings/me", "whoever changed it stays signed in"
        assert there.get("/settings/me").url.path == "/login"
        token = {"X-CSRF-Token": csrf_of(here.get("/settings/me"))}
        wrong = here.put("/api/v1/me/password", json={"password": PASSWORD + "!", "current": "no"}, headers=token)
        assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "current")
        for name in ("asha", "Asha@example.com"):
            assert there.post("/login", data={"name": name, "password": PASSWORD}).url.path == "/"
        ended = here.post("/api/v1/me/end-sessions", headers=token)
        assert ended.status_code == 200
        assert there.get("/").url.path == "/login"
        assert here.get("/").url.path == "/"
    key = stage.api.put("/me/password", json={"password": PASSWORD})
    assert (key.status_code, key.json()["type"]) == (409, "urn:peal:problem:no_person")


def test_guessing_has_to_wait_and_the_audit_log_knows_of_it(stage: Stage) -> None:
    stage.api.put("/operators/ben", json={"role": "viewer"})
    with client(stage) as browser:
        answers = [browser.post("/login", data={"name": "ben", "password": f"try {n}"}) for n in range(6)]
        assert [answer.status_code for answer in answers] == [401] * 5 + [429]
        assert 0 < int(answers[-1].headers["retry-after"]) <= 300
        assert "tried too often" in answers[-1].text
        unknown = browser.post("/login", data={"name": "nobody-of-this-name", "password": "x"})
        assert unknown.status_code == 401
        assert alert_of(unknown) == alert_of(answers[0]), "nobody learns which names there are"
        assert browser.post("/login", data={"api_key": "no"}).status_code == 401
        foreign = browser.post("/login", data={"api_key": KEY}, headers={"Sec-Fetch-Site": "cross-site"})
        assert foreign.status_code == 403

    def told() -> list[dict[str, Any]]:
        found = stage.api.get("/audit", params={"action": "operator.sign-in", "limit": 100}).json()["items"]
        return [each for each in found if each["status"] == "rejected" and each["object"] == "operator/ben"]

    until(lambda: len(told()) == 5, "five failures in the audit log")
    assert "nobody-of-this-name" not in stage.api.get("/audit").text, "what is typed as a name may be a password"


def test_an_admin_of_the_installation_makes_brands_and_acts_for_one_at_a_time(stage: Stage, root: httpx.Client) -> None:
    page = root.get("/settings/brand")
    token = {"X-CSRF-Token": csrf_of(page)}
    made = root.post("/api/v1/brands", json={"brand_id": "north", "name": "North Air"}, headers=token)
    assert made.status_code == 201, made.text
    taken = root.post("/api/v1/brands", json={"brand_id": "north"}, headers=token)
    assert (taken.status_code, taken.json()["errors"][0]["field"]) == (409, "brand_id")
    changed = root.patch(
        "/api/v1/brands/north", json={"limits": {"caps": [{"messages": 3, "per": "7d"}]}}, headers=token
    )
    assert (changed.json()["name"], changed.json()["limits"]["caps"][0]["per"]) == ("North Air", "7d")
    bad = root.patch("/api/v1/brands/north", json={"zone": "Mars", "limits": {"caps": [{"per": "x"}]}}, headers=token)
    assert {error["field"] for error in bad.json()["errors"]} == {"zone", "limits.caps.0.messages", "limits.caps.0.per"}
    stage.api.put("/operators/south-op", json={"role": "viewer"})
    switched = root.post("/brand", data={"brand": "north", "csrf_token": csrf_of(page)})
    assert "North Air" in switched.text
    assert "south-op" not in root.get("/settings/operators").text
    assert root.get("/api/v1/me").json()["brand"] == "north"
    old = root.post("/api/v1/brands", json={"brand_id": "west"}, headers=token)
    assert (old.status_code, old.json()["type"]) == (403, "urn:peal:problem:csrf"), (
        "a page of the other brand is too old"
    )
    assert root.post("/brand", data={"brand": "nowhere", "csrf_token": csrf_of(root.get("/"))}).status_code == 404
    with client(stage) as asha:
        come_in(stage, "south-op", asha)
        assert asha.post("/brand", data={"brand": "north", "csrf_token": csrf_of(asha.get("/"))}).status_code == 404
        assert asha.get("/settings/operators").status_code == 403


def test_what_waits_for_approval_stands_there_until_a_second_person_says_yes(stage: Stage, root: httpx.Client) -> None:
    stage.api.patch("/brands/default", json={"approval_above": {"total": "1.00"}})
    campaign = listed(1, ("email",), name="Costly", budget={"total": "500.00", "currency": "USD"})
    sent = stage.api.post("/campaigns", json=campaign, params={"launch": "true"})
    assert sent.status_code == 201, sent.text
    page = until(
        lambda: (found := root.get("/settings/approvals")) and "Costly" in found.text and found, "the campaign"
    )
    assert "500.00" in page.text
    assert "You asked for it" in page.text
    with client(stage) as asha:
        stage.api.put("/operators/cleo", json={"role": "marketer"})
        come_in(stage, "cleo", asha)
        assert "Approve Costly" in asha.get("/settings/approvals").text
        token = csrf_of(asha.get("/"))
        done = asha.post(f"/api/v1/campaigns/{campaign['id']}/approve", json={}, headers={"X-CSRF-Token": token})
        assert done.status_code == 200, done.text
        assert "Costly" not in asha.get("/settings/approvals").text
    stage.api.patch("/brands/default", json={"approval_above": None})


def test_what_is_in_doubt_is_listed_with_what_each_decision_means(stage: Stage, root: httpx.Client) -> None:
    campaign_id = stage.launched(2, ("email",))
    stage.tell(event(campaign_id, 1, 0, "email", "uncertain", detail="no answer"))
    contact = f"{campaign_id}-p0"
    until(lambda: contact in root.get("/settings/uncertain").text, "the send in doubt")
    dialog = root.get(f"/settings/uncertain/{campaign_id}/1/{contact}")
    assert "the person gets it twice" in dialog.text
    token = {"X-CSRF-Token": csrf_of(root.get("/"))}
    path = f"/api/v1/uncertain/{campaign_id}/1/{contact}/resolve"
    assert root.post(path, json={"as": "accepted"}, headers=token).status_code == 200
    until(lambda: contact not in root.get("/settings/uncertain").text, "the decision")


def test_a_dead_letter_is_shown_whole_with_what_trying_again_does(stage: Stage, root: httpx.Client) -> None:
    stage.publish("contact-changes", [("default/c-9", b'{"recipient": "default/c-9", "set": 5}')])
    found = until(
        lambda: re.search(r'href="(/settings/dead-letters/contact-changes/[0-9]+/[0-9]+)"',
                          root.get("/settings/dead-letters").text), "the dead letter",
    )  # fmt: skip
    assert found is not None
    page = root.get(found[1])
    assert "default/c-9" in page.text
    assert "goes to contact-changes once more" in page.text
    again = root.post(
        f"/api/v1{found[1].removeprefix('/settings')}/replay", headers={"X-CSRF-Token": csrf_of(page)}
    )  # fmt: skip
    assert again.status_code == 202, again.text
    assert root.get("/settings/dead-letters", params={"topic": "nothing-of-ours"}).status_code == 404


def test_the_audit_log_is_walked_by_pages_and_filtered(stage: Stage, root: httpx.Client) -> None:
    stage.api.put("/operators/dora", json={"role": "viewer"})
    puts = {"action": "operator.put"}
    until(lambda: "operator/dora" in root.get("/settings/audit", params=puts).text, "the entry")
    page = root.get("/settings/audit", params=puts)
    assert "operator.sign-in" not in page.text.partition("<tbody>")[2]
    assert "No entry matches" in root.get("/settings/audit", params={"operator": "nobody"}).text
    for number in range(60):
        stage.api.put("/operators/dora", json={"role": "viewer", "name": f"Dora {number}"})
    older = until(
        lambda: re.search(r'href="(\?[^"]*cursor=[^"]+)">Older', root.get("/settings/audit").text), "a second page"
    )
    assert older is not None
    assert root.get(f"/settings/audit{older[1].replace('&amp;', '&')}").status_code == 200
