"""Steering in the browser: what each act will do is said before, and what came of it after."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, expect

from deploy.local.installation import Access
from services.console.pages.common import number, share

PATIENCE_MS = 120_000
CAMPAIGN: dict[str, Any] = {
    "id": "steered", "name": "Steered", "channels": ["whatsapp"], "body": {"text": "Hi {{ name | default: 'there' }}"},
    "audience": {"filter": {"role": "all"}}, "budget": {"total": "500.00"},
}  # fmt: skip


@pytest.fixture(scope="module")
def draft(api: httpx.Client) -> str:
    assert api.post("/campaigns", json=CAMPAIGN).status_code == 201
    return str(CAMPAIGN["id"])


@pytest.fixture
def page(context: BrowserContext, access: Access, draft: str) -> Page:
    opened = context.new_page()
    opened.goto(f"{access.console_url}/campaigns/{draft}")
    return opened


def choose(page: Page, verb: str) -> str:
    """Press the button of an act; what the dialog says."""
    page.get_by_role("button", name=verb, exact=True).click()
    expect(page.get_by_role("dialog")).to_be_visible()
    return page.get_by_role("dialog").inner_text()


def test_launched_paused_and_resumed_in_the_browser_each_message_leaves_once(
    page: Page, api: httpx.Client, access: Access, draft: str
) -> None:
    """The pause shows when the last provider call left; after it nothing leaves until the campaign is resumed."""
    badge, dialog = page.locator(".badge"), page.get_by_role("dialog")
    assert re.search(r"goes to \d+ people now: at most \d+ messages, by WhatsApp", choose(page, "Launch"))
    dialog.get_by_role("button", name="Launch").click()
    expect(page.locator("#told")).to_have_text("Launched.")
    expect(badge).to_have_text("active", timeout=PATIENCE_MS)
    expect(page.locator("[data-label=Sent]")).not_to_have_text("0", timeout=PATIENCE_MS)

    assert re.search(r"\d+ messages to \d+ people are not settled yet", choose(page, "Pause"))
    assert Axe().run(page).response["violations"] == []
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#told")).to_be_focused()
    expect(badge).to_have_text("paused")
    expect(page.locator("#paused time").first).to_be_visible()
    paused = api.get(f"/campaigns/{draft}/stats").json()
    assert paused["open"] > 0
    assert paused["last_call_at"] is not None
    taken = messages(access, draft)

    choose(page, "Resume")
    assert messages(access, draft) == taken
    dialog.get_by_role("button", name="Resume").click()
    expect(badge).to_have_text("completed", timeout=PATIENCE_MS)
    ended = api.get(f"/campaigns/{draft}/stats").json()
    assert (ended["settled"], ended["open"], ended["last_call_at"]) == (ended["planned"], 0, None)
    assert set(messages(access, draft).values()) == {1}
    expect(page.get_by_role("button", name="Clone")).to_be_visible()
    expect(page.get_by_role("button", name="Pause")).to_have_count(0)


def messages(access: Access, campaign: str) -> Counter[str]:
    """How often the sandbox's providers took each send."""
    lines = httpx.get(f"{access.sandbox_url}/messages", timeout=60).iter_lines()
    sends = [match[1] for line in lines if (match := re.search(r'"send_id": ?"([^"]+)"', line))]
    return Counter(send for send in sends if send.startswith(f"{campaign}/"))


def test_a_clone_is_a_draft_and_an_answer_that_comes_too_late_says_why(page: Page, api: httpx.Client) -> None:
    choose(page, "Clone")
    page.get_by_role("dialog").get_by_role("button", name="Clone").click()
    expect(page.get_by_role("heading", name="Steered (copy)")).to_be_visible()
    expect(page.locator(".badge")).to_have_text("draft")
    copy = page.url.rpartition("/")[2]
    assert "This cannot be undone" in choose(page, "Cancel")
    assert api.post(f"/campaigns/{copy}/cancel").status_code == 200
    page.get_by_role("dialog").get_by_role("button", name="Cancel the campaign").click()
    expect(page.get_by_role("dialog").get_by_role("alert")).to_contain_text("epoch")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.locator(".badge")).to_have_text("cancelled")


def test_content_and_budget_are_edited_in_the_browser(page: Page, api: httpx.Client, access: Access) -> None:
    """A refusal says what is wrong, keeps what was typed, and can be mended there."""
    made = api.post("/campaigns", json=CAMPAIGN | {"id": "edited", "channels": ["email", "sms"]})
    assert made.status_code == 201
    page.goto(f"{access.console_url}/campaigns/edited")
    dialog = page.get_by_role("dialog")
    assert "Nothing has left so far" in choose(page, "Edit content")
    dialog.get_by_role("button", name="Change the content").click()
    expect(dialog.get_by_role("alert")).to_have_text("Nothing was changed.")
    body = dialog.get_by_role("group", name=re.compile("^Body"))
    body.get_by_label("Text").fill("Hi {{ nmae }}")
    dialog.get_by_role("button", name="Change the content").click()
    expect(dialog.get_by_role("alert")).to_contain_text("nmae")
    body.get_by_label("Text").fill("Good morning")
    dialog.get_by_role("group", name=re.compile("^SMS")).get_by_label("Text").fill("Morning")
    dialog.get_by_role("button", name="Change the content").click()
    expect(page.locator("#told")).to_contain_text("The content is changed")
    record = api.get("/campaigns/edited").json()
    assert record["body"]["text"] == "Good morning"
    assert record["steps"][1]["content"]["sms"] == {"text": "Morning"}

    choose(page, "Edit budget")
    dialog.get_by_label("Total, in USD").fill("12.50")
    dialog.get_by_role("button", name="Change the budget").click()
    expect(page.locator("#told")).to_have_text("The budget is changed.")
    expect(page.get_by_role("region", name="Money")).to_contain_text("12.50 USD")


def test_the_figures_of_the_dashboard_are_those_of_rest(
    context: BrowserContext, access: Access, api: httpx.Client, draft: str
) -> None:
    """And they follow without reloading."""
    page = context.new_page()
    page.goto(access.console_url)
    before = api.get("/dashboard").json()
    shown = {name: page.locator(f"[data-figure={name}]") for name in ("active", "drafts", "completed", "total_reach")}
    for name, figure in shown.items():
        expect(figure).to_have_text(number(before[name]))
    expect(page.locator("[data-figure=budget_utilization]")).to_have_text(
        share(before["spent_micros"], before["budget_micros"])
    )
    assert api.post(f"/campaigns/{draft}/clone").status_code == 201
    expect(shown["drafts"]).to_have_text(number(before["drafts"] + 1))
    for status, count in api.get("/dashboard").json()["by_status"].items():
        row = page.get_by_role("row", name=re.compile(f"^{status}"))
        expect(row.locator("td").last).to_have_text(number(count))


def test_the_campaign_of_the_quickstart_is_taken_as_it_stands(page: Page, access: Access, api: httpx.Client) -> None:
    hello = yaml.safe_load((Path(__file__).parents[2] / "examples" / "hello.yaml").read_text())
    assert api.post("/campaigns", json=hello).status_code == 201
    page.goto(f"{access.console_url}/campaigns/{hello['id']}")
    words = choose(page, "Launch")
    assert "by Email, SMS" in words
    assert "It spends at most 5.00 USD" in words
    assert "at most 0 messages" not in words
    page.get_by_role("button", name="Leave it a draft").click()
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.locator(".badge")).to_have_text("draft")
