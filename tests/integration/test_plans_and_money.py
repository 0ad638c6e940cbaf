"""A dry run, what became of it, a second person's approval and a month's bill, over REST and the command line."""

from __future__ import annotations

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from console_stage import KEY, Stage, event, listed, until
from ulid import ULID

PEOPLE = b"""id,name,email,phone,city,opt_in,plan
m-1,Asha,asha@example.com,+919800000001,Pune,sms,gold
m-2,Ravi,asha@example.com,+919800000002,Pune,sms,free
m-3,Jo,,+919800000003,Pune,,gold
m-4,\xe0\xa4\xae\xe0\xa5\x80\xe0\xa4\xb0\xe0\xa4\xbe,meera@example.com,+919800000004,Pune,sms whatsapp,gold
"""


@pytest.fixture(scope="module")
def brand(stage: Stage) -> str:
    """With people, an amount that needs two, and a key each for two of its marketers."""
    name = f"plans-{ULID()}".lower()
    above = {"total": "100", "currency": "USD"}
    stage.api.put(f"/brands/{name}", json={"approval_above": above, "opt_in_channels": ["sms"]}).raise_for_status()
    with client(stage, KEY, name) as root:
        headers = {"content-type": "text/csv"}
        imported = root.post("/contacts/import", params={"list": "spring"}, content=PEOPLE, headers=headers)
        assert imported.raise_for_status().json()["imported"] == 4
        until(lambda: preview(root)["by_channel"]["sms"]["reachable"] == 3, "the opt-ins")
    return name


def client(stage: Stage, key: str, brand: str = "") -> httpx.Client:
    headers = {"Authorization": f"Bearer {key}"} | ({"X-Peal-Brand": brand} if brand else {})
    return httpx.Client(base_url=f"{stage.url}/api/v1", headers=headers, timeout=60)


def preview(root: httpx.Client, **filters: Any) -> dict[str, Any]:
    body = {"filter": {"lists": ["spring"], **filters}, "channels": ["email", "sms"]}
    return dict(root.post("/audience/preview", json=body).raise_for_status().json())


def campaign(brand: str, **changes: Any) -> dict[str, Any]:
    return {
        "id": f"plan-{ULID()}".lower(), "name": "Plan", "brand": brand, "channels": ["email", "sms"],
        "body": {"text": "Hi {{ name }}"}, "content": {"email": {"subject": "Hi"}},
        "audience": {"filter": {"lists": ["spring"]}}, "budget": {"total": "100"}, **changes,
    }  # fmt: skip


def test_a_filter_that_names_what_is_not_there_is_refused_with_the_field(stage: Stage, brand: str) -> None:
    with client(stage, KEY, brand) as root:
        assert preview(root, attributes={"plan": "gold"})["matched"] == 3
        assert preview(root, any=[{"attributes": {"plan": "free"}}, {"not": {"cities": ["Pune"]}}])["matched"] == 1
        assert root.get("/lists").json() == {"items": [{"name": "spring", "people": 4}]}
        body = {"filter": {"any": [{"not_in_campaigns": ["no-such"]}]}}
        problem = root.post("/audience/preview", json=body)
        assert problem.status_code == 422
        assert problem.json()["errors"][0]["field"] == "audience.filter.any.0.not_in_campaigns"
        refused = root.post("/campaigns", json=campaign(brand, audience=body))
        assert refused.json()["errors"][0]["problem"] == "no_such_campaign"


def test_a_dry_run_tells_people_messages_money_and_time_and_stores_nothing(stage: Stage, brand: str) -> None:
    with client(stage, KEY, brand) as root:
        wanted = campaign(brand, body={"text": "Hi {{ name }} of {{ cty }}"})
        wrong = root.post("/campaigns/plan", json=wanted).raise_for_status().json()
        assert (wrong["sound"], wrong["errors"][0]["problem"]) == (False, "unknown_placeholder")
        plan = root.post("/campaigns/plan", json=campaign(brand)).raise_for_status().json()
        assert (plan["sound"], plan["errors"], plan["needs_approval"]) == (True, [], False)
        email, sms = plan["forecast"]["steps"]
        assert (email["reachable"], email["dropped"]) == (2, {"duplicate": 1, "no_address": 1})
        assert (sms["reachable"], sms["dropped"]) == (3, {"no_consent": 1})
        assert sms["units"] >= 1
        assert plan["forecast"]["most_micros"] == 2 * 900 + 3 * sms["units"] * 7900
        assert plan["forecast"]["finish_at"] is not None
        assert root.get(f"/campaigns/{plan['campaign_id']}").status_code == 404


def test_above_the_brand_s_amount_a_launch_waits_for_another_person(stage: Stage, brand: str) -> None:
    with client(stage, KEY, brand) as root:
        keys = {}
        for name in ("asha", "ravi"):
            made = root.post("/api-keys", json={"id": f"{name}-{brand}", "role": "marketer"}).raise_for_status()
            keys[name] = made.json()["key"]
    with client(stage, keys["asha"]) as asha, client(stage, keys["ravi"]) as ravi:
        wanted = campaign(brand, budget={"total": "100.01"})
        assert asha.post("/campaigns/plan", json=wanted).json()["needs_approval"] is True
        waiting = asha.post("/campaigns", json=wanted, params={"launch": "true"}).raise_for_status().json()
        path = f"/campaigns/{wanted['id']}"
        assert waiting["waiting_for"] == "approval"
        shown = asha.get(path).json()
        assert (shown["status"], shown["approval"]["requested_by"]) == ("draft", f"asha-{brand}")
        refused = asha.post(f"{path}/approve")
        assert (refused.status_code, refused.json()["errors"][0]["problem"]) == (409, "same_person")
        assert ravi.post(f"{path}/approve").raise_for_status().json()["waiting_for"] == ""
        assert ravi.get(path).json()["status"] == "active"
        compared = until(
            lambda: (found := ravi.get(f"{path}/plan").json())["forecast"] and found, "the forecast of the launch"
        )
        assert [step["reachable"] for step in compared["forecast"]["steps"]] == [2, 3]
        assert (compared["outcome"]["status"], compared["outcome"]["people"]) == ("active", 4)
        changed = ravi.post(f"{path}/edit", json={"body": {"text": "Other"}}).raise_for_status().json()
        assert changed["waiting_for"] == "approval"
        assert ravi.get(path).json()["status"] == "paused"
        assert asha.post(f"{path}/approve").raise_for_status().json()["waiting_for"] == ""
        ravi.post(f"{path}/cancel").raise_for_status()


def test_a_month_s_bill_has_cents_that_add_up_and_the_command_line_prints_it(stage: Stage, tmp_path: Path) -> None:
    made = listed(3, ("email",))
    stage.api.post("/campaigns", json=made, params={"launch": "true"}).raise_for_status()
    stage.tell(*(event(made["id"], 1, n, "email", "accepted", cost_micros=3_350) for n in range(3)))
    month = f"{datetime.now(UTC):%Y-%m}"

    def billed() -> list[dict[str, Any]]:
        items = stage.api.get("/costs", params={"month": month}).raise_for_status().json()["items"]
        return [item for item in items if item["campaign_id"] == made["id"] and item["attempts"] == 3]

    (row,) = until(billed, "the costs")
    assert (row["cost"], row["cost_micros"], row["currency"]) == ("0.01", 10_050, "USD")
    text = stage.api.get("/costs.csv", params={"month": month})
    assert text.headers["content-type"].startswith("text/csv")
    assert f"{month},default,{made['id']},Hello,email,default,3,USD,0.01,10050" in text.text
    bad = stage.api.get("/costs", params={"month": "2026-13"})
    assert (bad.status_code, bad.json()["errors"][0]["field"]) == (422, "month")
    shown = peal(stage, "costs", "--month", month)
    assert "0.01 USD" in shown.stdout
    file = tmp_path / "plan.yaml"
    file.write_text("name: X\nchannels: [email]\nbody: {text: 'Hi {{ nmae }}'}\naudience: {filter: {cities: [Pune]}}\n")
    planned = peal(stage, "plan", str(file))
    assert planned.returncode == 4, planned.stderr
    assert "nmae" in planned.stderr
    assert "reachable" in planned.stdout
    assert "sent" in peal(stage, "plan", made["id"]).stdout


def peal(stage: Stage, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PEAL_CONSOLE_URL": stage.url, "PEAL_API_KEY": KEY, "COLUMNS": "160"}
    command = [sys.executable, "-m", "services.cli.main", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)
